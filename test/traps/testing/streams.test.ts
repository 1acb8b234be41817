/**
 * The conformance checks of streams on every kind there is: in memory, in lockstep, over the simulated network, over real TCP.
 */

import test from 'ava'
import { connect, Kernel, listen, nursery, type Operation, type Stream, timeout } from 'drupe'
import {
  assertNoLeaks,
  type ByteStream,
  checkStreams,
  lockstepStreams,
  memoryStreams,
  SimNetwork,
  type StreamPair,
  streamConformance,
  virtual,
} from 'drupe/testing'
import { covers } from '../../covers.js'
import { give, thrown } from '../../kit.js'
import { PATIENCE_MS } from '../../patience.js'

/** Two ends of one connection. */
function* tcp(): Operation<readonly [Stream, Stream]> {
  const listener = yield* listen({ host: '127.0.0.1', port: 0 })
  const pair = yield* nursery(function* (n) {
    const accepting = yield* n.spawn(listener.accept())
    return [yield* connect({ host: '127.0.0.1', port: listener.port }), yield* accepting.join()] as const
  })
  yield* listener.close()
  return pair
}

/** The third: in debug mode, too. Byte by byte that would take a stack a hundred thousand times, for nothing new. */
const inMemory: readonly (readonly [string, () => Operation<StreamPair>, boolean])[] = [
  ['memory streams', () => give(memoryStreams()), true],
  ['memory streams, byte by byte', () => give(memoryStreams({ chunk: 1, capacity: 7 })), false],
  ['lockstep streams', () => give(lockstepStreams()), true],
]

const PEERS = 'trio testing: memory_streams_with_generic_tests, lockstep_streams_with_generic_tests'

for (const [name, pair, debug] of inMemory) {
  for (const check of streamConformance(pair, { plenty: 70_000 })) {
    test(`${name}: ${check.name}`, (t) => {
      covers(t, PEERS)
      for (const seed of [1, 2]) virtual({ seed }, () => check.run())
      if (debug) virtual({ debug: true }, () => check.run())
      t.pass()
    })
  }
}

for (const check of streamConformance(() => give(memoryStreams({ capacity: Number.POSITIVE_INFINITY })), {
  unbounded: true,
})) {
  test(`memory streams without a limit: ${check.name}`, (t) => {
    virtual({}, () => check.run())
    t.pass()
  })
}

for (const style of ['readiness', 'completion'] as const) {
  for (const check of streamConformance(tcp, { plenty: 3 << 20 })) {
    test(`simulated TCP, ${style}: ${check.name}`, (t) => {
      for (const seed of [1, 2]) {
        const network = new SimNetwork({ seed })
        network.host('main', { style, partial: seed === 2 ? 0.3 : 0 })
        virtual({ network, seed }, () => check.run())
      }
      t.pass()
    })
  }
}

const real = streamConformance(tcp)

for (const check of real) {
  test.serial(`TCP, guest: ${check.name}`, async (t) => {
    await using kernel = new Kernel()
    await kernel.run(() => timeout(PATIENCE_MS, check.run()))
    t.notThrows(() => assertNoLeaks(kernel))
  })

  test.serial(`TCP, blocking: ${check.name}`, (t) => {
    const kernel = new Kernel()
    kernel.runSync(() => timeout(PATIENCE_MS, check.run()))
    t.notThrows(() => assertNoLeaks(kernel))
    kernel.closeSync()
  })
}

test('checkStreams names the promise that a stream breaks', (t) => {
  const broken = function* (): Operation<StreamPair> {
    const [a, b] = memoryStreams()
    const deaf: ByteStream = Object.assign(Object.create(b), { read: () => give(new Uint8Array([1])) })
    yield* give(undefined)
    return [a, deaf]
  }
  const error = thrown(() => virtual({}, () => checkStreams(broken))) as Error
  t.regex(
    error.message,
    /^Cannot call it a stream: "a read waits for bytes, and has them as soon as they come" does not hold$/,
  )
  t.regex((error.cause as Error).message, /expected to wait/)
})
