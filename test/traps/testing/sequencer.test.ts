/**
 * Sequencer: steps of several tasks in one order, whatever the scheduler does.
 */

import test from 'ava'
import { nursery, type Operation, sleep } from 'drupe'
import { Sequencer, virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { codeOf } from '../../kernel/sim/net-kit.js'
import { fail, thrownBy } from '../../kit.js'

test('turns come in the order of their numbers, under every seed', (t) => {
  covers(t, 'trio testing: Sequencer')
  for (let seed = 1; seed <= 20; seed++) {
    const record: string[] = []
    virtual({ seed }, () =>
      nursery(function* (n) {
        const order = new Sequencer()
        const steps = (name: string, turns: readonly number[]) =>
          function* (): Operation<void> {
            for (const turn of turns) {
              yield* order.at(turn, function* () {
                record.push(`${name}${turn}`)
                yield* sleep(turn % 2)
                record.push(`${name}${turn} over`)
              })
            }
          }
        yield* n.spawn(steps('a', [0, 4]))
        yield* n.spawn(steps('b', [1, 2]))
        yield* n.spawn(steps('c', [3]))
        yield* order.at(5)
        record.push('end')
      }),
    )
    const turns = ['a0', 'b1', 'b2', 'c3', 'a4'].flatMap((name) => [name, `${name} over`])
    t.deepEqual(record, [...turns, 'end'])
  }
})

test('a turn is taken once, and has a number', (t) => {
  covers(t, 'trio testing: Sequencer')
  virtual({}, function* () {
    const order = new Sequencer()
    yield* order.at(0)
    t.is(codeOf(yield* thrownBy(order.at(0))), 'DRUPE_KERNEL_STATE')
    for (const turn of [-1, 1.5, Number.NaN]) t.true((yield* thrownBy(() => order.at(turn))) instanceof RangeError)
  })
})

test('a turn whose operation fails is over, and the next one comes', (t) => {
  virtual({}, function* () {
    const order = new Sequencer()
    const boom = new Error('boom')
    t.is(yield* thrownBy(order.at(0, () => fail(boom))), boom)
    t.is(yield* order.at(1, () => sleep(1)), undefined)
  })
})

test('a turn that is cancelled before it came breaks the sequence for all who wait', (t) => {
  covers(t, 'trio testing: Sequencer_cancel')
  virtual({}, () =>
    nursery(function* (n) {
      const order = new Sequencer()
      const errors: string[] = []
      const victim = yield* n.spawn(() => order.at(1))
      for (const turn of [2, 3]) {
        yield* n.spawn(function* () {
          errors.push(codeOf(yield* thrownBy(order.at(turn))))
        })
      }
      yield* sleep(1)
      yield* victim.cancel()
      yield* sleep(1)
      t.deepEqual(errors, ['DRUPE_SEQUENCE_BROKEN', 'DRUPE_SEQUENCE_BROKEN'])
      t.is(codeOf(yield* thrownBy(order.at(4))), 'DRUPE_SEQUENCE_BROKEN')
      // A turn that is over before is not changed by that.
      t.is(victim.state, 'cancelled')
    }),
  )
})
