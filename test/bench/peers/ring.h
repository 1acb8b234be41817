/*
 * As much of io_uring as the load generator needs, by bare system calls: requests written in place, answers read in place, and
 * one call that takes the ones and brings the others.
 *
 * Where the system has none, or forbids it, `ring_open` says no.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/io_uring.h>

enum { REQUESTS = 4096, ANSWERS = 32768 };

static struct {
  int fd;
  unsigned written, taken, head, *submit_tail, *answer_head, *answer_tail;
  struct io_uring_sqe *requests;
  struct io_uring_cqe *answers;
} ring;

static int ring_open(void) {
#ifdef IORING_SETUP_DEFER_TASKRUN
  struct io_uring_params p = {
      .flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
      .cq_entries = ANSWERS,
  };
  ring.fd = syscall(SYS_io_uring_setup, REQUESTS, &p);
  if (ring.fd < 0 || !(p.features & IORING_FEAT_SINGLE_MMAP)) return 0;
  int both = PROT_READ | PROT_WRITE, shared = MAP_SHARED | MAP_POPULATE;
  size_t bytes = p.cq_off.cqes + ANSWERS * sizeof *ring.answers, rest = p.sq_off.array + REQUESTS * sizeof(unsigned);
  char *at = mmap(NULL, bytes > rest ? bytes : rest, both, shared, ring.fd, IORING_OFF_SQ_RING);
  ring.requests = mmap(NULL, REQUESTS * sizeof *ring.requests, both, shared, ring.fd, IORING_OFF_SQES);
  if (at == MAP_FAILED || ring.requests == MAP_FAILED) return 0;
  ring.submit_tail = (unsigned *)(at + p.sq_off.tail);
  ring.answer_head = (unsigned *)(at + p.cq_off.head);
  ring.answer_tail = (unsigned *)(at + p.cq_off.tail);
  ring.answers = (struct io_uring_cqe *)(at + p.cq_off.cqes);
  unsigned *order = (unsigned *)(at + p.sq_off.array);
  for (unsigned i = 0; i < REQUESTS; i++) order[i] = i;
  return 1;
#else
  return 0;
#endif
}

/* Submits what was written, and waits for so many answers, 100 ms at most. Negative: an error, in errno. */
static int ring_enter(unsigned wanted) {
  struct __kernel_timespec patience = {.tv_nsec = 100 * 1000 * 1000};
  struct io_uring_getevents_arg arg = {.ts = (uintptr_t)&patience};
  __atomic_store_n(ring.submit_tail, ring.written, __ATOMIC_RELEASE);
  __atomic_store_n(ring.answer_head, ring.head, __ATOMIC_RELEASE);
  int taken = syscall(SYS_io_uring_enter, ring.fd, ring.written - ring.taken, wanted,
                      IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof arg);
  if (taken < 0) return errno == ETIME || errno == EINTR || errno == EBUSY ? 0 : -1;
  ring.taken += taken;
  return 0;
}

/* A blank request, or NULL if the system takes no more. */
static struct io_uring_sqe *ring_add(int kind, int fd, void *whose) {
  while (ring.written - ring.taken == REQUESTS)
    if (ring_enter(0) < 0) return NULL;
  struct io_uring_sqe *request = &ring.requests[ring.written++ % REQUESTS];
  memset(request, 0, sizeof *request);
  request->opcode = kind;
  request->fd = fd;
  request->user_data = (uintptr_t)whose;
  return request;
}

/* The next answer, or NULL. It is good until the next `ring_enter`. */
static struct io_uring_cqe *ring_take(void) {
  if (ring.head == __atomic_load_n(ring.answer_tail, __ATOMIC_ACQUIRE)) return NULL;
  return &ring.answers[ring.head++ % ANSWERS];
}
