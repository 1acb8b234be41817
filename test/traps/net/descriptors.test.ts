/**
 * Passing descriptors where other tasks run in between, and where there is no such thing. How it goes in every mode is in
 * test/modes/descriptors.ts.
 */
import test from 'ava'
import {
  checkpoint,
  clock,
  type Nursery,
  nursery,
  type Operation,
  run,
  type Stream,
  scope,
  socketPair,
  UnsupportedError,
  using,
} from 'drupe'
import * as io from 'drupe/lowlevel'
import { SimNetwork, virtual } from 'drupe/testing'
import { thrownBy } from '../../kit.js'

const isWindows = process.platform === 'win32'
/** More traps than a task may have answered in one step. */
const STEP = 300

function* pair(): Operation<readonly [Stream, Stream]> {
  const [a, b] = yield* socketPair()
  return [yield* using(a), yield* using(b)]
}

test('a simulated network passes no descriptors, and says so', (t) => {
  const errors = virtual({ network: new SimNetwork() }, function* () {
    const [a, b] = yield* pair()
    return [
      yield* thrownBy(io.sendDescriptors(a, 'x', [b])),
      yield* thrownBy(io.receiveDescriptors(b, new Uint8Array(1))),
    ] as Error[]
  })
  for (const error of errors) t.true(error instanceof UnsupportedError)
  t.deepEqual(
    errors.map(({ message }) => message),
    ['Cannot send descriptors: the driver cannot', 'Cannot receive descriptors: the driver cannot'],
  )
})

test('a cancel between the receipt and its answer, without any grace, takes no descriptor away', async (t) => {
  if (isWindows) {
    t.log('skipped: there is no such thing on win32')
    return t.pass()
  }
  const [got, end] = await run(function* () {
    const [here, there] = yield* pair()
    const [near, far] = yield* pair()
    let received = 0
    for (let before = 0; before < STEP; before++) {
      yield* io.sendDescriptors(here, 'x', [far])
      const taking = function* (n: Nursery): Operation<void> {
        yield* n.spawn(function* () {
          for (let i = 0; i < before; i++) yield* clock()
          const { descriptors } = yield* io.receiveDescriptors(there, new Uint8Array(9))
          received += descriptors.length
          for (const fd of descriptors) yield* io.close(fd)
        })
        yield* checkpoint()
        yield* n.cancel()
      }
      yield* nursery(taking, { grace: 0 })
      // One that was cancelled before it began has taken nothing.
      if (received > before) continue
      const { descriptors } = yield* io.receiveDescriptors(there, new Uint8Array(9))
      received += descriptors.length
      for (const fd of descriptors) yield* io.close(fd)
    }
    yield* far.close()
    return [received, yield* near.read()] as const
  })
  t.is(got, STEP)
  t.is(end, null)
})

test('a task that always finds something hears of a cancel', async (t) => {
  if (isWindows) {
    t.log('skipped: there is no such thing on win32')
    return t.pass()
  }
  const rounds = await run(function* () {
    const [here, there] = yield* pair()
    let count = 0
    yield* scope(function* (s) {
      for (; count < STEP; count++) {
        if (count === 3) yield* s.cancel()
        yield* io.sendDescriptors(here, 'x', [here])
        const { descriptors } = yield* io.receiveDescriptors(there, new Uint8Array(9))
        for (const fd of descriptors) yield* io.close(fd)
      }
    })
    return count
  })
  t.is(rounds, 3)
})
