/**
 * The two marks of a buffer: above the high one it is too full, and it stays so until it is down at
 * the low one. The gap between them spares both sides a change with every piece.
 */
import { checkLimit, checkOptions } from '../../kernel/protocol/operands.js'
import type { WriteLimits } from './protocol.js'

const HIGH_WATER_BYTES = 64 * 1024

export class Marks {
  private high = HIGH_WATER_BYTES
  private low = HIGH_WATER_BYTES / 4
  private full = false

  /** Sets both. */
  set(limits: WriteLimits): void {
    checkOptions('set the limits', 'limits', limits)
    const { highWaterBytes: high = HIGH_WATER_BYTES, lowWaterBytes } = limits
    checkLimit('set the limits', 'highWaterBytes', high, 0)
    if (lowWaterBytes !== undefined) checkLimit('set the limits', 'lowWaterBytes', lowWaterBytes, 0)
    const low = lowWaterBytes ?? high / 4
    if (low > high) {
      throw new RangeError(`Cannot set the limits: lowWaterBytes must be ${high} at most, not ${low}`)
    }
    this.high = high
    this.low = low
  }

  /** What so many bytes change: true, it is too full now; false, no more; null, nothing. */
  passed(bytes: number): boolean | null {
    if (this.full ? bytes > this.low : bytes <= this.high) return null
    this.full = !this.full
    return this.full
  }
}
