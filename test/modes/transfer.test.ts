/**
 * What was read belongs to its reader, who may do what he likes with it: nobody else's bytes go with it.
 */
import test from 'ava'
import { all, type Operation, type Stream } from 'drupe'
import { MODES } from '../kit.js'
import { bytes, text, withPair } from './net-kit.js'

/** Both ways to take memory away; a host may refuse them. */
function takeAway(chunk: Uint8Array | null): void {
  const { buffer } = chunk as Uint8Array<ArrayBuffer & { transfer?(): unknown }>
  for (const take of [() => structuredClone(buffer, { transfer: [buffer] }), () => buffer.transfer?.()]) {
    try {
      take()
    } catch {
      // It says that it cannot be taken.
    }
  }
}

function* send(to: Stream, from: Stream, content: string): Operation<Uint8Array | null> {
  yield* to.write(bytes(content))
  return yield* from.read()
}

for (const mode of MODES.filter(({ io }) => io)) {
  test(`${mode.name}: to transfer what was read takes nothing from another connection`, async (t) => {
    const texts = await mode.run(() =>
      withPair((a, b) =>
        withPair(function* (c, d) {
          const [first, second] = yield* all([send(a, b, 'first'), send(c, d, 'second')])
          takeAway(first)
          return [text(second), text(yield* send(a, b, 'third'))]
        }),
      ),
    )
    t.deepEqual(texts, ['second', 'third'])
  })

  test(`${mode.name}: to transfer the beginning of what came takes nothing from the rest`, async (t) => {
    for (const length of [3, 30_000, 100_000]) {
      const rest = await mode.run(() =>
        withPair(function* (a, b) {
          yield* all([
            a.write([bytes('begin,'), new Uint8Array(length), bytes('the rest,')]),
            (function* () {
              takeAway(yield* b.readUntil(','))
              takeAway(yield* b.readExactly(length))
            })(),
          ])
          return text(yield* b.readUntil(','))
        }),
      )
      t.is(rest, 'the rest,')
    }
  })
}
