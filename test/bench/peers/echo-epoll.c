/*
 * An echo server in C: one thread, level-triggered epoll, one read buffer of 256 KiB for all connections.
 *
 * One idea: the least that a correct server can do on this system, as a yardstick. What is read is written back at
 * once; what the socket does not take is kept aside, and the connection is not read again until it is gone.
 *
 * Prints "listening PORT".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 256 * 1024, EVENTS = 1024 };

struct connection {
  int fd;
  char *rest; /* not yet written; NULL while there is nothing */
  size_t at, length;
};

static char buffer[BUFFER];
static int epoll_fd;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void watch(struct connection *c, int operation, unsigned events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  if (epoll_ctl(epoll_fd, operation, c->fd, &event) < 0) die("epoll_ctl");
}

static void drop(struct connection *c) {
  close(c->fd);
  free(c->rest);
  free(c);
}

static void accept_all(int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return; /* nothing more, or no descriptors: the connection waits in the backlog */
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct connection *c = calloc(1, sizeof *c);
    if (!c) die("calloc");
    c->fd = fd;
    watch(c, EPOLL_CTL_ADD, EPOLLIN);
  }
}

static void on_readable(struct connection *c) {
  ssize_t got = read(c->fd, buffer, BUFFER);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return drop(c);
  ssize_t put = write(c->fd, buffer, got);
  if (put < 0) {
    if (errno != EAGAIN && errno != EINTR) return drop(c);
    put = 0;
  }
  if (put == got) return;
  c->length = got - put;
  c->at = 0;
  c->rest = malloc(c->length);
  if (!c->rest) die("malloc");
  memcpy(c->rest, buffer + put, c->length);
  watch(c, EPOLL_CTL_MOD, EPOLLOUT);
}

static void on_writable(struct connection *c) {
  ssize_t put = write(c->fd, c->rest + c->at, c->length - c->at);
  if (put < 0) {
    if (errno != EAGAIN && errno != EINTR) drop(c);
    return;
  }
  c->at += put;
  if (c->at < c->length) return;
  free(c->rest);
  c->rest = NULL;
  watch(c, EPOLL_CTL_MOD, EPOLLIN);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) die("socket");
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, size) < 0) die("bind");
  if (listen(listener, 4096) < 0) die("listen");
  getsockname(listener, (struct sockaddr *)&address, &size);

  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) die("epoll_create1");
  struct connection self = {.fd = listener};
  watch(&self, EPOLL_CTL_ADD, EPOLLIN);
  printf("listening %d\n", ntohs(address.sin_port));
  fflush(stdout);

  static struct epoll_event events[EVENTS];
  for (;;) {
    int count = epoll_wait(epoll_fd, events, EVENTS, -1);
    if (count < 0 && errno != EINTR) die("epoll_wait");
    for (int i = 0; i < count; i++) {
      struct connection *c = events[i].data.ptr;
      if (c == &self) accept_all(listener);
      else if (c->rest) on_writable(c);
      else on_readable(c);
    }
  }
}
