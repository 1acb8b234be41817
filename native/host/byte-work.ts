/**
 * Work for the host's threads: reads and writes of files at a position (positioned.ts says when).
 *
 * A read can be taken back at any time: its bytes come into memory of its own first. A write
 * cannot, once it has begun: one that is cancelled stops after its piece and says how far it came.
 */
import { CANCELED, type IoOp, isIntact, partsOf } from '../../kernel/driver/contract.js'
import { EFAULT, EIO } from '../posix/errno.js'
import { answer, attempt, errnoOf, fs } from './calls.js'
import type { Outcome, Work } from './off-loop.js'

/** So many bytes at a time. */
export const MOST_BYTES = 1024 * 1024

/**
 * A READ at a position. The bytes come into memory of ours first: the task may be gone when they
 * are there.
 */
export function readWork({ fd, length }: IoOp, position: number): Work {
  const bytes = new Uint8Array(Math.min(length, MOST_BYTES))
  return {
    begin: (done) =>
      fs().read(
        fd,
        bytes,
        0,
        bytes.length,
        position,
        answer(done, (count) => [count, bytes]),
      ),
    now: () =>
      attempt(
        () => fs().readSync(fd, bytes, 0, bytes.length, position),
        (count) => [count, bytes],
      ),
  }
}

/** Gives what was read to its op; the result. */
export function deliverRead(op: IoOp, [result, output]: Outcome): number {
  if (result <= 0) return result
  const bytes = (output as Uint8Array).subarray(0, result)
  if (op.lend) {
    op.buffer = bytes
    return result
  }
  if (!isIntact(op)) return EFAULT
  let at = 0
  for (const part of partsOf(op, op.offset, op.offset + result)) {
    part.set(bytes.subarray(at, at + part.length))
    at += part.length
  }
  return result
}

/**
 * A WRITE at a position: copies of a piece each, for the other thread may still be at one when the
 * op's bytes are no longer the driver's. It is never taken back when it has begun, so the op stays
 * what it was until it ends or is told to stop.
 *
 * @param position negative: at the end.
 * @param fd a descriptor of its own, to be closed afterwards: the op's may be another file's by
 * then.
 */
export function writeWork(op: IoOp, position: number, fd: number, close: (fd: number) => void): Work {
  const { all, offset } = op
  const whole = all ? op.length : Math.min(op.length, MOST_BYTES)
  const at = (from: number): number | null => (position < 0 ? null : position + from)
  /** It may be under way on two threads. */
  let users = 0
  let stopped = false
  const over = (result: number, written: number): Outcome => {
    if (--users === 0) close(fd)
    return [result, written]
  }
  const piece = (from: number): Uint8Array => {
    const bytes = new Uint8Array(Math.min(whole - from, MOST_BYTES))
    let to = 0
    for (const part of partsOf(op, offset + from, offset + from + bytes.length)) {
      bytes.set(part, to)
      to += part.length
    }
    return bytes
  }
  const now = (): Outcome => {
    users++
    let from = 0
    try {
      do {
        if (!isIntact(op)) return over(EFAULT, from)
        const bytes = piece(from)
        const count = fs().writeSync(fd, bytes, 0, bytes.length, at(from))
        if (count === 0) return over(EIO, from)
        from += count
      } while (all && from < whole)
      return over(from, from)
    } catch (error) {
      return over(errnoOf(error), from)
    }
  }
  if (position < 0) return { once: true, now }
  return {
    now,
    abandon: () => close(fd),
    stop() {
      stopped = true
    },
    begin(done) {
      users++
      const go = (from: number): void => {
        if (!isIntact(op)) {
          done(over(EFAULT, from))
          return
        }
        const bytes = piece(from)
        fs().write(fd, bytes, 0, bytes.length, at(from), (error, count) => {
          const written = from + (error === null ? count : 0)
          if (error !== null) done(over(errnoOf(error), written))
          else if (count === 0) done(over(EIO, written))
          else if (!all || written === whole) done(over(written, written))
          else if (stopped) done(over(CANCELED, written))
          else go(written)
        })
      }
      go(0)
    },
  }
}
