/**
 * Memory streams beyond what all streams promise: capacity, chunks, lockstep.
 */

import test from 'ava'
import { nursery, type Operation, sleep, spawn } from 'drupe'
import { lockstepStreams, memoryStreams, virtual, waitAllBlocked } from 'drupe/testing'
import { covers } from '../../covers.js'
import { bytes, codeOf, text } from '../../kernel/sim/net-kit.js'
import { thrown, thrownBy } from '../../kit.js'

test('what is written to one end is read at the other, each way', (t) => {
  covers(t, 'trio testing: memory_stream_pair, memory_stream_one_way_pair')
  virtual({}, function* () {
    const [a, b] = memoryStreams()
    yield* a.write(bytes('abc'))
    yield* b.write(bytes('def'))
    t.is(text(yield* b.read()), 'abc')
    t.is(text(yield* a.read()), 'def')
    yield* a.end()
    t.is(yield* b.read(), null)
    yield* b.write(bytes('after'))
    t.is(text(yield* a.read()), 'after')
  })
})

test('a read of at most so many bytes leaves the others', (t) => {
  covers(t, 'trio testing: MemoryReceiveStream')
  virtual({}, function* () {
    const [a, b] = memoryStreams()
    yield* a.write(bytes('abcde'))
    t.is(text(yield* b.read(2)), 'ab')
    t.is(text(yield* b.read(1000)), 'cde')
    const reading = yield* spawn(() => b.read())
    yield* waitAllBlocked()
    t.is(codeOf(yield* thrownBy(b.read())), 'DRUPE_BUSY')
    yield* a.close()
    t.is(yield* reading.join(), null)
  })
})

test('no read returns more than a chunk, whatever is there', (t) => {
  covers(t, 'trio testing: memory_stream_pump')
  virtual({}, function* () {
    const [a, b] = memoryStreams({ chunk: 2 })
    yield* a.write(bytes('abcde'))
    yield* a.close()
    const got = []
    for (let chunk = yield* b.read(); chunk !== null; chunk = yield* b.read()) got.push(text(chunk))
    t.deepEqual(got, ['ab', 'cd', 'e'])
  })
})

test('a writer waits when the capacity is used up, and goes on as it is read', (t) => {
  virtual({}, function* () {
    const [a, b] = memoryStreams({ capacity: 3 })
    const log: string[] = []
    const writer = yield* spawn(function* () {
      yield* a.write(bytes('abcd'))
      log.push('written')
    })
    yield* waitAllBlocked()
    t.deepEqual(log, [])
    t.is(text(yield* b.read(1)), 'a')
    yield* writer.join()
    t.is(text(yield* b.read()), 'bcd')
  })
})

test('in lockstep a write returns when the other side has read all of it', (t) => {
  covers(t, 'trio testing: lockstep_streams_with_generic_tests')
  virtual({}, () =>
    nursery(function* (n) {
      const [a, b] = lockstepStreams()
      const log: string[] = []
      yield* n.spawn(function* (): Operation<void> {
        yield* a.write(bytes('abcd'))
        log.push('written')
        yield* a.close()
      })
      yield* waitAllBlocked()
      log.push(text(yield* b.read(3)))
      yield* waitAllBlocked()
      log.push(text(yield* b.read(3)))
      yield* waitAllBlocked()
      t.deepEqual(log, ['abc', 'd', 'written'])
      t.is(yield* b.read(), null)
    }),
  )
})

test('a lockstep write that is cancelled takes back what nobody has read', (t) => {
  virtual({}, function* () {
    const [a, b] = lockstepStreams()
    t.is(codeOf(yield* thrownBy(a.write(bytes('gone'), { timeout: 5 }))), 'DRUPE_TIMEOUT')
    const reading = yield* spawn(() => b.read())
    yield* a.write(bytes('here'))
    t.is(text(yield* reading.join()), 'here')
  })
})

test('one time limit covers a write that waits several times', (t) => {
  virtual({}, function* () {
    const [a, b] = memoryStreams({ capacity: 1 })
    yield* spawn(
      function* () {
        for (;;) {
          yield* sleep(4)
          yield* b.read(1)
        }
      },
      { daemon: true },
    )
    const error = (yield* thrownBy(a.write(new Uint8Array(100), { timeout: 10 }))) as Error & { ms: number }
    t.is(error.ms, 10)
  })
})

test('sizes that are none are refused', (t) => {
  for (const options of [{ capacity: -1 }, { capacity: Number.NaN }, { chunk: 0 }]) {
    t.true(thrown(() => memoryStreams(options)) instanceof RangeError)
  }
})
