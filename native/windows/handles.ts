/**
 * Descriptors: small integers for the handles of Windows.
 *
 * A handle is a number of any size that the whole process shares; a driver's descriptors are its
 * own, from 0 up, and one that was closed is given again. So what another part of the process has
 * open has no number here, and a driver of another thread has numbers of its own.
 */
import { INVALID_HANDLE } from './constants.js'

/** What is behind a descriptor. */
export class Opened {
  /** Winsock refuses to connect a socket that has no address yet. */
  bound = false
  /** AcceptEx has it: it is nobody's connection yet. */
  awaited = false

  constructor(
    readonly handle: number,
    /** The family of a socket's addresses; 0: no socket. */
    readonly family: number,
    readonly type: number,
    /** The host's own descriptor of a file, for what the host is asked about it; −1: none. */
    readonly hostFd: number,
  ) {}

  get isSocket(): boolean {
    return this.family !== 0
  }
}

/** The descriptors of one driver. */
export class Handles {
  private readonly opened: (Opened | null)[] = []
  private readonly free: number[] = []

  /** A descriptor for it. */
  add(opened: Opened): number {
    const fd = this.free.pop() ?? this.opened.length
    this.opened[fd] = opened
    return fd
  }

  get(fd: number): Opened | null {
    return this.opened[fd] ?? null
  }

  /** The handle, or one that every call refuses. */
  at(fd: number): number {
    return this.opened[fd]?.handle ?? INVALID_HANDLE
  }

  /** What was behind it; null: nothing. */
  remove(fd: number): Opened | null {
    const opened = this.get(fd)
    if (opened === null) return null
    this.opened[fd] = null
    this.free.push(fd)
    return opened
  }

  /** How many of them are no files, and somebody's. */
  sockets(): number {
    return this.opened.filter((opened) => opened !== null && opened.hostFd < 0 && !opened.awaited).length
  }

  all(): number[] {
    return this.opened.flatMap((opened, fd) => (opened === null ? [] : [fd]))
  }
}
