/**
 * The way from one host to another: how long a packet takes, and whether it arrives.
 *
 * Packets queue for the bandwidth, travel for the latency, and may get lost. A connection sends
 * them again, with pauses that double, as TCP does: so loss and short partitions show as delays,
 * and long partitions as ETIMEDOUT.
 */
import { checkOptions, checkShare, checkTime, wrong } from '../protocol/operands.js'
import type { Timeline } from './timeline.js'

/** What the network between two hosts is like. */
export interface Conditions {
  /** Milliseconds one way: a number, or a range from which each packet draws. Default 0. */
  readonly latency?: number | readonly [least: number, most: number]
  /** Bytes per second, each way for itself. Default Infinity. */
  readonly bandwidth?: number
  /**
   * The share of packets that get lost, from 0 to 1. TCP sends them again, 200 ms later and more.
   * Default 0.
   */
  readonly loss?: number
  /**
   * The share of datagrams that others may overtake: they take up to three times as long. Default
   * 0.
   */
  readonly reorder?: number
  /** The share of datagrams that arrive twice. Default 0. */
  readonly duplicate?: number
}

/** What is said about the way between two hosts. */
export function checkConditions(action: string, conditions: Conditions): void {
  checkOptions(action, 'options', conditions)
  const { latency, bandwidth, ...shares } = conditions
  if (Array.isArray(latency)) for (const end of latency) checkTime(action, 'latency', end)
  else if (latency !== undefined) checkTime(action, 'latency', latency as number)
  if (bandwidth !== undefined && !(typeof bandwidth === 'number' && bandwidth > 0)) {
    throw wrong(action, 'bandwidth', 'a number of bytes per second, more than 0', bandwidth, 'number')
  }
  for (const name of ['loss', 'reorder', 'duplicate'] as const) {
    if (shares[name] !== undefined) checkShare(action, name, shares[name])
  }
}

/** How often and how long something is sent again, in milliseconds. */
export interface Patience {
  readonly first: number
  readonly total: number
}

/** Data on an established connection: what Linux does with its default of 15 retries. */
export const DATA: Patience = { first: 200, total: 924_600 }
/** The first packet of a connection: six retries from one second on. */
export const REQUEST: Patience = { first: 1000, total: 127_000 }

const LONGEST_PAUSE_MS = 120_000
/** The headers of a packet count for the bandwidth, too. */
const HEADER_BYTES = 40

/** One direction between two hosts. */
export class Path {
  /** Nothing comes through. */
  cut = false
  private busyUntil = 0

  constructor(
    private readonly timeline: Timeline,
    private readonly random: () => number,
    public conditions: Conditions,
    /** Is told of each packet when it has arrived, or would have. */
    private readonly told: ((sent: number, lost: boolean) => void) | null,
  ) {}

  /** Sends one packet, which arrives or not. */
  send(bytes: number, arrive: () => void, lost: () => void = () => {}): void {
    const { bandwidth = Number.POSITIVE_INFINITY, latency = 0, loss = 0 } = this.conditions
    const duration = bandwidth === Number.POSITIVE_INFINITY ? 0 : ((bytes + HEADER_BYTES) * 1000) / bandwidth
    this.busyUntil = Math.max(this.timeline.now, this.busyUntil) + duration
    const travel = typeof latency === 'number' ? latency : latency[0] + this.random() * (latency[1] - latency[0])
    const gone = loss > 0 && this.random() < loss
    const sent = this.timeline.now
    this.timeline.at(this.busyUntil + travel, () => {
      // A cut that came while it was on its way stops it, too.
      const isLost = gone || this.cut
      this.told?.(sent, isLost)
      if (isLost) lost()
      else arrive()
    })
  }

  /** Sends a datagram: it arrives once, twice, late, or not at all. */
  cast(bytes: number, arrive: () => void): void {
    const { duplicate = 0, reorder = 0, latency = 0 } = this.conditions
    const usual = typeof latency === 'number' ? latency : latency[1]
    const copies = duplicate > 0 && this.random() < duplicate ? 2 : 1
    for (let i = 0; i < copies; i++) {
      const detour = reorder > 0 && this.random() < reorder ? this.random() * 2 * (usual + 1) : 0
      this.send(bytes, detour === 0 ? arrive : () => this.timeline.after(detour, arrive))
    }
  }

  /**
   * Sends a packet until it has arrived: until `arrive` returns something else than false. `wanted`
   * says whether the sender still needs that; `gaveUp` is called after the last retry.
   */
  deliver(
    bytes: number,
    patience: Patience,
    wanted: () => boolean,
    arrive: () => boolean | void,
    gaveUp: () => void,
  ): void {
    const start = this.timeline.now
    const attempt = (pause: number): void => {
      const again = (): void => {
        if (this.timeline.now - start + pause > patience.total) {
          if (wanted()) gaveUp()
          return
        }
        this.timeline.after(pause, () => {
          if (wanted()) attempt(Math.min(pause * 2, LONGEST_PAUSE_MS))
        })
      }
      this.send(bytes, () => void (arrive() === false && again()), again)
    }
    attempt(patience.first)
  }
}
