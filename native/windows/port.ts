/**
 * The completion port: everything that a driver waits for comes out of it, in packets.
 *
 * A packet has the key of the handle that it is about and the address of the OVERLAPPED that its
 * call was given; the port gives a batch of them a call. Any thread of the process can post one of
 * its own, so the number of the port is the wake token. It is a driver's own port, whose packets
 * another thread may take while the driver is the guest of a host (waiter.ts).
 */
import { INFINITE, INVALID_HANDLE } from './constants.js'
import { resultOf } from './errors.js'
import type { Windows } from './kernel32.js'

/** Keys: a handle of the driver's; another thread notifies; the waiter is to end; the first job. */
export const KEY_HANDLE = 1
export const KEY_WAKE = 2
export const KEY_QUIT = 3
export const KEY_FIRST_JOB = 4

/** As many packets as one call takes. */
export const BATCH = 64
/** OVERLAPPED_ENTRY in 32-bit words: key, address (two each), NTSTATUS, one unused, bytes. */
export const PACKET_WORDS = 8

/** Is called for each packet. */
export type TakePacket = (key: number, overlapped: number, status: number, bytes: number) => void

/** The port of one driver. */
export class Port {
  readonly handle: number
  private readonly packets = new Uint32Array(BATCH * PACKET_WORDS)
  private readonly packetsAt: number
  private readonly count = new Uint32Array(1)
  private readonly countAt: number

  /** @throws Error if Windows gives no more handles. */
  constructor(private readonly windows: Windows) {
    this.packetsAt = windows.addressOf(this.packets)
    this.countAt = windows.addressOf(this.count)
    this.handle = windows.createPort(INVALID_HANDLE, 0, 0, 1)
    if (this.handle === 0) throw new Error(`Cannot make a completion port: error ${windows.lastError()}`)
  }

  /** Completions of this handle come here; 0 or negative. */
  associate(handle: number): number {
    const port = this.windows.createPort(handle, this.handle, KEY_HANDLE, 0)
    return port === 0 ? resultOf(this.windows.lastError()) : 0
  }

  post(key: number): void {
    this.windows.postPacket(this.handle, 0, key, 0)
  }

  /**
   * Takes all that is there, and waits so long for the first one; true if there was any. A batch is
   * copied before it is handed on: who gets it may close handles and come here again.
   */
  take(ms: number, sink: TakePacket): boolean {
    let wait = ms
    let any = false
    for (;;) {
      const found = this.windows.takePackets(this.handle, this.packetsAt, BATCH, this.countAt, wait, 0)
      const count = found === 0 ? 0 : (this.count[0] as number)
      hand(this.packets.slice(0, count * PACKET_WORDS), sink)
      any ||= count > 0
      if (count < BATCH) return any
      wait = 0
    }
  }

  close(): void {
    this.windows.closeHandle(this.handle)
  }
}

/** Hands packets on, in their order. */
export function hand(packets: Uint32Array, sink: TakePacket): void {
  for (let at = 0; at < packets.length; at += PACKET_WORDS) {
    const key = (packets[at] as number) + (packets[at + 1] as number) * 2 ** 32
    const overlapped = (packets[at + 2] as number) + (packets[at + 3] as number) * 2 ** 32
    sink(key, overlapped, packets[at + 4] as number, packets[at + 6] as number)
  }
}

/** So long a wait ends at its time, in whole milliseconds. */
export function waitMs(ms: number): number {
  return ms >= INFINITE ? INFINITE : Math.max(0, Math.ceil(ms))
}
