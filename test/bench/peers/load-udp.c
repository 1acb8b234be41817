/*
 * The load generator for datagrams: load-udp HOST PORT SOCKETS SIZE SECONDS [WARMUP]
 *
 * One idea: the closed loop of load.c, with one datagram of each connected socket in flight. Each says its number, so an answer
 * that comes twice or too late is not counted. One that is not answered within a second is lost, counted, and sent again.
 *
 * Prints "measuring" when the warm-up is over, then one JSON line. Exits 1 if an answer is not what was sent.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 64 * 1024, EVENTS = 1024 };

struct client {
  int fd;
  uint32_t number;
  int64_t begin;
};

static struct client *all;
static int count, epoll_fd;
static size_t size, samples, room, lost;
static char *message, buffer[BUFFER];
static uint32_t *latencies;

static void fail(const char *what) {
  fprintf(stderr, "error: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void begin(struct client *c, int64_t at) {
  c->number++;
  c->begin = at;
  memcpy(message, &c->number, sizeof c->number);
  if (send(c->fd, message, size, 0) < 0 && errno != EAGAIN) fail("send");
}

static void note(int64_t nanoseconds) {
  if (samples == room) {
    room = room ? room * 2 : 1 << 20;
    latencies = realloc(latencies, room * sizeof *latencies);
    if (!latencies) fail("realloc");
  }
  latencies[samples++] = nanoseconds > UINT32_MAX ? UINT32_MAX : nanoseconds;
}

static void receive(struct client *c) {
  ssize_t got = recv(c->fd, buffer, BUFFER, 0);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    fail("recv");
  }
  uint32_t number;
  memcpy(&number, buffer, sizeof number);
  if ((size_t)got != size || memcmp(buffer + sizeof number, message + sizeof number, size - sizeof number) != 0) {
    fprintf(stderr, "error: other bytes came back than were sent\n");
    exit(1);
  }
  if (number != c->number) return;
  int64_t at = now();
  note(at - c->begin);
  begin(c, at);
}

static void run_until(int64_t end) {
  static struct epoll_event events[EVENTS];
  int64_t looked = now();
  for (int64_t at; (at = now()) < end;) {
    int ready = epoll_wait(epoll_fd, events, EVENTS, 100);
    if (ready < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < ready; i++) receive(events[i].data.ptr);
    if (at - looked < 1000000000) continue;
    looked = at;
    for (int i = 0; i < count; i++)
      if (at - all[i].begin > 1000000000) {
        lost++;
        begin(&all[i], at);
      }
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
  if (argc < 6) {
    fprintf(stderr, "usage: load-udp HOST PORT SOCKETS SIZE SECONDS [WARMUP]\n");
    return 2;
  }
  count = atoi(argv[3]);
  size = strtoull(argv[4], NULL, 10);
  double seconds = atof(argv[5]), warmup = argc > 6 ? atof(argv[6]) : 0;
  if (size < sizeof(uint32_t) || size > 65507) fail("SIZE must be 4 to 65507");
  all = calloc(count, sizeof *all);
  message = malloc(size);
  if (!all || !message) fail("malloc");
  for (size_t i = 0; i < size; i++) message[i] = (char)(i * 31 + (i >> 8));
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
  if (epoll_fd < 0 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) fail("host");
  for (int i = 0; i < count; i++) {
    all[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (all[i].fd < 0 || connect(all[i].fd, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, all[i].fd, &event) < 0) fail("epoll_ctl");
    begin(&all[i], now());
  }
  run_until(now() + (int64_t)(warmup * 1e9));
  samples = lost = 0;
  printf("measuring\n");
  fflush(stdout);
  int64_t started = now();
  run_until(started + (int64_t)(seconds * 1e9));
  double elapsed = (now() - started) / 1e9;
  size_t answered = samples;
  qsort(latencies, samples, sizeof *latencies, by_value);
  printf("{\"requests\": %zu, \"lost\": %zu, \"seconds\": %.4f, \"reqPerSec\": %.1f, ", answered, lost, elapsed, answered / elapsed);
  printf("\"p50us\": %.1f, \"p99us\": %.1f, \"maxus\": %.1f}\n", quantile(0.5), quantile(0.99), quantile(1));
  return 0;
}
