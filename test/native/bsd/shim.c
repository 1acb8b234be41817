/*
 * kqueue(2) on Linux, for tests: what the manual page promises, on epoll, timerfd, eventfd, pidfd and inotify.
 *
 * It is here to hold the driver to the documented rules, not to be fast. The rules are quoted from kqueue(2) of FreeBSD 12.2
 * (Debian's freebsd-manpages); where a system lays struct kevent out otherwise, LAYOUT says which.
 *
 * A kqueue is an epoll instance, so whoever polls for it sees it readable when events are pending. Under it are two more, one
 * for reading and one for writing, because each filter has its own edges; an eventfd for EVFILT_USER and a timerfd for all timers,
 * made with it, since on a BSD neither needs a descriptor later. A close(2) of the kqueue tells us nothing: what is left of it is
 * closed at the next kqueue().
 *
 * Left out: EVFILT_READ of regular files (the driver never asks), the socket's error in fflags (on Linux to read it is to take it),
 * EV_DISPATCH, NOTE_LOWAT, NOTE_ABSTIME, NOTE_TRACK.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DARWIN 1
#define FREEBSD 2
#define OPENBSD 3
#define NETBSD 4
#define LIBKQUEUE 5
#ifndef LAYOUT
#define LAYOUT LIBKQUEUE
#endif

struct kevent {
  uintptr_t ident;
#if LAYOUT == NETBSD
  uint32_t filter;
  uint32_t flags;
#else
  int16_t filter;
  uint16_t flags;
#endif
  uint32_t fflags;
  int64_t data;
  void *udata;
#if LAYOUT == FREEBSD
  uint64_t ext[4];
#endif
};

#if LAYOUT == NETBSD
enum { FILT_READ = 0, FILT_WRITE = 1, FILT_VNODE = 3, FILT_PROC = 4, FILT_TIMER = 6, FILT_USER = -100 };
#elif LAYOUT == DARWIN
enum { FILT_READ = -1, FILT_WRITE = -2, FILT_VNODE = -4, FILT_PROC = -5, FILT_TIMER = -7, FILT_USER = -10 };
#elif LAYOUT == OPENBSD
enum { FILT_READ = -1, FILT_WRITE = -2, FILT_VNODE = -4, FILT_PROC = -5, FILT_TIMER = -7, FILT_USER = -100 };
#else
enum { FILT_READ = -1, FILT_WRITE = -2, FILT_VNODE = -4, FILT_PROC = -5, FILT_TIMER = -7, FILT_USER = -11 };
#endif

enum { EV_ADD = 1, EV_DELETE = 2, EV_ENABLE = 4, EV_DISABLE = 8, EV_ONESHOT = 0x10, EV_CLEAR = 0x20, EV_RECEIPT = 0x40 };
enum { EV_ERROR = 0x4000, EV_EOF = 0x8000 };
enum { NOTE_DELETE = 1, NOTE_WRITE = 2, NOTE_EXTEND = 4, NOTE_ATTRIB = 8, NOTE_RENAME = 0x20 };
#define NOTE_TRIGGER 0x1000000u
#define NOTE_EXIT 0x80000000u

struct knote {
  struct knote *next;
  struct kevent kev;
  int fd; /* of a process, a file; -1: none */
  int64_t due; /* of a timer */
  int active; /* EVFILT_USER: triggered */
};

struct kq {
  struct kq *next;
  int fd;
  uint64_t mark; /* what the eventfd is watched with: no other has that */
  int reads, writes, event, timer;
  pthread_mutex_t lock;
  struct knote *knotes[256];
};

static pthread_mutex_t all = PTHREAD_MUTEX_INITIALIZER;
static struct kq *queues;

static struct knote **place(struct kq *kq, uintptr_t ident, int filter) {
  struct knote **at = &kq->knotes[(ident * 31 + (unsigned)filter) & 255];
  while (*at != NULL && ((*at)->kev.ident != ident || (int)(*at)->kev.filter != filter)) at = &(*at)->next;
  return at;
}

