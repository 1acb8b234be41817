/**
 * What the result of a system call means for its operation.
 *
 * It is the same whether the call was made here after an event, or by the OS on our behalf: so a
 * driver of readiness and a ring settle their operations with the same few functions. EINTR and
 * EAGAIN do not come this far, since what to do about those is the driver's own.
 */
import type { IoOp } from '../../kernel/driver/contract.js'
import type { BufferPool } from '../memory/pool.js'
import { EIO, EISCONN } from './errno.js'
import type { FdState } from './fds.js'

/** The op is complete. */
export function finish(op: IoOp<unknown>, result: number): true {
  op.result = result
  return true
}

/** A READ has ended: a lent buffer shows what came, or is released. */
export function finishRead(state: FdState, op: IoOp<unknown>, result: number, pool: BufferPool): true {
  if (result <= 0) op.lender?.release(op)
  else if (op.lend) state.lent = pool.fit(op, result)
  return finish(op, result)
}

/** A WRITE has moved so many bytes, or failed. False: the op wants more written. */
export function finishWrite(op: IoOp<unknown>, result: number): boolean {
  if (result < 0) return finish(op, result)
  // Nothing, and no reason why: to try again would be for ever.
  if (result === 0) return finish(op, EIO)
  op.moved += result
  return op.all && op.moved !== op.length ? false : finish(op, op.moved)
}

/**
 * A CONNECT has ended. If it is connected already, an attempt that was cancelled came through in
 * the meantime.
 */
export function finishConnect(op: IoOp<unknown>, result: number): true {
  return finish(op, result === EISCONN ? 0 : result)
}
