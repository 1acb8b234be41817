/*
 * A file read, copied and sent to a socket with read and write: files FILE COPY PORT PART, or files sink.
 *
 * One idea: nothing between the two calls, so it is what the system itself takes. PART is read, copy or send; it prints MiB
 * a second, the median of five after one that does not count. A sink prints "listening PORT" and throws away what comes.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 256 * 1024, ROUNDS = 6 };

static char buffer[BUFFER];

static int need(int result, const char *what) {
  if (result < 0) {
    perror(what);
    exit(1);
  }
  return result;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static struct sockaddr_in here(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

static int sink(void) {
  int listener = need(socket(AF_INET, SOCK_STREAM, 0), "socket");
  struct sockaddr_in address = here(0);
  socklen_t length = sizeof address;
  need(bind(listener, (struct sockaddr *)&address, length), "bind");
  need(listen(listener, 16), "listen");
  need(getsockname(listener, (struct sockaddr *)&address, &length), "getsockname");
  printf("listening %d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    int fd = need(accept(listener, NULL, NULL), "accept");
    while (read(fd, buffer, BUFFER) > 0);
    close(fd);
  }
}

/* Bytes a second; the peer has taken all but what fits into the sockets. */
static double once(const char *file, const char *copy, int port, const char *part) {
  double begin = now(), bytes = 0;
  int from = need(open(file, O_RDONLY), "open"), to = -1;
  if (strcmp(part, "copy") == 0) to = need(open(copy, O_WRONLY | O_CREAT | O_TRUNC, 0600), "open");
  if (strcmp(part, "send") == 0) {
    struct sockaddr_in address = here(port);
    to = need(socket(AF_INET, SOCK_STREAM, 0), "socket");
    need(connect(to, (struct sockaddr *)&address, sizeof address), "connect");
  }
  for (ssize_t count; (count = need(read(from, buffer, BUFFER), "read")) > 0; bytes += count)
    for (ssize_t done = 0; to >= 0 && done < count;) done += need(write(to, buffer + done, count - done), "write");
  close(from);
  if (to >= 0) close(to);
  return bytes / (now() - begin);
}

int main(int argc, char **argv) {
  if (argc == 2) return sink();
  if (argc != 5) return 2;
  double rates[ROUNDS - 1];
  once(argv[1], argv[2], atoi(argv[3]), argv[4]);
  for (int i = 0; i < ROUNDS - 1; i++) rates[i] = once(argv[1], argv[2], atoi(argv[3]), argv[4]);
  qsort(rates, ROUNDS - 1, sizeof *rates, by_size);
  printf("{\"%s\":%.1f}\n", argv[4], rates[(ROUNDS - 1) / 2] / 1048576);
  return 0;
}
