/**
 * Living on the host's event loop as a guest: no thread of our own, and the host is never kept
 * waiting.
 *
 * The driver's fd is readable when something is there, and libuv watches it like any other, through
 * koffi. On the main thread its callback does the turn at once: a peer that waits for an answer
 * does not wait for another phase of the loop. But koffi calls without what Node wraps around its
 * own callbacks, so an exception would vanish, and promises and ticks of the turn would wait for
 * somebody else's callback; an immediate, which runs in the same pass of the loop, sees to both.
 *
 * In a worker a callback of koffi's takes the whole process down if the worker is terminated just
 * when its fd becomes ready: it makes objects while that is forbidden. So there libuv only marks
 * the handle (environment.ts), and an immediate looks at the mark. It does not keep the loop alive
 * or awake, so it comes in every pass that has another reason, as the fd is. Where the host does
 * not allow that, koffi's callback asks for the immediate.
 *
 * The handle must be held, since once collected it stops without a word, and be closed before its
 * thread ends. What else a driver has to let go of then, it says: the descriptors of a thread that
 * exits are not closed by anybody else.
 */
import type { Attachment } from '../../kernel/driver/contract.js'
import { setImmediate } from '../../kernel/protocol/host-functions.js'
import type { Libc } from '../posix/libc.js'

type PollHandle = ReturnType<Libc['koffi']['node']['poll']>

/** Holds the handles, and knows what to close when the thread ends. */
const attached = new Map<Attachment, Guest>()

function closeAll(): void {
  for (const [attachment, guest] of [...attached]) {
    attachment.close()
    guest.exit()
  }
}

/**
 * Deno calls back once for each start of a poll, from a thread of its own that polls until then,
 * and a call on its way is not called off when the handle is closed (denoland/deno#36317). So there
 * a poll is started again after each turn, and a handle is only stopped, and closed when nothing
 * can be on its way any more.
 */
let callsOnce = false

/** How long a call of Deno's may be on its way. */
const ON_ITS_WAY_MS = 1000

/** Says that the host's polls are Deno's. */
export function pollsCallOnce(): void {
  callsOnce = true
}

function retire(handle: PollHandle): void {
  handle.stop()
  process
    .getBuiltinModule('node:timers')
    .setTimeout(() => handle.close(), ON_ITS_WAY_MS)
    .unref()
}

/** What the host calls. */
export interface Guest {
  /**
   * Whenever the fd is readable, and soon after `schedule`; `called` tells whether the fd was
   * readable.
   */
  turn(called: boolean): void
  /** If the thread exits while attached. */
  exit(): void
}

/** Has the host's loop watch `fd` for a guest. */
export function attachToHost({ koffi, isMainThread, environment }: Libc, fd: number, guest: Guest): Attachment {
  let closed = false
  let scheduled = false
  let called = false
  /** A turn was made in the callback, and what follows from it is not done yet. */
  let atOnce = false

  const run = (): void => {
    const wasCalled = called
    scheduled = called = false
    if (closed) return
    try {
      guest.turn(wasCalled)
    } finally {
      if (wasCalled && callsOnce && !closed) handle.start({ readable: true }, readable)
    }
  }
  const schedule = (): void => {
    if (scheduled || closed) return
    scheduled = true
    if (!atOnce) setImmediate(run)
  }
  /**
   * Ticks and promises run after it, as after any callback of Node's own. The next turn is for the
   * next pass.
   */
  const settle = (): void => {
    atOnce = false
    if (scheduled) setImmediate(run)
  }
  const runAtOnce = (): void => {
    atOnce = true
    setImmediate(settle)
    try {
      run()
    } catch (error) {
      setImmediate(() => {
        throw error
      })
    }
  }
  const readable = (): void => {
    called = true
    if (isMainThread && !scheduled && !atOnce) runAtOnce()
    else schedule()
  }
  // With an environment it watches nothing until it is known what it may call.
  const handle = koffi.node.poll(fd, { readable: environment === null }, readable)
  const quiet = environment?.quieten(fd) ?? null
  const look = (): void => {
    if (closed) return
    setImmediate(look).unref()
    if (!quiet?.fired()) return
    called = true
    if (!scheduled) run()
  }
  if (quiet !== null) setImmediate(look).unref()
  else if (environment !== null) handle.start({ readable: true }, readable)
  const counted = quiet ?? handle
  counted.unref()

  const attachment: Attachment = {
    schedule,
    ref() {
      if (!closed) counted.ref()
    },
    unref() {
      if (!closed) counted.unref()
    },
    close() {
      if (closed) return
      closed = true
      if (callsOnce) retire(handle)
      else handle.close()
      attached.delete(attachment)
      if (attached.size === 0) process.off('exit', closeAll)
    },
  }

  if (attached.size === 0) process.on('exit', closeAll)
  attached.set(attachment, guest)
  return attachment
}
