/**
 * Clients that find all instances of a pipe taken: each waits for one, at the device of all pipes.
 *
 * It is what WaitNamedPipe does, which would take the thread. The wait says only that there may be
 * one now: another client may be quicker, so whoever waited tries again. It looks from time to
 * time, because nothing tells a client that its server has gone.
 */
import { EAGAIN, EBUSY, ENOENT } from '../posix/errno.js'
import * as c from './constants.js'
import { resultOf } from './errors.js'
import type { Windows } from './kernel32.js'
import type { Overlapped, Records, Sink } from './overlapped.js'
import type { Port } from './port.js'

const DEVICE = '\\\\.\\pipe\\'
/** How long a client waits before it looks whether there is still a server. */
const LOOK_MS = 1000
/** FILE_PIPE_WAIT_FOR_BUFFER: the time, the name's length, whether there is a time, the name. */
const HEAD_BYTES = 14
/** Relative times of the system are negative, in units of 100 ns. */
const UNITS_PER_MS = -10_000

/** The waits of one driver. */
export class PipeWaits implements Sink {
  private readonly waiting = new Set<Overlapped>()
  private device = c.INVALID_HANDLE

  constructor(
    private readonly windows: Windows,
    private readonly records: Records,
    private readonly port: Port,
    private readonly tryAgain: (fd: number) => void,
  ) {}

  completed(record: Overlapped): void {
    if (this.waiting.delete(record)) this.tryAgain(record.extra)
  }

  /** The descriptor is closed, and its number may be another's when the packet comes. */
  forget(fd: number): void {
    for (const record of this.waiting) {
      if (record.extra !== fd) continue
      this.waiting.delete(record)
      this.records.cancel(record)
    }
  }

  stop(): void {
    for (const record of this.waiting) this.records.cancel(record)
  }

  closeDevice(): void {
    if (this.device !== c.INVALID_HANDLE) this.windows.closeHandle(this.device)
  }

  /** EAGAIN: it waits. The name is without what all names begin with. */
  begin(fd: number, name: string): number {
    const { windows } = this
    const device = this.openDevice()
    if (device < 0) return device
    const letters = Uint16Array.from(name, (_, i) => name.charCodeAt(i))
    const request = new Uint8Array(HEAD_BYTES + letters.byteLength)
    const head = new DataView(request.buffer)
    head.setBigInt64(0, BigInt(LOOK_MS * UNITS_PER_MS), true)
    head.setUint32(8, letters.byteLength, true)
    head.setUint8(12, 1)
    request.set(new Uint8Array(letters.buffer), HEAD_BYTES)
    const record = this.records.take(this, 0, null, null, device)
    record.memory = request
    record.extra = fd
    const at = windows.addressOf(request)
    const status =
      windows.askFiles(device, 0, 0, record.at, record.at, c.FSCTL_PIPE_WAIT, at, request.length, 0, 0) >>> 0
    // One that is free by now has its packet, too.
    if (status === 0 || status === c.STATUS_PENDING) {
      this.waiting.add(record)
      return EAGAIN
    }
    this.records.release(record)
    return status === c.STATUS_OBJECT_NAME_NOT_FOUND ? ENOENT : EBUSY
  }

  private openDevice(): number {
    if (this.device !== c.INVALID_HANDLE) return this.device
    const { windows } = this
    const access = c.FILE_READ_ATTRIBUTES
    const device = windows.openFile(DEVICE, access, c.FILE_SHARE_ALL, 0, c.OPEN_EXISTING, c.FILE_FLAG_OVERLAPPED, 0)
    const result = device === c.INVALID_HANDLE ? resultOf(windows.lastError()) : this.port.associate(device)
    if (result >= 0) this.device = device
    else if (device !== c.INVALID_HANDLE) windows.closeHandle(device)
    return result < 0 ? result : device
  }
}
