/**
 * One kqueue: what is to change goes out together with the question what has happened.
 *
 * A change costs no system call of its own as long as somebody is about to ask. Where nobody is (a
 * guest goes to rest), the changes go out one by one: one that fails would end a list, unless there
 * is room to tell of each, and that room would take in events at the wrong moment.
 */
import { Descriptor } from '../posix/descriptor.js'
import { EBADF, EINTR, ENOENT } from '../posix/errno.js'
import { Binder, type Call, type Libc } from '../posix/libc.js'
import { ABIS, type Abi, type AbiName, EV_ADD, EV_ONESHOT, Kevents, NOTE_EXIT } from './kevent.js'

/** How many changes wait for the next question, at most; and how many events it takes. */
const MOST = 128
/** EVFILT_USER's ident. */
export const WAKE = 1

/** A library that has kqueue, and how it is laid out there. */
export interface KqueueSource {
  readonly abi: AbiName
  /** Its path; null: the C library. */
  readonly library: string | null
}

/** The two functions. */
export interface KqueueCalls {
  kqueue(): number
  kevent(kq: number, changes: number, changeCount: number, events: number, eventCount: number, timeout: number): number
}

/** @throws Error if there is no such library, or no kqueue in it. */
export function bindKqueue(binder: Binder, library: string | null): KqueueCalls {
  const from = library === null ? binder.library : binder.koffi.load(library)
  const kqueue = from.func('kqueue', 'int', []) as Call
  const types = ['int', 'uintptr_t', 'int', 'uintptr_t', 'int', 'uintptr_t']
  const kevent = from.func('kevent', 'int', types) as Call
  const { checked } = binder
  return {
    kqueue: () => checked(kqueue()),
    kevent: (kq, changes, changeCount, events, eventCount, timeout) =>
      checked(kevent(kq, changes, changeCount, events, eventCount, timeout)),
  }
}

/** A kqueue, its list of changes and its list of events. */
export class Kqueue {
  readonly abi: Abi
  readonly descriptor: Descriptor
  readonly events: Kevents
  private readonly calls: KqueueCalls
  private readonly libc: Libc
  private readonly changes: Kevents
  private readonly change: Kevents
  private changeCount = 0
  /** struct timespec: no time at all. */
  private readonly noTime = new Uint32Array(4)
  private readonly noTimeAt: number

  /** @throws Error if there is no such library. */
  constructor(libc: Libc, { abi, library }: KqueueSource) {
    this.abi = ABIS[abi]
    this.libc = libc
    this.calls = bindKqueue(new Binder(), library)
    this.descriptor = new Descriptor(libc, this.calls.kqueue())
    this.changes = new Kevents(this.abi, MOST, libc.addressOf)
    this.events = new Kevents(this.abi, MOST, libc.addressOf)
    this.change = new Kevents(this.abi, 1, libc.addressOf)
    this.noTimeAt = libc.addressOf(this.noTime)
  }

  /** With the next question, which tells if it fails. 0, or a negative errno if it was at once. */
  add(ident: number, filter: number, flags: number, fflags = 0, data = 0, udata = 0): number {
    if (this.changeCount === MOST) this.flush()
    if (this.changeCount === MOST) return this.apply(ident, filter, flags, fflags, data, udata)
    this.changes.set(this.changeCount++, ident, filter, flags, fflags, data, udata)
    return 0
  }

  /** At once: 0 or a negative errno. */
  apply(ident: number, filter: number, flags: number, fflags = 0, data = 0, udata = 0): number {
    this.change.set(0, ident, filter, flags, fflags, data, udata)
    return this.calls.kevent(this.descriptor.fd, this.change.at, 1, 0, 0, this.noTimeAt)
  }

  /**
   * A queue of its own, which has news, and so is readable, when this process has ended: or a
   * negative errno, ESRCH if that has happened already.
   */
  watchingExit(pid: number): number {
    const queue = this.calls.kqueue()
    if (queue < 0) return queue
    this.change.set(0, pid, this.abi.PROC, EV_ADD | EV_ONESHOT, NOTE_EXIT, 0, 0)
    const result = this.calls.kevent(queue, this.change.at, 1, 0, 0, this.noTimeAt)
    if (result >= 0) return queue
    this.libc.close(queue)
    return result
  }

  /**
   * Sends the changes without asking. One that fails stays, for the next question to tell of, and
   * this is false; unless it has no descriptor any more, or nothing to delete.
   */
  flush(): boolean {
    const count = this.changeCount
    this.changeCount = 0
    for (let i = 0; i < count; i++) {
      const result = this.calls.kevent(this.descriptor.fd, this.changes.address(i), 1, 0, 0, this.noTimeAt)
      if (result < 0 && result !== EBADF && result !== ENOENT) this.changes.move(i, this.changeCount++)
    }
    return this.changeCount === 0
  }

  /** Sends the changes and asks: how many events there are, or a negative errno. */
  ask(wait: boolean): number {
    const count = this.changeCount
    this.changeCount = 0
    const timeout = wait ? 0 : this.noTimeAt
    const found = this.calls.kevent(this.descriptor.fd, this.changes.at, count, this.events.at, MOST, timeout)
    // A signal. The changes were made before.
    return found === EINTR ? 0 : found
  }

  close(): void {
    this.descriptor.close()
  }
}
