/**
 * The contract between the kernel and whatever waits underneath: io_uring, epoll, kqueue, IOCP, a
 * browser, a test.
 *
 * The shape is that of a completion mechanism. An `IoOp` is one operation record. It is
 * *submitted*, may *complete inline*, may be *cancelled*, and completes *exactly once*. Readiness
 * mechanisms emulate this: try first; on EAGAIN remember the op, wait, try again.
 *
 * Descriptors. An `Fd` is a small integer, 0 or more, that the driver gave: an index, never a
 * handle or an address. A closed one may be given again. What is behind it, the driver knows. One
 * whose numbers are those of the OS takes others of the process, too (0, the standard input); it
 * looks at these anew each time, for anybody may close them.
 *
 * Submit. `submit(op)` returns true if the op is complete: `op.result` is set and `complete` is not
 * called for it. False means that it is under way; `complete(op)` will be called once, from inside
 * a later `poll`, `close` or `closeFd`, never from inside `submit` or `cancel`. Until then the op
 * and its buffer belong to the driver: the buffer is neither touched, resized nor transferred, and
 * the driver keeps it alive.
 *
 * Cancel. `cancel(op)` returns true if the op is withdrawn *now*: it will never complete, and it
 * had no effect, with two exceptions that lie in their nature: a WRITE with `all` may have written
 * `moved` bytes, and a CONNECT may go on in the socket, which can only be closed. False means that
 * *its completion will come*, with CANCELED if the cancel won, or with its own result if the
 * operation did. Never both, never neither. Asked once for each op.
 *
 * Scatter and gather. A READ or WRITE with a `vector` fills or writes its pieces as if they were
 * one buffer, in one system call where it can: `result` and `moved` count over the whole, and one
 * that is not `all` may stop anywhere, in the middle of a piece too. The array and its pieces
 * belong to the driver for as long as `buffer` would. Any number of pieces, and empty ones, are
 * allowed. A `length` that is not their sum is EFAULT, at the latest when the difference is
 * reached; datagrams have no pieces (EINVAL).
 *
 * Poll. `poll(wait, loans)` hands over the completions that are there; with `wait` it first sleeps
 * until there is one, until another thread notifies it, or until the time given to `arm`. At most
 * `loans` of them lend a buffer: what was lent and has not reached its task yet is memory that
 * peers can make the process use. It may return early and with nothing: spurious wake-ups are
 * allowed, and the kernel looks at its own clock and queues again whatever the reason.
 *
 * `complete` only takes note: it runs no task and does not throw, so a driver may call it from the
 * middle of its own work.
 *
 * Wake. Any thread of the process can make the present or else the next `poll(true)` return, if it
 * has the `wakeToken`; as a guest the turn is called. What is in a token is between the driver and
 * the wake function of its platform (native/notify.ts): a descriptor here, a handle there.
 *
 * Attach. Either the host's loop watches a descriptor of the driver's, or another thread waits in
 * its place (native/host/guest.ts). The kernel cannot tell which: its turn is called by the host's
 * loop, on the driver's own thread.
 *
 * Capabilities. `can` says what there is. A call for something else is UNSUPPORTED.
 *
 * Close while waiting. `closeFd(fd)` completes every op that waits on that fd with CLOSED before
 * the number can be used again. A completion of the old fd that was already on its way never
 * reaches an op on a new fd of the same number. `closeFd` does not touch requests on that fd: a
 * `stat` or a `sync` under way may be about the next file of that number. A `truncate` may not.
 *
 * One reader and one writer wait on an fd at a time; another is refused with BUSY. Which ops read:
 * `isReader`.
 *
 * Requests. `submitRequest` and `cancelRequest` take a `Request` as `submit` and `cancel` take an
 * op, with the same promises, and `completeRequest` is called for it. They take no side of an fd,
 * and any number of them may be under way. While the driver is attached to a host, what would take
 * the thread for long is done off the host's loop: an open of what is there, stat, sync, look-ups,
 * copies, … What changes something by one short call is done at once where the OS does not do it by
 * itself: unlink, rename, link, symlink, mkdir, mkdtemp, rmdir, chmod, truncate, and an open that
 * makes or empties its file. For a blocking run could not wait for another thread, and a second
 * time would spoil it. So are the next entries of a directory, and bytes at the end of a file that
 * was opened to append. One that was withdrawn may have had its effect in the OS (a copy was made),
 * but what it brought is given back (its fd is closed). A READ or WRITE with a `position` takes the
 * side of its fd as any other, and is off the loop, too, where the disk would take the thread.
 *
 * Processes. What a driver does about them is immediate (protocol/processes.ts). The wait for the
 * end of one is a READABLE on the descriptor that it came with.
 *
 * Results are ≥ 0, or negative: the system's errno negated, or one of the portable results below.
 */

