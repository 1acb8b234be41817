/*
 * The load generator: load [--rate N] HOST PORT CONNECTIONS SIZE SECONDS [WARMUP]
 *
 * One idea: a closed loop. Each connection has one message in flight: it sends SIZE bytes, waits until SIZE bytes came
 * back, notes how long that took, and sends again. One thread, so that it needs one core, and io_uring (ring.h), so that it needs
 * less of it than the server: otherwise it is the generator that is measured. The warm-up is by epoll, and the rest too where
 * there is no io_uring.
 *
 * With --rate the loop is open: N messages a second over all connections, due at fixed moments. A latency counts from the
 * moment a message was due, also when no connection was free to send it, and messages that are still out or were never
 * sent when the time is up count with the time they have waited. So a server that stalls can not hide by stalling the
 * generator too (coordinated omission). Connections take turns: the one that has rested longest is next.
 *
 * Prints "measuring" when the warm-up is over, then one JSON line. What comes back during the warm-up is compared with
 * what was sent; after it only counted. Exits 1 if a connection failed or bytes were wrong.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ring.h"

enum { BUFFER = 256 * 1024, EVENTS = 1024 };

struct connection {
  int fd, busy, watching_out;
  size_t sent, got;
  int64_t begin;
};

static size_t size;
static char *message, *buffer;
static int epoll_fd, verify = 1;
static struct connection *all, **idle; /* idle: a ring */
static int count, idle_count, idle_first;
static double rate;
static int64_t due, gap;
static uint32_t *latencies;
static size_t samples, room;

static void fail(const char *what) {
  fprintf(stderr, "error: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void watch(struct connection *c, int operation, int out) {
  struct epoll_event event = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c};
  if (epoll_ctl(epoll_fd, operation, c->fd, &event) < 0) fail("epoll_ctl");
  c->watching_out = out;
}

static void send_more(struct connection *c) {
  while (c->sent < size) {
    ssize_t put = send(c->fd, message + c->sent, size - c->sent, MSG_NOSIGNAL);
    if (put < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) fail("send");
      if (!c->watching_out) watch(c, EPOLL_CTL_MOD, 1);
      return;
    }
    c->sent += put;
  }
  if (c->watching_out) watch(c, EPOLL_CTL_MOD, 0);
}

static void begin(struct connection *c, int64_t at) {
  c->busy = 1;
  c->sent = c->got = 0;
  c->begin = at;
  send_more(c);
}

static void note(int64_t nanoseconds) {
  if (samples == room) {
    room = room ? room * 2 : 1 << 20;
    latencies = realloc(latencies, room * sizeof *latencies);
    if (!latencies) fail("realloc");
  }
  latencies[samples++] = nanoseconds > UINT32_MAX ? UINT32_MAX : nanoseconds;
}

/* Sends what is due, as far as there are idle connections. */
static void send_due(int64_t at) {
  while (idle_count > 0 && due <= at) {
    struct connection *c = idle[idle_first];
    idle_first = (idle_first + 1) % count;
    idle_count--;
    begin(c, due);
    due += gap;
  }
}

static void rest(struct connection *c) { idle[(idle_first + idle_count++) % count] = c; }

/* What has no answer when the time is up has waited at least until now. */
static size_t note_unanswered(int64_t at) {
  size_t before = samples;
  for (int i = 0; i < count; i++)
    if (all[i].busy) note(at - all[i].begin);
  for (; due <= at; due += gap) note(at - due);
  return samples - before;
}

/* So many bytes came back. True if that was the whole message, and the next one is to be sent. */
static int received(struct connection *c, size_t got) {
  c->got += got;
  if (c->got < size) return 0;
  int64_t at = now();
  note(at - c->begin);
  c->busy = 0;
  c->begin = at;
  return 1;
}

static void check_amount(struct connection *c, ssize_t got) {
  if (got > 0 && c->busy && c->got + got <= size) return;
  fprintf(stderr, "error: %s\n", got == 0 ? "the server closed a connection" : "more bytes came back than were sent");
  exit(1);
}

static void receive(struct connection *c) {
  ssize_t got = recv(c->fd, buffer, BUFFER, 0);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    fail("recv");
  }
  check_amount(c, got);
  if (verify && memcmp(buffer, message + c->got, got) != 0) {
    fprintf(stderr, "error: other bytes came back than were sent\n");
    exit(1);
  }
  if (!received(c, got)) return;
  if (rate > 0) rest(c);
  else begin(c, c->begin);
}

static void run_until(int64_t end) {
  static struct epoll_event events[EVENTS];
  for (;;) {
    int64_t at = now();
    if (at >= end) return;
    if (rate > 0) send_due(at);
    /* At a fixed rate the next moment is closer than a timeout of epoll can be: this core is ours, so look again. */
    int ready = epoll_wait(epoll_fd, events, EVENTS, rate > 0 ? 0 : 100);
    if (ready < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < ready; i++) {
      struct connection *c = events[i].data.ptr;
      if (events[i].events & EPOLLOUT) send_more(c);
      if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c);
    }
  }
}

