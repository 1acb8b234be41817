/**
 * One io_uring: two rings in memory that Linux shares with us, and the one call that moves both.
 *
 * The idea: a submission queue entry (SQE) is sixteen 32-bit words written in place, a completion
 * queue entry (CQE) four words read in place, and neither costs a call. `enter` submits all that
 * was written and fetches what is done, once a turn. koffi maps the memory; after that it is plain
 * Int32Arrays.
 *
 * DEFER_TASKRUN: Linux finishes requests only inside `enter`, all at once, and TASKRUN_FLAG says in
 * shared memory whether there is something to finish; so a look at an idle ring costs no system
 * call. The fd of such a ring does not wake a poll of it. A registered eventfd does: it is
 * signalled when there is work, unless a flag in the ring says not to. Linux before 6.1 has no
 * DEFER_TASKRUN; COOP_TASKRUN is the next best.
 */

import { SystemError } from '../../../kernel/protocol/errors.js'
import { PAGE_BYTES } from '../../memory/pages.js'
import { Descriptor } from '../../posix/descriptor.js'
import { describeError, EAGAIN, EBUSY, EINTR, EINVAL, EMFILE, ENFILE, ENOMEM } from '../../posix/errno.js'
import type { Libc } from '../libc.js'

/** Opcodes. */
export const OP_READV = 1
export const OP_WRITEV = 2
export const OP_FSYNC = 3
export const OP_POLL_ADD = 6
export const OP_ACCEPT = 13
export const OP_ASYNC_CANCEL = 14
export const OP_CONNECT = 16
export const OP_OPENAT = 18
export const OP_STATX = 21
export const OP_READ = 22
export const OP_WRITE = 23
export const OP_SEND = 26
export const OP_RECV = 27
export const OP_RENAMEAT = 35
export const OP_UNLINKAT = 36
export const OP_MKDIRAT = 37
export const OP_SYMLINKAT = 38
export const OP_LINKAT = 39
/** The newest opcode of Linux 6.0, the first version that can do all that is needed here. */
const OP_SEND_ZC = 47

/** In the second byte of an SQE: take a buffer of the group when there is data. */
export const BUFFER_SELECT = 1 << 5
/** In the upper half of its first word, for OP_RECV: go on after a CQE. */
export const RECV_MULTISHOT = 1 << 1
/** For OP_POLL_ADD, as its length: go on after a CQE. */
export const POLL_MULTISHOT = 1
/** For OP_ASYNC_CANCEL, together: every request. */
export const CANCEL_ALL = 1 << 0
export const CANCEL_ANY = 1 << 2

/** Flags of a CQE: it brings a buffer, with its number in the upper half; more CQEs will follow. */
export const CQE_BUFFER = 1 << 0
export const CQE_MORE = 1 << 1

const SETUP_CQSIZE = 1 << 3
const SETUP_CLAMP = 1 << 4
const SETUP_SUBMIT_ALL = 1 << 7
const SETUP_COOP_TASKRUN = 1 << 8
const SETUP_TASKRUN_FLAG = 1 << 9
const SETUP_SINGLE_ISSUER = 1 << 12
const SETUP_DEFER_TASKRUN = 1 << 13
const SETUP = SETUP_CQSIZE | SETUP_CLAMP | SETUP_SUBMIT_ALL | SETUP_TASKRUN_FLAG
const DEFERRED = SETUP | SETUP_SINGLE_ISSUER | SETUP_DEFER_TASKRUN
const NO_MMAP = 1 << 14
const COOPERATIVE = SETUP | SETUP_SINGLE_ISSUER | SETUP_COOP_TASKRUN

const FEATURE_SINGLE_MMAP = 1 << 0
const FEATURE_NODROP = 1 << 1
const ENTER_GETEVENTS = 1
const SQ_CQ_OVERFLOW = 1 << 1
const SQ_TASKRUN = 1 << 2
const CQ_EVENTFD_DISABLED = 1
const REGISTER_EVENTFD = 4
const REGISTER_PROBE = 8
const MAP_RINGS = 0
const MAP_SQES = 0x10000000

/** So many fit in, if nobody says otherwise. */
const SQES = 256
const CQES = 4096
/** What the rings have before their entries, at most. */
const RING_HEAD_BYTES = 1024

