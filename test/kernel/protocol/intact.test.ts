/**
 * Whether the bytes of an operation are still there, asked as often as a server asks: by code that the engine has compiled for
 * buffers of every kind.
 */
import test from 'ava'
import { IoOp, isIntact, WRITE } from '../../../kernel/protocol/io-op.js'

const OFTEN = 1_000_000

type Resizable = ArrayBuffer & { resize(bytes: number): void }
const makeResizable = (bytes: number): Resizable =>
  new (ArrayBuffer as unknown as new (bytes: number, options: object) => Resizable)(bytes, { maxByteLength: bytes })

const opOn = (view: Uint8Array): IoOp => new IoOp(WRITE, 0, view, 0, view.length, Number.POSITIVE_INFINITY)

function opOnPieces(...pieces: Uint8Array[]): IoOp {
  const op = new IoOp(WRITE, 0, null, 0, 0, Number.POSITIVE_INFINITY)
  op.vector = pieces
  op.length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  return op
}

test('what was transferred or made smaller is not intact, however often all kinds of buffers were asked about', (t) => {
  const views = [
    new Uint8Array(1000),
    new Uint8Array(makeResizable(1000)),
    new Uint8Array(new ArrayBuffer(30), 10, 10),
    new Uint8Array(0),
  ]
  const ops = [...views.map(opOn), opOnPieces(...views), opOnPieces(new Uint8Array(10))]
  let intact = 0
  for (let i = 0; i < OFTEN; i++) if (isIntact(ops[i % ops.length] as IoOp)) intact++
  t.is(intact, OFTEN)
  for (let round = 0; round < 3; round++) {
    for (const make of [opOn, (view: Uint8Array) => opOnPieces(new Uint8Array(3), view)]) {
      const view = new Uint8Array(1000)
      const op = make(view)
      t.true(isIntact(op))
      structuredClone(view.buffer, { transfer: [view.buffer] })
      t.false(isIntact(op))
      const buffer = makeResizable(1000)
      const smaller = make(new Uint8Array(buffer, 0, 1000))
      buffer.resize(999)
      t.false(isIntact(smaller))
    }
  }
})