/* Asks for what is still to come, and before that sends what is still to go. */
static void ask(struct connection *c) {
  struct io_uring_sqe *request;
  if (c->sent < size) {
    if (!(request = ring_add(IORING_OP_SEND, c->fd, NULL))) fail("io_uring_enter");
    request->addr = (uintptr_t)(message + c->sent);
    request->len = size - c->sent;
    request->msg_flags = MSG_WAITALL | MSG_NOSIGNAL;
    request->flags = IOSQE_CQE_SKIP_SUCCESS;
    c->sent = size;
  }
  if (!(request = ring_add(IORING_OP_RECV, c->fd, c))) fail("io_uring_enter");
  request->addr = (uintptr_t)buffer;
  request->len = size - c->got < BUFFER ? size - c->got : BUFFER;
  request->ioprio = IORING_RECVSEND_POLL_FIRST;
}

/* The closed loop without a system call for each message. Data of many connections comes into one buffer: nobody looks at it. */
static void run_ring_until(int64_t end) {
  for (int i = 0; i < count; i++) {
    /* io_uring does not wait for a file that says it does not block. */
    if (fcntl(all[i].fd, F_SETFL, 0) < 0) fail("fcntl");
    ask(&all[i]);
  }
  while (now() < end) {
    if (ring_enter(1) < 0) fail("io_uring_enter");
    for (struct io_uring_cqe *answer; (answer = ring_take());) {
      struct connection *c = (struct connection *)(uintptr_t)answer->user_data;
      errno = -answer->res;
      if (!c) fail("send");
      if (answer->res < 0) fail("recv");
      check_amount(c, answer->res);
      if (received(c, answer->res)) {
        c->busy = 1;
        c->sent = c->got = 0;
      }
      ask(c);
    }
  }
}

static void connect_all(const char *host, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) fail("host");
  for (int i = 0; i < count; i++) {
    struct connection *c = &all[i];
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0) fail("socket");
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    /* Connected while it blocks, which is simpler; from here on it must not block. */
    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) < 0) fail("fcntl");
    watch(c, EPOLL_CTL_ADD, 0);
  }
}

static int by_value(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static double quantile(double q) {
  if (samples == 0) return 0;
  size_t at = q * samples;
  return latencies[at < samples ? at : samples - 1] / 1000.0;
}

int main(int argc, char **argv) {
  if (argc > 2 && strcmp(argv[1], "--rate") == 0) {
    rate = atof(argv[2]);
    argv += 2;
    argc -= 2;
  }
  if (argc < 6) {
    fprintf(stderr, "usage: load [--rate N] HOST PORT CONNECTIONS SIZE SECONDS [WARMUP]\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  count = atoi(argv[3]);
  size = strtoull(argv[4], NULL, 10);
  double seconds = atof(argv[5]), warmup = argc > 6 ? atof(argv[6]) : 0;
  all = calloc(count, sizeof *all);
  idle = calloc(count, sizeof *idle);
  message = malloc(size);
  buffer = malloc(BUFFER);
  if (!all || !idle || !message || !buffer) fail("malloc");
  for (size_t i = 0; i < size; i++) message[i] = (char)(i * 31 + (i >> 8));
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) fail("epoll_create1");

  connect_all(argv[1], atoi(argv[2]));
  due = now();
  gap = rate > 0 ? (int64_t)(1e9 / rate) : 0;
  for (int i = 0; i < count; i++) {
    if (rate > 0) rest(&all[i]);
    else begin(&all[i], now());
  }
  run_until(now() + (int64_t)(warmup * 1e9));
  samples = 0;
  verify = 0;
  printf("measuring\n");
  fflush(stdout);
  int64_t started = now();
  int64_t end = started + (int64_t)(seconds * 1e9);
  if (rate == 0 && ring_open()) run_ring_until(end);
  else run_until(end);
  int64_t ended = now();
  double elapsed = (ended - started) / 1e9;
  size_t answered = samples, unanswered = rate > 0 ? note_unanswered(ended) : 0;

  qsort(latencies, samples, sizeof *latencies, by_value);
  printf("{\"requests\": %zu, \"unanswered\": %zu, \"seconds\": %.4f, \"reqPerSec\": %.1f, ", answered, unanswered, elapsed,
         answered / elapsed);
  printf("\"p50us\": %.1f, \"p99us\": %.1f, \"p999us\": %.1f, \"maxus\": %.1f}\n", quantile(0.5), quantile(0.99), quantile(0.999),
         quantile(1));
  return 0;
}
