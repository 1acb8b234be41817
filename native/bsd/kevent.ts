/**
 * struct kevent: the same six fields on every BSD, at other places and by other numbers.
 *
 * macOS and OpenBSD have 32 bytes, FreeBSD 12 and later four words of 64 bits behind them, NetBSD
 * fields of 32 bits where the others have 16. libkqueue, which brings kqueue to Linux, is laid out
 * as macOS, with FreeBSD's filters.
 */
import { setWord } from '../posix/words.js'

export const EV_ADD = 0x1
export const EV_DELETE = 0x2
export const EV_ONESHOT = 0x10
export const EV_CLEAR = 0x20
export const EV_ERROR = 0x4000
export const EV_EOF = 0x8000
/** With EVFILT_USER: now. */
export const NOTE_TRIGGER = 0x1000000
/** With EVFILT_PROC. */
export const NOTE_EXIT = 0x80000000
/** With EVFILT_VNODE: what may happen to a file, the same numbers everywhere. */
export const NOTE_DELETE = 0x1
export const NOTE_WRITE = 0x2
export const NOTE_EXTEND = 0x4
export const NOTE_ATTRIB = 0x8
export const NOTE_LINK = 0x10
export const NOTE_RENAME = 0x20
export const NOTE_REVOKE = 0x40

/** How a system has it. */
export interface Abi {
  /** The size of one, in words of 32 bits. */
  readonly words: number
  /** Have filter and flags 32 bits each? */
  readonly wide: boolean
  readonly READ: number
  readonly WRITE: number
  readonly VNODE: number
  readonly PROC: number
  readonly TIMER: number
  /** Null: other threads wake by a pipe. */
  readonly USER: number | null
  /** Does a descriptor's close(2) end what was asked about it? */
  readonly forgets: boolean
  /** What says a timer's unit, and how many of these a millisecond has. */
  readonly unit: number
  readonly unitsPerMs: number
}

const OLD = { words: 8, wide: false, forgets: true, READ: -1, WRITE: -2, VNODE: -4, PROC: -5, TIMER: -7 }
const MICROSECONDS = { unitsPerMs: 1000 }
const MILLISECONDS = { unit: 0, unitsPerMs: 1 }

/** By the name that Node gives the platform; libkqueue is one of its own. */
export const ABIS = {
  darwin: { ...OLD, USER: -10, ...MICROSECONDS, unit: 0x2 },
  freebsd: { ...OLD, words: 16, USER: -11, ...MICROSECONDS, unit: 0x4 },
  openbsd: { ...OLD, USER: null, ...MILLISECONDS },
  netbsd: {
    words: 10,
    wide: true,
    forgets: true,
    READ: 0,
    WRITE: 1,
    VNODE: 3,
    PROC: 4,
    TIMER: 6,
    USER: null,
    ...MILLISECONDS,
  },
  libkqueue: { ...OLD, forgets: false, USER: -11, ...MICROSECONDS, unit: 0x2 },
} satisfies Readonly<Record<string, Abi>>

/** Which of them. */
export type AbiName = keyof typeof ABIS

/** An array of struct kevent, in memory that C can see. */
export class Kevents {
  readonly at: number
  private readonly words: Uint32Array
  private readonly fflagsAt: number

  constructor(
    private readonly abi: Abi,
    readonly length: number,
    addressOf: (view: ArrayBufferView) => number,
  ) {
    this.words = new Uint32Array(length * abi.words)
    this.at = addressOf(this.words)
    this.fflagsAt = abi.wide ? 4 : 3
  }

  address(index: number): number {
    return this.at + index * this.abi.words * 4
  }

  move(from: number, to: number): void {
    const { words } = this.abi
    this.words.copyWithin(to * words, from * words, (from + 1) * words)
  }

  /** Writes one; `data` is not negative. */
  set(index: number, ident: number, filter: number, flags: number, fflags: number, data: number, udata: number): void {
    const { words, fflagsAt } = this
    const at = index * this.abi.words
    setWord(words, at, ident)
    if (this.abi.wide) {
      words[at + 2] = filter
      words[at + 3] = flags
      words[at + 5] = 0
    } else words[at + 2] = (filter & 0xffff) | (flags << 16)
    words[at + fflagsAt] = fflags
    const dataAt = at + fflagsAt + (this.abi.wide ? 2 : 1)
    setWord(words, dataAt, data)
    words[dataAt + 2] = udata
    words[dataAt + 3] = 0
    for (let i = dataAt + 4; i < at + this.abi.words; i++) words[i] = 0
  }

  /** The lower half is enough: a descriptor, a process, a number of ours. */
  ident(index: number): number {
    return this.words[index * this.abi.words] as number
  }

  filter(index: number): number {
    const word = this.words[index * this.abi.words + 2] as number
    return this.abi.wide ? word : (word << 16) >> 16
  }

  flags(index: number): number {
    const at = index * this.abi.words + 2
    return this.abi.wide ? (this.words[at + 1] as number) : (this.words[at] as number) >>> 16
  }

  fflags(index: number): number {
    return this.words[index * this.abi.words + this.fflagsAt] as number
  }

  /** An errno with EV_ERROR; what else it is depends on the filter. The lower half, signed. */
  data(index: number): number {
    return (this.words[index * this.abi.words + this.fflagsAt + (this.abi.wide ? 2 : 1)] as number) | 0
  }

  /** What was given as `udata`, as a signed number of 32 bits. */
  udata(index: number): number {
    return (this.words[index * this.abi.words + this.fflagsAt + (this.abi.wide ? 4 : 3)] as number) | 0
  }
}
