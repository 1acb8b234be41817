/*
 * The load generator over TLS: load-tls [--handshakes] HOST PORT CONNECTIONS SIZE SECONDS [WARMUP]
 *
 * One idea: load.c's closed loop with OpenSSL on the socket. Each connection has one message in flight. With --handshakes a
 * connection is a message: it connects, shakes hands, sends one byte and gets it back, and ends. Prints what load.c prints.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

struct connection {
  int fd, shaken;
  SSL *ssl;
  size_t sent, got;
  int64_t begin;
};

static SSL_CTX *context;
static struct sockaddr_in address = {.sin_family = AF_INET};
static int epoll_fd, handshakes;
static size_t size;
static char *message, buffer[65536];
static uint32_t *latencies;
static size_t samples, room;

static void fail(const char *what) {
  fprintf(stderr, "error: %s: %s\n", what, strerror(errno));
  ERR_print_errors_fp(stderr);
  exit(1);
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void note(int64_t nanoseconds) {
  if (samples == room) {
    room = room ? room * 2 : 1 << 20;
    latencies = realloc(latencies, room * sizeof *latencies);
    if (!latencies) fail("realloc");
  }
  latencies[samples++] = nanoseconds > UINT32_MAX ? UINT32_MAX : nanoseconds;
}

static void open_one(struct connection *c) {
  int on = 1;
  memset(c, 0, sizeof *c);
  c->begin = now();
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (c->fd < 0) fail("socket");
  if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (fcntl(c->fd, F_SETFL, O_NONBLOCK) < 0) fail("fcntl");
  c->ssl = SSL_new(context);
  SSL_set_fd(c->ssl, c->fd);
  SSL_set_connect_state(c->ssl);
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event) < 0) fail("epoll_ctl");
}

static int waits(struct connection *c, int result, const char *what) {
  int error = SSL_get_error(c->ssl, result);
  if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) fail(what);
  return 1;
}

/* Goes on with a connection as far as it can. */
static void step(struct connection *c) {
  if (!c->shaken) {
    int result = SSL_do_handshake(c->ssl);
    if (result != 1 && waits(c, result, "handshake")) return;
    c->shaken = 1;
    if (!handshakes) c->begin = now();
  }
  for (;;) {
    while (c->sent < size) {
      int put = SSL_write(c->ssl, message + c->sent, size - c->sent);
      if (put <= 0 && waits(c, put, "write")) return;
      c->sent += put;
    }
    while (c->got < size) {
      int got = SSL_read(c->ssl, buffer, sizeof buffer);
      if (got <= 0 && waits(c, got, "read")) return;
      if (c->got + got > size || memcmp(buffer, message + c->got, got) != 0) fail("other bytes came back");
      c->got += got;
    }
    int64_t at = now();
    note(at - c->begin);
    if (handshakes) {
      SSL_shutdown(c->ssl);
      SSL_free(c->ssl);
      close(c->fd);
      open_one(c);
      return;
    }
    c->sent = c->got = 0;
    c->begin = at;
  }
}

static void run_until(int64_t end) {
  static struct epoll_event events[1024];
  while (now() < end) {
    int ready = epoll_wait(epoll_fd, events, 1024, 100);
    if (ready < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < ready; i++) step(events[i].data.ptr);
  }
}

static int by_value(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static double quantile(double q) {
  size_t at = q * samples;
  return samples == 0 ? 0 : latencies[at < samples ? at : samples - 1] / 1000.0;
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--handshakes") == 0) {
    handshakes = 1;
    argv++;
    argc--;
  }
  if (argc < 6) {
    fprintf(stderr, "usage: load-tls [--handshakes] HOST PORT CONNECTIONS SIZE SECONDS [WARMUP]\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  address.sin_port = htons(atoi(argv[2]));
  if (inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) fail("host");
  int count = atoi(argv[3]);
  size = strtoull(argv[4], NULL, 10);
  double seconds = atof(argv[5]), warmup = argc > 6 ? atof(argv[6]) : 0;
  struct connection *all = calloc(count, sizeof *all);
  message = malloc(size);
  context = SSL_CTX_new(TLS_client_method());
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (!all || !message || !context || epoll_fd < 0) fail("set up");
  for (size_t i = 0; i < size; i++) message[i] = (char)(i * 31 + (i >> 8));
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  for (int i = 0; i < count; i++) open_one(&all[i]);
  run_until(now() + (int64_t)(warmup * 1e9));
  samples = 0;
  printf("measuring\n");
  fflush(stdout);
  int64_t started = now();
  run_until(started + (int64_t)(seconds * 1e9));
  double elapsed = (now() - started) / 1e9;
  qsort(latencies, samples, sizeof *latencies, by_value);
  printf("{\"requests\": %zu, \"unanswered\": 0, \"seconds\": %.4f, \"reqPerSec\": %.1f, ", samples, elapsed, samples / elapsed);
  printf("\"p50us\": %.1f, \"p99us\": %.1f, \"p999us\": %.1f, \"maxus\": %.1f}\n", quantile(0.5), quantile(0.99), quantile(0.999),
         quantile(1));
  return 0;
}
