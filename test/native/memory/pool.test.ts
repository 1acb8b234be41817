/** The pool of read buffers, without a system: where addresses come from, and what is kept. */
import test from 'ava'
import { IoOp, READ } from '../../../kernel/protocol/io-op.js'
import { BufferPool } from '../../../native/memory/pool.js'
import { BUFFER_BYTES, KnownMemory, ReadBuffer } from '../../../native/memory/read-buffers.js'

test('the address of what was lent last, and of all its pieces, is known without asking', (t) => {
  let asked = 0
  const known = new KnownMemory(() => {
    asked++
    return 0x10000
  })
  const buffer = new ReadBuffer(known, () => {})
  t.is(asked, 1)
  const shown = buffer.show(10)
  t.is(known.addressOf(shown, buffer), buffer.address)
  t.is(known.addressOf(shown, null), buffer.address)
  t.is(known.addressOf(shown.subarray(3), buffer), buffer.address + 3)
  t.is(buffer.show(10), shown)
  t.is(asked, 1)
  known.addressOf(new Uint8Array(1), buffer)
  t.is(asked, 2)
})

test('a buffer that the pool lets go is not kept by those who knew it', (t) => {
  const pool = new BufferPool(() => 0)
  const ops = Array.from({ length: 100 }, () => new IoOp(READ, 0, null, 0, 10, 0))
  for (const op of ops) pool.lend(op)
  const known = ops.map((op) => pool.fit(op, 10) as ReadBuffer)
  for (const op of ops) op.lender?.release(op)
  t.is(known.filter((buffer) => buffer.whole.length === BUFFER_BYTES).length, 64)
  t.is(known.filter((buffer) => buffer.whole.length === 0 && buffer.shown.length === 0).length, 36)
  for (const op of ops) pool.lend(op)
  t.true(ops.every((op) => op.buffer?.length === BUFFER_BYTES))
})