const SQE_WORDS = 16
const CQE_WORDS = 4
const UINT32 = 4_294_967_296
/** As much as Linux moves at once; more would be cut to 32 bits, to nothing for instance. */
const MOST_BYTES = 0x7ffff000

/** Linux may refuse so often in a row for want of memory; after the first ones it is given time. */
const MOST_REFUSALS = 1000
const QUICK_REFUSALS = 100

/** A buffer that may grow, which not every library of types knows. */
type ResizableBuffer = new (bytes: number, options: { readonly maxByteLength: number }) => ArrayBuffer

/** There would be a ring, if others had less. */
const LIMITS = new Set([EMFILE, ENFILE, ENOMEM])

/** What kind of ring; for tests. */
export interface RingOptions {
  /** How many SQEs fit in before Linux has to be entered; a power of two. Default 256. */
  readonly sqes?: number
  /**
   * How many CQEs fit in; a power of two, and far more than SQEs, because a multishot request
   * completes again and again. Linux keeps what does not fit. Default 4096.
   */
  readonly cqes?: number
  /** Without DEFER_TASKRUN, as on Linux 6.0. */
  readonly cooperative?: boolean
}

/** Why there is no ring; the driver falls back on epoll. */
export class NoRing extends Error {
  override readonly name = 'NoRing'

  /** The error if the system has no more of something; null: it has no rings. */
  lacking: SystemError | null = null

  /** After a call that has failed. */
  static after(syscall: string, errno: number, [code, text]: readonly [name: string, text: string]): NoRing {
    const error = new NoRing(`${text} (${syscall}: ${code})`)
    if (LIMITS.has(errno)) error.lacking = new SystemError({ code, errno, syscall, text })
    return error
  }
}

/** An io_uring. */
export class Ring extends Descriptor {
  /** The words of all SQEs. `add` says where the new one begins. */
  readonly sqes: Int32Array
  /** The words of all CQEs: user data (fd and key), result, flags. */
  readonly cqes: Int32Array
  /** The memory that it shares with Linux, if Linux made it; mapped memory holds the ring. */
  private readonly maps: [at: number, bytes: number][] = []
  /** The same, if it is ours: then the ring goes with its fd, and the memory with the thread. */
  private readonly memory: Memory | null
  /** Requests with a key and without their last CQE. */
  underWay = 0
  /**
   * Why Linux cannot be entered any more, negative; 0 as long as it can. Nothing is submitted or
   * completed then.
   */
  failure = 0
  private refusals = 0
  declare protected readonly libc: Libc
  private readonly words: Int32Array
  private readonly sqTail: number
  private readonly sqFlags: number
  private readonly sqMask: number
  private readonly cqHead: number
  private readonly cqTail: number
  private readonly cqFlags: number
  private readonly cqMask: number
  /** SQEs written, and those of them that Linux has taken. */
  private written = 0
  private taken = 0
  /** The CQE to be read next: a copy of what the shared memory says. */
  head = 0

  /** @throws NoRing if this Linux has no io_uring, forbids it, or has too old a one. */
  constructor(libc: Libc, options: RingOptions = {}) {
    const params = new Int32Array(30)
    const memory = libc.environment === null ? null : allocate(libc, options)
    super(libc, setUp(libc, params, options, memory))
    this.memory = ((params[2] as number) & NO_MMAP) === 0 ? null : memory
    const word = (index: number): number => params[index] as number
    const requests = word(0)
    const answers = word(1)
    try {
      const features = FEATURE_SINGLE_MMAP | FEATURE_NODROP
      if ((word(5) & features) !== features) throw new NoRing('this Linux is too old for it')
      probe(libc, this.fd)
      const bytes = Math.max(word(16) + requests * 4, word(25) + answers * 16)
      this.words = new Int32Array(this.map(bytes, MAP_RINGS))
      this.sqes = new Int32Array(this.map(requests * SQE_WORDS * 4, MAP_SQES))
    } catch (error) {
      this.close()
      throw error
    }
    this.sqTail = word(11) >> 2
    this.sqMask = requests - 1
    this.sqFlags = word(14) >> 2
    this.cqHead = word(20) >> 2
    this.cqTail = word(21) >> 2
    this.cqMask = answers - 1
    this.cqFlags = word(26) >> 2
    const first = word(25) >> 2
    this.cqes = this.words.subarray(first, first + answers * CQE_WORDS)
    // Submission goes through an array of indices; ours never changes: the order of SQEs is that of
    // their memory.
    const array = word(16) >> 2
    for (let i = 0; i < requests; i++) this.words[array + i] = i
  }