import type { ImmediateCalls } from '../protocol/calls.js'
import { ACCEPT, type IoOp, READ, READABLE, RECEIVE } from '../protocol/io-op.js'
import type { Request } from '../protocol/request.js'

export * from '../protocol/calls.js'
export * from '../protocol/io-op.js'
export * from '../protocol/processes.js'
export * from '../protocol/request.js'

/**
 * Portable results, below any errno. This one: the operation was cancelled before it had an effect.
 */
export const CANCELED = -100_001
/** Portable result: the fd, or the driver, was closed. */
export const CLOSED = -100_002
/** Portable result: another operation waits on this side of the fd. */
export const BUSY = -100_003
/** Portable result: this driver has nothing of the kind. */
export const UNSUPPORTED = -100_004

/** Name and words of each portable result, for messages. */
export const PORTABLE_TEXTS: ReadonlyMap<number, readonly [name: string, text: string]> = new Map([
  [CANCELED, ['ECANCELED', 'operation canceled']],
  [CLOSED, ['CLOSED', 'closed on this side']],
  [BUSY, ['BUSY', 'another operation is waiting in this direction']],
  [UNSUPPORTED, ['UNSUPPORTED', 'not supported by this driver']],
])

/** Does this kind of op occupy the fd's reading side (or else its writing side)? */
export function isReader(kind: number): boolean {
  return kind === READ || kind === ACCEPT || kind === READABLE || kind === RECEIVE
}

/** How a driver lives on the host's event loop. Made by `attach`, closed by the kernel. */
export interface Attachment {
  /**
   * Calls the turn soon, after the host had a chance to do its own work. More calls before that
   * count as one.
   */
  schedule(): void
  /**
   * From now on waiting for completions or the alarm keeps the host's loop alive; at first it does
   * not.
   */
  ref(): void
  /** From now on it does not keep the loop alive. */
  unref(): void
  /** The host calls no turn any more. */
  close(): void
}

declare const OPAQUE: unique symbol

/**
 * What another thread needs to wake a driver. Plain data that survives `postMessage`; nobody but
 * drivers looks into it.
 */
export interface WakeToken {
  readonly [OPAQUE]: never
}

/**
 * A driver. One kernel owns one driver; everything but the use of `wakeToken` happens on its
 * thread.
 */
export interface Driver extends ImmediateCalls {
  /** Why it is this one and not a better one; debug mode tells. */
  readonly note?: string | undefined
  /** Null exactly if `can.threads` is false. It is good until the driver is closed. */
  readonly wakeToken: WakeToken | null
  /** How many sockets of its own are open. */
  openSockets(): number
  /** Milliseconds on a clock that never goes backwards, fractions included. */
  now(): number
  /**
   * Takes an op.
   *
   * @param op It belongs to the driver until it is complete.
   * @returns true if it is complete already.
   */
  submit(op: IoOp): boolean
  /**
   * Takes an op back.
   *
   * @param op One that is under way.
   * @returns true if it is withdrawn; false if its completion will come.
   */
  cancel(op: IoOp): boolean
  /**
   * Takes a request, as `submit` takes an op.
   *
   * @param request It belongs to the driver until it is complete.
   */
  submitRequest(request: Request): boolean
  /**
   * Takes a request back, as `cancel` does an op.
   *
   * @param request One that is under way.
   */
  cancelRequest(request: Request): boolean
  /**
   * Hands completions to the function given to `start`.
   *
   * @param wait Sleeps first, until there is one.
   * @param loans How many of them may lend a buffer. Default: as many as the driver sees fit.
   */
  poll(wait: boolean, loans?: number): void
  /**
   * Sets the one alarm: at this time on the driver's clock (Infinity: never) a `poll(true)` returns
   * at the latest, and the host calls the turn of an attached kernel. Replaces the last call. An
   * alarm that has gone off is spent.
   *
   * @param at Milliseconds on the driver's clock.
   */
  arm(at: number): void
  /**
   * Called once, before anything else.
   *
   * @param complete Takes note of each op that completes later.
   * @param completeRequest The same for requests.
   */
  start(complete: (op: IoOp) => void, completeRequest: (request: Request) => void): void
  /**
   * From now on the host calls `turn` when there may be completions, when the alarm goes off, and
   * after a notification.
   *
   * @param turn One pass of the kernel.
   */
  attach(turn: () => void): Attachment
  /**
   * Completes what still waits with CLOSED, then lets go of everything: its memory, `complete` and
   * `turn`, too, for the kernel keeps the last closed driver of each class (shapes.ts). Idempotent.
   */
  close(): void
}
