/*
 * The yardstick for datagrams: echo-udp [BATCH]
 *
 * One idea: what the OS takes for an echo whatever the language. With 1, the default, each datagram is a recvfrom and a
 * sendto; with more, up to so many are a recvmmsg and a sendmmsg. Prints "listening PORT".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { MOST = 64, BYTES = 64 * 1024 };

static char room[MOST][BYTES];
static struct sockaddr_in from[MOST];
static struct iovec pieces[MOST];
static struct mmsghdr messages[MOST];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int echo_one(int fd) {
  socklen_t length = sizeof from[0];
  ssize_t got = recvfrom(fd, room[0], BYTES, 0, (struct sockaddr *)&from[0], &length);
  if (got < 0) return errno == EAGAIN ? 0 : (fail("recvfrom"), 0);
  if (sendto(fd, room[0], got, 0, (struct sockaddr *)&from[0], length) < 0 && errno != EAGAIN) fail("sendto");
  return 1;
}

static int echo_many(int fd, int batch) {
  for (int i = 0; i < batch; i++) {
    pieces[i] = (struct iovec){room[i], BYTES};
    messages[i].msg_hdr = (struct msghdr){.msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &pieces[i], .msg_iovlen = 1};
  }
  int got = recvmmsg(fd, messages, batch, 0, NULL);
  if (got < 0) return errno == EAGAIN ? 0 : (fail("recvmmsg"), 0);
  for (int i = 0; i < got; i++) pieces[i].iov_len = messages[i].msg_len;
  if (sendmmsg(fd, messages, got, 0) < 0 && errno != EAGAIN) fail("sendmmsg");
  return 1;
}

int main(int argc, char **argv) {
  int batch = argc > 1 ? atoi(argv[1]) : 1;
  if (batch < 1 || batch > MOST) return 2;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof own;
  struct epoll_event event = {.events = EPOLLIN};
  if (fd < 0 || bind(fd, (struct sockaddr *)&own, length) < 0) fail("bind");
  if (getsockname(fd, (struct sockaddr *)&own, &length) < 0) fail("getsockname");
  if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll");
  printf("listening %d\n", ntohs(own.sin_port));
  fflush(stdout);
  for (;;) {
    if (epoll_wait(epoll_fd, &event, 1, -1) < 0 && errno != EINTR) fail("epoll_wait");
    while (batch == 1 ? echo_one(fd) : echo_many(fd, batch));
  }
}
