/**
 * One direction of a connection: a stream of bytes, cut into packets, put together again in order.
 *
 * The sender may have a window's worth of bytes under way or unread at the other side. The receiver
 * acknowledges over the network what was read, and more is sent. A sender whose window and buffer
 * are full waits: this is where back-pressure comes from.
 */
import { Fifo } from '../protocol/fifo.js'
import { ByteQueue } from './bytes.js'
import { DATA, type Path } from './path.js'

/** The payload of an Ethernet frame; inside a host packets are larger. */
const PACKET_BYTES = 1460
const LOCAL_PACKET_BYTES = 64 * 1024

/** What happens at the two ends. */
export interface FlowEnds {
  /** The receiver has something new: bytes, or the end. */
  arrived(): void
  /** The sender has room again. */
  drained(): void
  /** The receiver's socket is gone: it tells the sender. */
  refused(): void
  /** Nothing came through for too long. */
  gaveUp(): void
  /** Is the receiver's host up? */
  hears(): boolean
}

interface Packet {
  readonly bytes: Uint8Array | null
  here: boolean
}

export class Flow {
  /** Bytes that have arrived and were not read. */
  readonly received = new ByteQueue()
  /** The end has arrived. */
  ended = false
  /** Nothing will ever be read: what arrives is refused. */
  abandoned = false
  /** The writer has ended the stream. */
  finished = false
  /** Nothing moves any more. */
  dead = false
  private readonly unsent = new ByteQueue()
  private readonly underway = new Fifo<Packet>()
  private endSent = false
  /** How many bytes may be sent before the receiver reads. */
  private credit: number

  constructor(
    private readonly there: Path,
    private readonly back: Path,
    private readonly local: boolean,
    private readonly ends: FlowEnds,
    window: number,
    private readonly bufferBytes: number,
  ) {
    this.credit = window
  }

  /** How many bytes the sender's buffer takes now. */
  get room(): number {
    return Math.max(0, this.bufferBytes - this.unsent.length)
  }

  /** Takes a copy of the bytes, for which there must be room, and sends them. */
  write(bytes: Uint8Array): void {
    this.unsent.push(bytes.slice())
    this.pump()
  }

  /** After what was written comes the end. */
  finish(): void {
    this.finished = true
    this.pump()
  }

  /** The receiver reads. */
  readInto(target: Uint8Array): number {
    const count = this.received.takeInto(target)
    if (count > 0 && !this.dead) {
      const isWanted = (): boolean => !this.dead
      this.back.deliver(
        0,
        DATA,
        isWanted,
        () => this.grant(count),
        () => {},
      )
    }
    return count
  }

  /** The connection is gone; what has arrived can still be read. */
  kill(): void {
    this.dead = true
    this.unsent.clear()
    this.underway.clear()
  }

  private grant(bytes: number): void {
    if (this.dead) return
    this.credit += bytes
    const full = this.room === 0
    this.pump()
    if (full && this.room > 0) this.ends.drained()
  }

  private pump(): void {
    while (this.unsent.length > 0 && this.credit > 0 && !this.dead) {
      const most = this.local ? LOCAL_PACKET_BYTES : PACKET_BYTES
      const bytes = this.unsent.take(Math.min(most, this.credit))
      this.credit -= bytes.length
      this.send(bytes)
    }
    if (this.finished && !this.endSent && this.unsent.length === 0 && !this.dead) {
      this.endSent = true
      this.send(null)
    }
  }

  private send(bytes: Uint8Array | null): void {
    const packet: Packet = { bytes, here: false }
    this.underway.add(packet)
    const isWanted = (): boolean => !this.dead
    const arrive = (): boolean => this.arrive(packet)
    this.there.deliver(bytes?.length ?? 0, DATA, isWanted, arrive, () => this.ends.gaveUp())
  }

  /** False if the host is down. */
  private arrive(packet: Packet): boolean {
    if (this.dead) return true
    if (!this.ends.hears()) return false
    if (this.abandoned) {
      if (packet.bytes !== null) this.ends.refused()
      return true
    }
    packet.here = true
    let news = false
    // A packet that came early waits for those before it.
    while (this.underway.first?.here) {
      const { bytes } = this.underway.take()
      if (bytes === null) this.ended = true
      else this.received.push(bytes)
      news = true
    }
    if (news) this.ends.arrived()
    return true
  }
}
