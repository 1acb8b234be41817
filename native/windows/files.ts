/**
 * Files: read and written by overlapped calls at a position, which Windows completes to the port.
 *
 * The host has opened the file (on a thread of its own, since that may take time); here the same
 * file is opened once more for overlapped calls, by its handle. Bytes go through memory of ours: a
 * task's could be taken away while Windows is at them. A read can be taken back at any time; a
 * write that has begun stops after its piece, and says how far it came.
 *
 * Where an op goes on "where the last one ended" is a number here: the handle is nobody else's. Its
 * stretch of the file is claimed when it begins, so that the next one begins behind it.
 */
import {
  CANCELED,
  type IoOp,
  isIntact,
  OPEN_APPEND,
  OPEN_READ,
  OPEN_WRITE,
  partsOf,
  READ,
} from '../../kernel/driver/contract.js'
import { deliverRead, MOST_BYTES } from '../host/byte-work.js'
import { EFAULT } from '../posix/errno.js'
import type { Positioned } from '../posix/operations.js'
import { finish, finishWrite } from '../posix/settle.js'
import * as c from './constants.js'
import { resultOf } from './errors.js'
import { type Handles, Opened } from './handles.js'
import type { Windows } from './kernel32.js'
import { isError, type Overlapped, type Records, type Sink } from './overlapped.js'
import type { Port } from './port.js'

/** Instead of an offset: the end of the file. */
const AT_END = 0xffffffff
const NO_FAMILY = 0

/** What is known about an open file. */
interface Place {
  at: number
  readonly appends: boolean
}

/** An op under way. */
class Job {
  stopped = false
  record: Overlapped | null = null

  constructor(
    readonly op: IoOp<unknown>,
    readonly handle: number,
    readonly place: Place,
    /** Where it begins. */
    readonly at: number,
    /** How far the place was moved for it. */
    readonly claimed: number,
    readonly whole: number,
    readonly finish: () => void,
  ) {}
}

/** The files of one driver. */
export class Files implements Positioned, Sink {
  private readonly places = new Map<number, Place>()
  private readonly jobs = new Map<IoOp<unknown>, Job>()

  constructor(
    private readonly windows: Windows,
    private readonly handles: Handles,
    private readonly records: Records,
    private readonly port: Port,
  ) {}

  /** The descriptor of a file that the host has opened, with this path and these flags. */
  adopt(hostFd: number, path: string, flags: number): number {
    const { windows } = this
    const has = (flag: number): boolean => (flags & flag) !== 0
    const appends = has(OPEN_APPEND)
    let access = has(OPEN_READ) || !(has(OPEN_WRITE) || appends) ? c.GENERIC_READ : 0
    if (appends) access += c.FILE_APPEND_DATA
    else if (has(OPEN_WRITE)) access += c.GENERIC_WRITE
    let handle = windows.reopenFile(windows.handleOf(hostFd), access, c.FILE_SHARE_ALL, c.FILE_FLAG_OVERLAPPED)
    // A device cannot be opened by its handle.
    if (handle === c.INVALID_HANDLE)
      handle = windows.openFile(path, access, c.FILE_SHARE_ALL, 0, c.OPEN_EXISTING, c.FILE_FLAG_OVERLAPPED, 0)
    const result = handle === c.INVALID_HANDLE ? resultOf(windows.lastError()) : this.port.associate(handle)
    if (result < 0) {
      if (handle !== c.INVALID_HANDLE) windows.closeHandle(handle)
      return result
    }
    windows.setPacketModes(handle, c.SKIP_ON_SUCCESS)
    const fd = this.handles.add(new Opened(handle, NO_FAMILY, 0, hostFd))
    this.places.set(fd, { at: 0, appends })
    return fd
  }

  /** Its number may be another file's from now on. */
  forget(fd: number): void {
    this.places.delete(fd)
  }

