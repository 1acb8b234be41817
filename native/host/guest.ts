/**
 * Living on the host's event loop as a guest: no thread of our own, and the host is never kept
 * waiting.
 *
 * Here is when the turn comes and what follows from it, whatever the platform. How the host hears
 * that the driver has something is a `Watch`, and there are two ways to have one: the host's loop
 * watches a descriptor (guest-poll.ts), or another thread waits, as a completion port needs it, and
 * calls into the loop each time.
 *
 * Where it can, a turn is made in the call itself: a task that waits for an answer does not wait
 * for another phase of the loop. But a call that comes from outside lacks what Node wraps around
 * its own callbacks, so an exception would vanish, and promises and ticks of the turn would wait
 * for some other callback. An immediate, which runs in the same pass of the loop, sees to both.
 *
 * What a driver has to let go of when its thread exits, it says: the descriptors of a thread are
 * closed by nothing else.
 */
import type { Attachment } from '../../kernel/driver/contract.js'
import { setImmediate } from '../../kernel/protocol/host-functions.js'

/** What the host calls. */
export interface Guest {
  /**
   * When the driver has something, and soon after `schedule`; `called` tells whether it was the
   * former.
   */
  turn(called: boolean): void
  /** If the thread exits while attached. */
  exit(): void
}

/** What a watch calls, on the driver's thread, when the driver has something. */
export interface News {
  /** From a callback of the host's own: the turn is made now. */
  inside(): void
  /**
   * From a call that the host knows nothing of: the turn is made now, and an immediate sees to the
   * rest.
   */
  outside(): void
  /** From a place where no turn may be made. */
  soon(): void
}

/** One way in which the host hears of a driver. */
export interface Watch {
  /** After each turn that it called for. One that calls once for each start begins again. */
  resume(): void
  /** Whether it keeps the host's loop alive; at first it does not. */
  ref(): void
  unref(): void
  /** It never calls again. Once. */
  close(): void
}

/** Those that are attached, and what to call when the thread ends. */
const attached = new Map<Attachment, Guest>()

function closeAll(): void {
  for (const [attachment, guest] of [...attached]) {
    attachment.close()
    guest.exit()
  }
}

/** Has the host call the guest's turn, when `watch` says so. */
export function attachToHost(guest: Guest, watch: (news: News) => Watch): Attachment {
  let closed = false
  let scheduled = false
  let called = false
  /** A turn was made in a call from outside, and what follows from it is not done yet. */
  let atOnce = false

  const run = (): void => {
    const wasCalled = called
    scheduled = called = false
    if (closed) return
    try {
      guest.turn(wasCalled)
    } finally {
      if (wasCalled && !closed) watching.resume()
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
  const watching = watch({
    inside() {
      called = true
      if (!scheduled) run()
    },
    outside() {
      called = true
      if (scheduled || atOnce) schedule()
      else runAtOnce()
    },
    soon() {
      called = true
      schedule()
    },
  })

  const attachment: Attachment = {
    schedule,
    ref() {
      if (!closed) watching.ref()
    },
    unref() {
      if (!closed) watching.unref()
    },
    close() {
      if (closed) return
      closed = true
      watching.close()
      attached.delete(attachment)
      if (attached.size === 0) process.off('exit', closeAll)
    },
  }

  if (attached.size === 0) process.on('exit', closeAll)
  attached.set(attachment, guest)
  return attachment
}