  /**
   * Writes the frame of an SQE; the caller fills in the rest at the index returned. Key 0: its CQE
   * is of no interest.
   */
  add(first: number, fd: number, key: number): number {
    if (this.written - this.taken > this.sqMask) this.makeRoom()
    if (key !== 0) this.underWay++
    const { sqes } = this
    const at = (this.written++ & this.sqMask) * SQE_WORDS
    sqes[at] = first
    sqes[at + 1] = fd
    sqes[at + 2] = 0
    sqes[at + 3] = 0
    sqes[at + 4] = 0
    sqes[at + 5] = 0
    sqes[at + 6] = 0
    sqes[at + 7] = 0
    sqes[at + 8] = fd
    sqes[at + 9] = key
    sqes[at + 10] = 0
    sqes[at + 11] = 0
    return at
  }

  /** Puts an address and a length into an SQE, which moves that many bytes at most. */
  point(at: number, address: number, length: number): void {
    this.sqes[at + 4] = address | 0
    this.sqes[at + 5] = (address / UINT32) | 0
    this.sqes[at + 6] = Math.min(length, MOST_BYTES)
  }

  /** Puts a second address into an SQE. */
  pointSecond(at: number, address: number): void {
    this.sqes[at + 2] = address | 0
    this.sqes[at + 3] = (address / UINT32) | 0
  }

  /**
   * Submits what was written, lets Linux finish what it can, and waits until there are so many
   * CQEs.
   */
  enter(atLeast: number): number {
    const { words } = this
    const count = this.written - this.taken
    const flags = (words[this.sqFlags] as number) & (SQ_CQ_OVERFLOW | SQ_TASKRUN)
    if (count === 0 && flags === 0 && (atLeast === 0 || this.hasCqe())) return 0
    return this.cross(count, atLeast, ENTER_GETEVENTS)
  }

  /** Only submits: nothing is received meanwhile, for which there may be no buffers. */
  submit(): number {
    return this.hasUnsent ? this.cross(this.written - this.taken, 0, 0) : 0
  }

  private cross(count: number, atLeast: number, flags: number): number {
    if (this.failure !== 0) return this.failure
    Atomics.store(this.words, this.sqTail, this.written | 0)
    const result = this.libc.uringEnter(this.fd, count, atLeast, flags)
    if (result < 0) return this.refused(result)
    this.taken += result
    this.refusals = 0
    return result
  }

  /**
   * After a signal, or without memory for the moment, what was not taken is tried at the next turn.
   */
  private refused(result: number): number {
    if (result === EINTR) return 0
    const passes = result === EBUSY || result === EAGAIN || result === ENOMEM
    if (passes && ++this.refusals < MOST_REFUSALS) {
      if (this.refusals > QUICK_REFUSALS) this.libc.poll(0, 0, 1)
      return 0
    }
    this.failure = result
    return result
  }

  private get hasUnsent(): boolean {
    return this.written !== this.taken
  }

  /** Is there a CQE, or something that would make one if Linux were entered? */
  hasNews(): boolean {
    if (this.hasUnsent || this.hasCqe()) return true
    return ((Atomics.load(this.words, this.sqFlags) as number) & (SQ_CQ_OVERFLOW | SQ_TASKRUN)) !== 0
  }

  hasCqe(): boolean {
    return this.head !== this.tail
  }

  /** Where CQEs end at this moment. */
  get tail(): number {
    return Atomics.load(this.words, this.cqTail)
  }

  /**
   * Takes the next CQE, which the caller knows to be there; its index in `answers`, good until the
   * next `enter`.
   */
  take(): number {
    const { head } = this
    this.head = (head + 1) | 0
    const at = (head & this.cqMask) * CQE_WORDS
    if (this.cqes[at + 1] !== 0 && ((this.cqes[at + 3] as number) & CQE_MORE) === 0) this.underWay--
    return at
  }