  submit(op: IoOp<unknown>, finishLater: () => void): boolean | null {
    const place = this.places.get(op.fd)
    if (place === undefined) return null
    if (!op.lend && !isIntact(op)) return finish(op, EFAULT)
    const whole = op.kind === READ || !op.all ? Math.min(op.length, MOST_BYTES) : op.length
    const claimed = op.position < 0 ? whole : 0
    const at = op.position < 0 ? place.at : op.position
    place.at += claimed
    const job = new Job(op, this.handles.at(op.fd), place, at, claimed, whole, finishLater)
    if (this.go(job)) return true
    this.jobs.set(op, job)
    return false
  }

  has(op: IoOp<unknown>): boolean {
    return this.jobs.has(op)
  }

  withdraw(op: IoOp<unknown>): boolean {
    const job = this.jobs.get(op)
    if (job === undefined) return false
    if (op.kind !== READ) {
      job.stopped = true
      return false
    }
    this.disown(op)
    this.settle(job, 0)
    return true
  }

  disown(op: IoOp<unknown>): void {
    const job = this.jobs.get(op)
    if (job === undefined || job.record === null) return
    this.jobs.delete(op)
    job.record.op = null
    this.records.cancel(job.record)
  }

  completed(record: Overlapped, status: number, bytes: number): void {
    const job = record.op === null ? undefined : this.jobs.get(record.op)
    if (job === undefined) return
    job.record = null
    if (!this.moved(job, record.memory as Uint8Array, this.resultOf(record, status, bytes)) && !this.go(job)) return
    this.jobs.delete(job.op)
    job.finish()
  }

  /** Makes the next call; true: the op is complete. */
  private go(job: Job): boolean {
    const { op } = job
    for (;;) {
      const reads = op.kind === READ
      if (!reads && !isIntact(op)) return this.settled(job, finish(op, EFAULT))
      const bytes = reads ? new Uint8Array(job.whole) : pieceOf(op, job.whole)
      const record = this.records.take(this, op.kind, null, op, job.handle)
      record.memory = bytes
      this.aim(record, job)
      const { readFile, writeFile, addressOf } = this.windows
      const at = addressOf(bytes)
      const done = reads
        ? readFile(job.handle, at, bytes.length, 0, record.at)
        : writeFile(job.handle, at, bytes.length, 0, record.at)
      const code = done === 0 ? this.windows.lastError() : 0
      if (code === c.ERROR_IO_PENDING) {
        job.record = record
        return false
      }
      const count = record.words[2] as number
      this.records.release(record)
      const result = code === 0 ? count : code === c.ERROR_HANDLE_EOF ? 0 : resultOf(code)
      if (this.moved(job, bytes, result)) return true
    }
  }

  private aim(record: Overlapped, { op, at, place }: Job): void {
    if (place.appends && op.kind !== READ) record.setOffset(AT_END, AT_END)
    else record.setOffset((at + op.moved) >>> 0, (at + op.moved) / 2 ** 32)
  }

  /** True: the op is complete. */
  private moved(job: Job, bytes: Uint8Array, result: number): boolean {
    const { op } = job
    if (op.kind === READ) return this.settled(job, finish(op, deliverRead(op, [result, bytes])))
    if (finishWrite(op, result)) return this.settled(job, true)
    if (!op.all) return this.settled(job, finish(op, op.moved))
    return job.stopped && this.settled(job, finish(op, CANCELED))
  }

  private settled(job: Job, done: true): true {
    this.settle(job, job.op.kind === READ ? Math.max(job.op.result, 0) : job.op.moved)
    return done
  }

  /** What was claimed and not moved is given back, unless others have gone on from there. */
  private settle({ place, at, claimed }: Job, moved: number): void {
    if (claimed > 0 && place.at === at + claimed) place.at = at + moved
  }

  private resultOf(record: Overlapped, status: number, bytes: number): number {
    if (!isError(status)) return bytes
    return status === c.STATUS_END_OF_FILE ? 0 : resultOf(this.records.codeOf(record))
  }
}

/** A copy of what an op writes next. */
function pieceOf(op: IoOp<unknown>, whole: number): Uint8Array {
  const bytes = new Uint8Array(Math.min(whole - op.moved, MOST_BYTES))
  let to = 0
  for (const part of partsOf(op, op.offset + op.moved, op.offset + op.moved + bytes.length)) {
    bytes.set(part, to)
    to += part.length
  }
  return bytes
}