static void drop(struct kq *kq, struct knote **at) {
  struct knote *kn = *at;
  *at = kn->next;
  if (kn->fd >= 0) {
    epoll_ctl(kq->fd, EPOLL_CTL_DEL, kn->fd, NULL);
    close(kn->fd);
  }
  free(kn);
}

static void forget(struct kq *kq) {
  for (int i = 0; i < 256; i++)
    while (kq->knotes[i] != NULL) {
      struct knote *kn = kq->knotes[i];
      kq->knotes[i] = kn->next;
      if (kn->fd >= 0) close(kn->fd);
      free(kn);
    }
  close(kq->reads);
  close(kq->writes);
  close(kq->event);
  close(kq->timer);
  free(kq);
}

/* Is its descriptor what we made? Its number may be another's by now, even another kqueue's. */
static int lives(struct kq *kq) {
  char text[65536], mark[64];
  snprintf(text, sizeof text, "/proc/self/fdinfo/%d", kq->fd);
  snprintf(mark, sizeof mark, "data: %16llx", (unsigned long long)kq->mark);
  int fd = open(text, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno != ENOENT;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  return n > 0 && (text[n] = 0, strstr(text, mark) != NULL);
}

static void watch(int epoll, int fd, uint32_t events, uint64_t what) {
  struct epoll_event event = {events, {.u64 = what}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int kqueue(void) {
  int fd = epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) return -1;
  pthread_mutex_lock(&all);
  for (struct kq **at = &queues; *at != NULL;) {
    struct kq *kq = *at;
    if (kq->fd == fd || !lives(kq)) {
      *at = kq->next;
      forget(kq);
    } else
      at = &kq->next;
  }
  struct kq *kq = calloc(1, sizeof *kq);
  kq->fd = fd;
  kq->reads = epoll_create1(EPOLL_CLOEXEC);
  kq->writes = epoll_create1(EPOLL_CLOEXEC);
  kq->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  kq->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (kq->reads < 0 || kq->writes < 0 || kq->event < 0 || kq->timer < 0) {
    int why = errno;
    forget(kq);
    close(fd);
    pthread_mutex_unlock(&all);
    errno = why;
    return -1;
  }
  pthread_mutex_init(&kq->lock, NULL);
  watch(fd, kq->reads, EPOLLIN, (uint64_t)(uint32_t)FILT_READ << 32);
  watch(fd, kq->writes, EPOLLIN, (uint64_t)(uint32_t)FILT_WRITE << 32);
  static uint32_t made;
  kq->mark = (uint64_t)(uint32_t)FILT_USER << 32 | ++made;
  watch(fd, kq->event, EPOLLIN, kq->mark);
  watch(fd, kq->timer, EPOLLIN, (uint64_t)(uint32_t)FILT_TIMER << 32);
  kq->next = queues;
  queues = kq;
  pthread_mutex_unlock(&all);
  return fd;
}

static struct kq *find(int fd) {
  pthread_mutex_lock(&all);
  struct kq *kq = queues;
  while (kq != NULL && kq->fd != fd) kq = kq->next;
  pthread_mutex_unlock(&all);
  return kq;
}

/* "The default unit is milliseconds"; NOTE_SECONDS, NOTE_USECONDS and NOTE_NSECONDS by each system's own numbers. */
static int64_t nanoseconds(int64_t data, uint32_t fflags) {
#if LAYOUT == FREEBSD
  if (fflags & 1) return data * 1000000000;
  if (fflags & 4) return data * 1000;
  if (fflags & 8) return data;
#elif LAYOUT == DARWIN || LAYOUT == LIBKQUEUE
  if (fflags & 1) return data * 1000000000;
  if (fflags & 2) return data * 1000;
  if (fflags & 4) return data;
#else
  (void)fflags;
#endif
  return data * 1000000;
}

/* A registration of a descriptor. "Re-adding an existing event will modify the parameters"; the filter is executed again. */
static int attachFd(struct kq *kq, struct knote *kn) {
  int epoll = kn->kev.filter == FILT_READ ? kq->reads : kq->writes;
  uint32_t events = kn->kev.filter == FILT_READ ? EPOLLIN | EPOLLRDHUP : EPOLLOUT;
  if (kn->kev.flags & EV_CLEAR) events |= EPOLLET;
  struct epoll_event event = {events, {.u64 = kn->kev.ident}};
  if (epoll_ctl(epoll, EPOLL_CTL_MOD, (int)kn->kev.ident, &event) == 0) return 0;
  if (errno != ENOENT) return errno;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, (int)kn->kev.ident, &event) == 0 ? 0 : errno;
}

static int64_t clockNow(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Sets the timerfd to the next timer that is due. */
static void setTimer(struct kq *kq) {
  int64_t due = 0;
  for (int i = 0; i < 256; i++)
    for (struct knote *kn = kq->knotes[i]; kn != NULL; kn = kn->next)
      if ((int)kn->kev.filter == FILT_TIMER && (due == 0 || kn->due < due)) due = kn->due;
  struct itimerspec spec = {{0, 0}, {due / 1000000000, due % 1000000000}};
  timerfd_settime(kq->timer, TFD_TIMER_ABSTIME, &spec, NULL);
}

static int attachTimer(struct kq *kq, struct knote *kn) {
  kn->due = clockNow() + nanoseconds(kn->kev.data, kn->kev.fflags);
  setTimer(kq);
  return 0;
}

/* "The timer will be periodic unless EV_ONESHOT is specified. data contains the number of times the timeout has expired". */
static int takeTimers(struct kq *kq, struct kevent *events, int count) {
  int64_t now = clockNow();
  int out = 0;
  for (int i = 0; i < 256; i++)
    for (struct knote **at = &kq->knotes[i]; *at != NULL && out < count;) {
      struct knote *kn = *at;
      if ((int)kn->kev.filter != FILT_TIMER || kn->due > now) {
        at = &kn->next;
        continue;
      }
      events[out] = kn->kev;
      events[out].fflags = 0;
      events[out].data = 1;
      events[out++].flags = (kn->kev.flags & EV_ONESHOT) | EV_CLEAR;
      if (kn->kev.flags & EV_ONESHOT) drop(kq, at);
      else kn->due += nanoseconds(kn->kev.data, kn->kev.fflags);
    }
  setTimer(kq);
  return out;
}

static int attachProcess(struct kq *kq, struct knote *kn) {
  if (kn->fd >= 0) return 0;
  kn->fd = (int)syscall(SYS_pidfd_open, (pid_t)kn->kev.ident, 0);
  if (kn->fd < 0) return errno;
  watch(kq->fd, kn->fd, EPOLLIN, (uint64_t)(uint32_t)FILT_PROC << 32 | kn->kev.ident);
  return 0;
}

static int attachFile(struct kq *kq, struct knote *kn) {
  if (kn->fd >= 0) return 0;
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", (int)kn->kev.ident);
  kn->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (kn->fd < 0) return errno;
  if (inotify_add_watch(kn->fd, path, IN_MODIFY | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_MOVE_SELF | IN_MOVE) < 0) return errno;
  watch(kq->fd, kn->fd, EPOLLIN, (uint64_t)(uint32_t)FILT_VNODE << 32 | kn->kev.ident);
  return 0;
}

static int attach(struct kq *kq, struct knote *kn) {
  int filter = (int)kn->kev.filter;
  if (filter == FILT_READ || filter == FILT_WRITE) return attachFd(kq, kn);
  if (filter == FILT_TIMER) return attachTimer(kq, kn);
  if (filter == FILT_PROC) return attachProcess(kq, kn);
  if (filter == FILT_VNODE) return attachFile(kq, kn);
  return 0;
}

static int apply(struct kq *kq, const struct kevent *kev) {
  int filter = (int)kev->filter;
  int onFd = filter == FILT_READ || filter == FILT_WRITE || filter == FILT_VNODE;
#if LAYOUT == NETBSD || LAYOUT == OPENBSD
  if (filter == FILT_USER) return EINVAL;
#endif
  if (!onFd && filter != FILT_TIMER && filter != FILT_PROC && filter != FILT_USER) return EINVAL;
  if (onFd && fcntl((int)kev->ident, F_GETFD) < 0) return EBADF;
  struct knote **at = place(kq, kev->ident, filter);
  if (kev->flags & EV_DELETE) {
    if (*at == NULL) return ENOENT;
    if (filter == FILT_READ) epoll_ctl(kq->reads, EPOLL_CTL_DEL, (int)kev->ident, NULL);
    if (filter == FILT_WRITE) epoll_ctl(kq->writes, EPOLL_CTL_DEL, (int)kev->ident, NULL);
    drop(kq, at);
    if (filter == FILT_TIMER) setTimer(kq);
    return 0;
  }
  if (kev->flags & EV_ADD) {
    if (*at == NULL) {
      *at = calloc(1, sizeof **at);
      (*at)->fd = -1;
      (*at)->kev = *kev;
    } else {
      (*at)->kev.flags = kev->flags;
      (*at)->kev.fflags = kev->fflags;
      (*at)->kev.data = kev->data;
      (*at)->kev.udata = kev->udata;
    }
    int failure = attach(kq, *at);
    if (failure != 0) {
      drop(kq, at);
      return failure;
    }
  }
  if (*at == NULL) return ENOENT;
  if (filter == FILT_USER && (kev->fflags & NOTE_TRIGGER)) {
    (*at)->active = 1;
    eventfd_write(kq->event, 1);
  }
  return 0;
}

/* "data contains the number of bytes of protocol data available to read"; of a listening socket it is the backlog. */
static int64_t available(int fd) {
  int bytes = 0;
  return ioctl(fd, FIONREAD, &bytes) == 0 ? bytes : 1;
}

static int take(struct kq *kq, struct kevent *events, int count, int epoll, int filter) {
  struct epoll_event found[128];
  int n = epoll_wait(epoll, found, count < 128 ? count : 128, 0), out = 0;
  for (int i = 0; i < n; i++) {
    struct knote **at = place(kq, found[i].data.u64, filter);
    if (*at == NULL) continue;
    struct kevent *kev = &events[out++];
    *kev = (*at)->kev;
    kev->fflags = 0;
    kev->flags = (*at)->kev.flags & (EV_CLEAR | EV_ONESHOT);
    /* "If the read direction of the socket has shutdown, then the filter also sets EV_EOF"; to write, when the reader disconnects. */
    uint32_t ends = filter == FILT_READ ? EPOLLRDHUP | EPOLLHUP | EPOLLERR : EPOLLHUP | EPOLLERR;
    if (found[i].events & ends) kev->flags |= EV_EOF;
    kev->data = filter == FILT_READ ? available((int)kev->ident) : 1;
    if ((*at)->kev.flags & EV_ONESHOT) {
      epoll_ctl(epoll, EPOLL_CTL_DEL, (int)kev->ident, NULL);
      drop(kq, at);
    }
  }
  return out;
}

static int takeUser(struct kq *kq, struct kevent *events, int count) {
  eventfd_t times;
  int out = 0;
  eventfd_read(kq->event, &times);
  for (int i = 0; i < 256; i++)
    for (struct knote *kn = kq->knotes[i]; kn != NULL; kn = kn->next) {
      if ((int)kn->kev.filter != FILT_USER || !kn->active) continue;
      if (out == count) {
        eventfd_write(kq->event, 1);
        return out;
      }
      events[out] = kn->kev;
      events[out].fflags = 0;
      events[out++].flags = kn->kev.flags & EV_CLEAR;
      /* "After the event is retrieved by the user, its state is reset." */
      if (kn->kev.flags & EV_CLEAR) kn->active = 0;
      else eventfd_write(kq->event, 1);
    }
  return out;
}

static uint32_t fileNotes(int inotify) {
  char bytes[4096] __attribute__((aligned(8)));
  uint32_t notes = 0;
  ssize_t n;
  while ((n = read(inotify, bytes, sizeof bytes)) > 0)
    for (ssize_t at = 0; at < n;) {
      const struct inotify_event *event = (const struct inotify_event *)(bytes + at);
      if (event->mask & (IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVE)) notes |= NOTE_WRITE;
      if (event->mask & IN_MODIFY) notes |= NOTE_EXTEND;
      if (event->mask & IN_ATTRIB) notes |= NOTE_ATTRIB;
      if (event->mask & IN_MOVE_SELF) notes |= NOTE_RENAME;
      at += sizeof *event + event->len;
    }
  return notes;
}

/* A process, a file: its own descriptor is readable. 0 if there is nothing to tell. */
static int takeOne(struct kq *kq, struct kevent *kev, int filter, uintptr_t ident) {
  struct knote **at = place(kq, ident, filter);
  if (*at == NULL) return 0;
  struct knote *kn = *at;
  *kev = kn->kev;
  kev->flags = kn->kev.flags & (EV_CLEAR | EV_ONESHOT);
  if (filter == FILT_PROC) {
    siginfo_t info = {0};
    waitid(P_PIDFD, (id_t)kn->fd, &info, WEXITED | WNOHANG | WNOWAIT);
    kev->fflags = NOTE_EXIT;
    kev->data = info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status;
    kev->flags |= EV_EOF | EV_ONESHOT;
  } else {
    struct stat status;
    uint32_t notes = fileNotes(kn->fd);
    /* "The unlink system call was called": inotify says that a link less is an attribute. */
    if ((notes & NOTE_ATTRIB) && fstat((int)ident, &status) == 0 && status.st_nlink == 0) notes |= NOTE_DELETE;
    kev->fflags = notes & kn->kev.fflags;
    if (kev->fflags == 0) return 0;
  }
  if (kev->flags & EV_ONESHOT) drop(kq, at);
  return 1;
}

int kevent(int fd, const struct kevent *changes, int nchanges, struct kevent *events, int nevents, const struct timespec *timeout) {
  struct kq *kq = find(fd);
  if (kq == NULL) return errno = EBADF, -1;
  int out = 0;
  pthread_mutex_lock(&kq->lock);
  for (int i = 0; i < nchanges; i++) {
    struct kevent change = changes[i];
    int failure = apply(kq, &change);
    if (failure == 0 && !(change.flags & EV_RECEIPT)) continue;
    /* "If there is enough room, then the event will be placed in the eventlist with EV_ERROR set; otherwise, -1". */
    if (out == nevents) {
      pthread_mutex_unlock(&kq->lock);
      if (failure == 0) return out;
      return errno = failure, -1;
    }
    events[out] = change;
    events[out].flags |= EV_ERROR;
    events[out++].data = failure;
  }
  pthread_mutex_unlock(&kq->lock);
  if (out > 0 || nevents == 0) return out;

  struct timespec start;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (;;) {
    int ms = -1;
    if (timeout != NULL) {
      struct timespec now;
      clock_gettime(CLOCK_MONOTONIC, &now);
      int64_t left = (timeout->tv_sec - (now.tv_sec - start.tv_sec)) * 1000000000 + timeout->tv_nsec - (now.tv_nsec - start.tv_nsec);
      ms = left > 0 ? (int)((left + 999999) / 1000000) : 0;
    }
    struct epoll_event ready[64];
    int n = epoll_wait(fd, ready, 64, ms);
    if (n < 0) return -1;
    pthread_mutex_lock(&kq->lock);
    for (int i = 0; i < n && out < nevents; i++) {
      int filter = (int)(int32_t)(ready[i].data.u64 >> 32);
      uintptr_t ident = (uint32_t)ready[i].data.u64;
      if (filter == FILT_READ) out += take(kq, events + out, nevents - out, kq->reads, FILT_READ);
      else if (filter == FILT_WRITE) out += take(kq, events + out, nevents - out, kq->writes, FILT_WRITE);
      else if (filter == FILT_TIMER) out += takeTimers(kq, events + out, nevents - out);
      else if (filter == FILT_USER) out += takeUser(kq, events + out, nevents - out);
      else out += takeOne(kq, events + out, filter, ident);
    }
    pthread_mutex_unlock(&kq->lock);
    if (out > 0 || ms == 0) return out;
  }
}
