/**
 * One way to attach: the host's loop watches a descriptor of the driver's.
 *
 * The descriptor is readable when something is there, and libuv watches it like any other, through
 * koffi, which calls on the loop and from outside of Node.
 *
 * In a worker a callback of koffi's takes the whole process down if the worker is terminated just
 * when its fd becomes ready: it makes objects while that is forbidden. So there libuv only marks
 * the handle (environment.ts), and an immediate looks at the mark. It does not keep the loop alive
 * or awake, so it comes in every pass that has another reason, as the fd is. Where the host does
 * not allow that, koffi's callback asks for the immediate.
 *
 * The handle must be held, since once collected it stops without a word, and be closed before its
 * thread ends.
 */
import { setImmediate } from '../../kernel/protocol/host-functions.js'
import type { Libc } from '../posix/libc.js'
import type { News, Watch } from './guest.js'

type PollHandle = ReturnType<Libc['koffi']['node']['poll']>

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

/** Watches `fd`, which is readable when the driver has something. */
export function watchDescriptor({ koffi, isMainThread, environment }: Libc, fd: number): (news: News) => Watch {
  return (news) => {
    let closed = false
    const readable = isMainThread ? news.outside : news.soon
    // With an environment it watches nothing until it is known what it may call.
    const handle = koffi.node.poll(fd, { readable: environment === null }, readable)
    const quiet = environment?.quieten(fd) ?? null
    const look = (): void => {
      if (closed) return
      setImmediate(look).unref()
      if (quiet?.fired()) news.inside()
    }
    if (quiet !== null) setImmediate(look).unref()
    else if (environment !== null) handle.start({ readable: true }, readable)
    const counted = quiet ?? handle
    counted.unref()
    return {
      resume() {
        if (callsOnce) handle.start({ readable: true }, readable)
      },
      ref: () => void counted.ref(),
      unref: () => void counted.unref(),
      close() {
        closed = true
        if (callsOnce) retire(handle)
        else handle.close()
      },
    }
  }
}
