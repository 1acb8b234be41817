/**
 * What kqueue tells besides readiness: that a process has ended, and what happens to a file.
 *
 * Both are told to a function, from a poll. A process is told of once (the filter ends with it), a
 * file as long as it is watched, several changes at a time as one. The descriptor of a file only
 * has to be open; closing it ends the watch.
 */
import { EV_ADD, EV_CLEAR, EV_DELETE, EV_ONESHOT, NOTE_EXIT } from './kevent.js'
import type { Kqueue } from './kqueue.js'

type Heard = (value: number) => void

/** The processes and files of one driver. */
export class Notes {
  private readonly processes = new Map<number, Heard>()
  private readonly files = new Map<number, Heard>()

  constructor(private readonly kqueue: Kqueue) {}

  /**
   * Tells of the end of a process, a child of this one: its wait status where the system gives it
   * (FreeBSD), else 0. It still is to be waited for.
   *
   * @returns 0 or a negative errno: ESRCH if there is no such process any more.
   */
  watchProcess(pid: number, heard: Heard): number {
    const result = this.kqueue.apply(pid, this.kqueue.abi.PROC, EV_ADD | EV_ONESHOT, NOTE_EXIT)
    if (result >= 0) this.processes.set(pid, heard)
    return result
  }

  /**
   * Tells of these changes of an open file, as NOTE_WRITE and the like, until it is unwatched or
   * closed.
   *
   * @returns 0 or a negative errno.
   */
  watchFile(fd: number, notes: number, heard: Heard): number {
    const result = this.kqueue.apply(fd, this.kqueue.abi.VNODE, EV_ADD | EV_CLEAR, notes)
    if (result >= 0) this.files.set(fd, heard)
    return result
  }

  unwatchProcess(pid: number): void {
    if (this.processes.delete(pid)) this.kqueue.apply(pid, this.kqueue.abi.PROC, EV_DELETE)
  }

  unwatchFile(fd: number): void {
    if (this.files.delete(fd)) this.kqueue.apply(fd, this.kqueue.abi.VNODE, EV_DELETE)
  }

  /** An event of another filter than reading and writing; false if it is none of these. */
  heard(filter: number, ident: number, fflags: number, data: number): boolean {
    const { PROC, VNODE } = this.kqueue.abi
    if (filter === VNODE) this.files.get(ident)?.(fflags)
    else if (filter !== PROC) return false
    else {
      const heard = this.processes.get(ident)
      this.processes.delete(ident)
      heard?.(data)
    }
    return true
  }
}
