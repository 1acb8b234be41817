/**
 * Living on the host's event loop as a guest: no thread of our own, and the host is never kept waiting.
 *
 * The driver's fd is readable when something is there, and libuv watches it like any other, through koffi. Its callback
 * only asks for an immediate, which runs in the same pass of the loop: an exception in a callback of koffi's would
 * vanish, and a worker that is terminated around one takes the whole process down. (That can still happen to a worker
 * terminated at the very moment its fd becomes ready, before any code of ours; one that exits by itself is safe.)
 *
 * The handle must be held, since once collected it stops without a word, and be closed before its thread ends. What else a
 * driver has to let go of then, it says: the descriptors of a thread that exits are not closed by anybody else.
 */
import type { Attachment } from '../kernel/driver.js'
import type { Koffi } from './libc.js'

/** Holds the handles, and knows what to close when the thread ends. */
const attached = new Map<Attachment, Guest>()

function closeAll(): void {
  for (const [attachment, guest] of [...attached]) {
    attachment.close()
    guest.exit()
  }
}

/** What the host calls. */
export interface Guest {
  /** Whenever the fd is readable, and soon after `schedule`; `called` tells whether the fd was readable. */
  turn(called: boolean): void
  /** If the thread exits while attached. */
  exit(): void
}

/** Has the host's loop watch `fd` for a guest. */
export function attachToHost(koffi: Koffi, fd: number, guest: Guest): Attachment {
  let closed = false
  let scheduled = false
  let called = false

  const run = (): void => {
    const wasCalled = called
    scheduled = called = false
    if (!closed) guest.turn(wasCalled)
  }
  const schedule = (): void => {
    if (scheduled || closed) return
    scheduled = true
    setImmediate(run)
  }
  const handle = koffi.node.poll(fd, { readable: true }, () => {
    called = true
    schedule()
  })
  handle.unref()

  const attachment: Attachment = {
    schedule,
    ref() {
      if (!closed) handle.ref()
    },
    unref() {
      if (!closed) handle.unref()
    },
    close() {
      if (closed) return
      closed = true
      handle.close()
      attached.delete(attachment)
      if (attached.size === 0) process.off('exit', closeAll)
    },
  }

  if (attached.size === 0) process.on('exit', closeAll)
  attached.set(attachment, guest)
  return attachment
}