  /** Lets Linux use the memory of CQEs that were taken. */
  release(): void {
    Atomics.store(this.words, this.cqHead, this.head)
  }

  /** An eventfd that tells of CQEs, while `notify(true)`. */
  registerEvent(fd: number): number {
    return this.libc.uringRegister(this.fd, REGISTER_EVENTFD, this.libc.addressOf(new Int32Array([fd])), 1)
  }

  notify(on: boolean): void {
    Atomics.store(this.words, this.cqFlags, on ? 0 : CQ_EVENTFD_DISABLED)
  }

  override close(): void {
    super.close()
    for (const [at, bytes] of this.maps.splice(0)) this.libc.unmap(at, bytes)
  }

  /** More SQEs than fit are submitted at once. If Linux takes no more, they are lost. */
  private makeRoom(): void {
    for (let tries = 0; this.written - this.taken > this.sqMask; tries++) {
      // With CQEs that found no room some versions of Linux take no SQEs before those are fetched.
      if (tries === 0) this.submit()
      else this.enter(0)
      if (tries === MOST_REFUSALS && this.failure === 0) this.failure = EBUSY
      if (this.failure !== 0) this.taken = this.written
    }
  }

  private map(bytes: number, what: number): ArrayBuffer {
    if (this.memory !== null)
      return this.libc.viewOf(this.memory.address + (what === MAP_RINGS ? this.memory.sqesBytes : 0), bytes)
    const at = this.libc.map(this.fd, bytes, what)
    if (at < 0) throw new NoRing(`its memory cannot be mapped (mmap: ${at})`)
    this.maps.push([at, bytes])
    return this.libc.viewOf(at, bytes)
  }
}

/** Memory of ours for a ring: first the SQEs, then the rings. */
interface Memory {
  readonly buffer: ArrayBuffer
  readonly address: number
  readonly sqesBytes: number
}

/**
 * A resizable buffer, because that has whole pages of its own which go back to the OS: what is
 * still under way in a ring that was closed is completed in them, whatever has the addresses by
 * then.
 */
function allocate(libc: Libc, options: RingOptions): Memory {
  const requests = options.sqes ?? SQES
  const sqesBytes = Math.ceil((requests * SQE_WORDS * 4) / PAGE_BYTES) * PAGE_BYTES
  const bytes = sqesBytes + RING_HEAD_BYTES + (options.cqes ?? CQES) * CQE_WORDS * 4 + requests * 4
  const maxByteLength = Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES
  const buffer = new (ArrayBuffer as ResizableBuffer)(maxByteLength, { maxByteLength })
  return { buffer, address: libc.addressOf(new Uint8Array(buffer)), sqesBytes }
}

/**
 * The fd of a new ring; `params` then says where things are. Linux before 6.5 takes no memory of
 * ours, and before 6.10 little.
 */
function setUp(libc: Libc, params: Int32Array, options: RingOptions, memory: Memory | null): number {
  let result = EINVAL
  const kinds = options.cooperative ? [COOPERATIVE] : [DEFERRED, COOPERATIVE]
  for (const flags of memory === null ? kinds : [...kinds.map((kind) => kind | NO_MMAP), ...kinds]) {
    params.fill(0)
    params[1] = options.cqes ?? CQES
    params[2] = flags
    if (memory !== null && (flags & NO_MMAP) !== 0) {
      const rings = memory.address + memory.sqesBytes
      params.set([memory.address | 0, (memory.address / UINT32) | 0], 18)
      params.set([rings | 0, (rings / UINT32) | 0], 28)
    }
    result = libc.uringSetup(options.sqes ?? SQES, libc.addressOf(params))
    if (result >= 0 || (result !== EINVAL && (flags & NO_MMAP) === 0)) break
  }
  if (result >= 0) return result
  throw NoRing.after('io_uring_setup', result, describeError(result))
}

/** Asks whether the newest opcode is known. */
function probe(libc: Libc, fd: number): void {
  const KINDS = 64
  const answer = new Uint8Array(16 + KINDS * 8)
  const result = libc.uringRegister(fd, REGISTER_PROBE, libc.addressOf(answer), KINDS)
  if (result < 0 || (answer[0] as number) < OP_SEND_ZC) throw new NoRing('this Linux is older than 6.0')
}
