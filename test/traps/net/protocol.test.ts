/**
 * Protocols and transports: what a protocol is told, and in which order what it writes leaves.
 */
import test from 'ava'
import {
  connect,
  connectProtocol,
  listen,
  type Protocol,
  run,
  serveProtocol,
  sleep,
  spawn,
  type Transport,
} from 'drupe'
import { SimNetwork } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrown } from '../../kit.js'
import { firstWrong, pattern } from '../../modes/net-kit.js'

import { beside, dial, Echo, Logged, text } from './protocol-kit.js'

const MEGABYTE = 1024 * 1024

test('a connection is there, has bytes, ends and is over', (t) => {
  const protocol = new Logged({
    dataReceived(bytes) {
      protocol.transport.write(bytes)
    },
  })
  const { errors } = beside(protocol, function* (stream) {
    yield* stream.write('one')
    t.is(text(yield* stream.readExactly(3)), 'one')
    yield* stream.write('two')
    t.is(text(yield* stream.readExactly(3)), 'two')
    yield* stream.end()
    t.is(yield* stream.read(), null)
  })
  t.deepEqual(protocol.log, ['connected', 'one', 'two', 'end', ['closed', null]])
  t.deepEqual(errors, [])
})

test('writes keep their order, whether they are made in a callback, beside it or before it, in pieces or as text', (t) => {
  const protocol = new Logged({
    connected(transport) {
      transport.write('hello ')
      transport.writev(['to ', new TextEncoder().encode('you'), '', ' '])
    },
    dataReceived(bytes) {
      protocol.transport.write('(')
      protocol.transport.writev([bytes.subarray(0, 1), '|', bytes.subarray(1)])
      protocol.transport.write(')')
    },
  })
  beside(protocol, function* (stream) {
    t.is(text(yield* stream.readExactly(13)), 'hello to you ')
    yield* stream.write('abc')
    t.is(text(yield* stream.readExactly(6)), '(a|bc)')
    protocol.transport.write('from outside ')
    protocol.transport.write('twice')
    t.is(text(yield* stream.readExactly(18)), 'from outside twice')
    yield* sleep(10)
    t.is(protocol.transport.bufferedBytes, 0)
  })
})

test('a peer that sends everything before it reads anything gets everything back, and a slow one does not lose a byte', (t) => {
  for (const pause of [0, 30]) {
    const protocol = new Echo()
    const sent = 3 * MEGABYTE + 11
    beside(protocol, function* (stream) {
      yield* stream.write(pattern(sent))
      yield* stream.end()
      yield* sleep(pause)
      const got = yield* stream.readAll()
      t.is(got.length, sent)
      t.is(firstWrong(got), -1)
    })
    t.true(protocol.most > 0)
  }
})

test('a peer that does not read: pauseWriting once above the high mark, resumeWriting once at the low one', (t) => {
  covers(t, 'uvloop tcp: flowcontrol_mixin_set_write_limits')
  const protocol = new Logged({
    connected(transport) {
      transport.setWriteLimits({ highWaterBytes: 1000, lowWaterBytes: 100 })
    },
  })
  beside(protocol, function* (stream) {
    yield* sleep(10)
    const { transport } = protocol
    transport.write(new Uint8Array(MEGABYTE))
    t.deepEqual(protocol.log, ['connected', 'pause'])
    transport.write(new Uint8Array(MEGABYTE))
    yield* sleep(1000)
    t.deepEqual(protocol.log, ['connected', 'pause'])
    t.true(transport.bufferedBytes > 1000)
    yield* stream.readExactly(2 * MEGABYTE)
    yield* sleep(10)
    t.deepEqual(protocol.log, ['connected', 'pause', 'resume'])
    t.is(transport.bufferedBytes, 0)
    transport.write(new Uint8Array(1001))
    transport.setWriteLimits({ highWaterBytes: 2000 })
    yield* sleep(10)
    t.deepEqual(protocol.log, ['connected', 'pause', 'resume', 'pause', 'resume'])
  })
})

test('resumeWriting may write to another connection, whose peer reads it', (t) => {
  covers(t, 'uvloop tcp: resume_writing_write_different_transport')
  const second = new Logged()
  const first = new Logged({ resumeWriting: () => second.transport.write('there is room again') })
  const made: Protocol[] = [second, first]
  const network = new SimNetwork({ latency: 1 })
  network.run({
    server: {
      daemon: true,
      *op() {
        yield* serveProtocol(yield* listen({ port: 80 }), () => made.pop() as Protocol)
      },
    },
    *client() {
      const slow = yield* dial()
      const other = yield* dial()
      yield* sleep(10)
      first.transport.write(new Uint8Array(MEGABYTE))
      yield* sleep(10)
      t.deepEqual(first.log, ['connected', 'pause'])
      yield* slow.readExactly(MEGABYTE)
      t.is(text(yield* other.readExactly(19)), 'there is room again')
      yield* slow.close()
      yield* other.close()
      yield* sleep(10)
    },
  })
  t.deepEqual(first.log, ['connected', 'pause', 'resume', 'end', ['closed', null]])
  t.deepEqual(second.log, ['connected', 'end', ['closed', null]])
})

test('an answer that gets out at once is no reason to pause', (t) => {
  const protocol = new Logged({
    dataReceived() {
      protocol.transport.write(new Uint8Array(100_000))
    },
  })
  beside(protocol, function* (stream) {
    yield* stream.write('?')
    yield* stream.readExactly(100_000)
  })
  t.deepEqual(protocol.log, ['connected', '?', 'end', ['closed', null]])
})

test('with pauseReading and resumeReading a stuck echo holds little, and loses nothing', (t) => {
  let most = 0
  const protocol = new Logged({
    dataReceived(bytes) {
      protocol.log.length = 0
      protocol.transport.write(bytes)
    },
    pauseWriting() {
      protocol.transport.pauseReading()
      most = Math.max(most, protocol.transport.bufferedBytes)
    },
    resumeWriting() {
      protocol.transport.resumeReading()
    },
  })
  const sent = 4 * MEGABYTE
  beside(protocol, function* (stream) {
    yield* spawn(function* () {
      yield* stream.write(pattern(sent))
      yield* stream.end()
    })
    yield* sleep(500)
    const got = yield* stream.readAll()
    t.is(got.length, sent)
    t.is(firstWrong(got), -1)
  })
  t.true(most > 0 && most <= 320 * 1024, String(most))
})

test('while reading is paused nothing comes, no end either; then all of it comes', (t) => {
  covers(t, 'uvloop tcp: transport_get_extra_info')
  const protocol = new Logged()
  beside(protocol, function* (stream) {
    yield* sleep(10)
    protocol.transport.pauseReading()
    yield* stream.write('a')
    yield* sleep(10)
    yield* stream.write('b')
    yield* stream.end()
    yield* sleep(10)
    t.deepEqual(protocol.log, ['connected'])
    protocol.transport.resumeReading()
    protocol.transport.resumeReading()
    yield* sleep(10)
    t.deepEqual(protocol.log, ['connected', 'a', 'b', 'end', ['closed', null]])
  })
})

test('a connection whose reading is paused keeps no buffer of the driver’s', (t) => {
  let lent: Uint8Array | null = null
  const protocol = new Logged({
    dataReceived(bytes) {
      lent ??= bytes
      protocol.transport.pauseReading()
    },
  })
  beside(protocol, function* (stream) {
    yield* stream.write('first')
    yield* sleep(10)
    // Wiped: it is somebody else's.
    t.deepEqual(lent, new Uint8Array(5))
    yield* stream.write('second')
    yield* sleep(10)
    t.deepEqual(protocol.log, ['connected', 'first'])
    protocol.transport.resumeReading()
    yield* sleep(10)
    t.deepEqual(protocol.log, ['connected', 'first', 'second'])
  })
})

test('a hundred thousand small writes at once, in a callback and outside, arrive in order', (t) => {
  covers(t, 'uvloop tcp: many_small_writes')
  const many = 100_000
  const burst = (transport: Transport): void => {
    for (let i = 0; i < many; i++) transport.write(Uint8Array.of(i & 0xff))
  }
  const protocol = new Logged({ dataReceived: () => burst(protocol.transport) })
  beside(protocol, function* (stream) {
    yield* stream.write('?')
    for (const round of ['inside', 'outside']) {
      const got = yield* stream.readExactly(many)
      t.is(
        got.findIndex((byte, i) => byte !== (i & 0xff)),
        -1,
        round,
      )
      if (round === 'inside') burst(protocol.transport)
    }
  })
})

test('host code writes, pauses and closes, too', async (t) => {
  const protocol = new Logged()
  const got = await run(function* () {
    const listener = yield* listen({ host: '127.0.0.1', port: 0 })
    const server = yield* spawn(serveProtocol(listener, () => protocol))
    const stream = yield* connect({ host: '127.0.0.1', port: listener.port })
    while (protocol.log.length === 0) yield* sleep(1)
    setTimeout(() => protocol.transport.write('from '), 5)
    setImmediate(() => protocol.transport.pauseReading())
    setTimeout(() => {
      protocol.transport.write('a timer')
      protocol.transport.close()
    }, 10)
    const got = text(yield* stream.readAll())
    yield* stream.close()
    while (protocol.log.length < 2) yield* sleep(1)
    yield* server.cancel()
    return got
  })
  t.is(got, 'from a timer')
  t.deepEqual(protocol.log, ['connected', ['closed', null]])
})

test('wrong operands are refused at the call, and change nothing', (t) => {
  covers(t, 'uvloop tcp: flowcontrol_mixin_set_write_limits, many_small_writes')
  const protocol = new Logged({
    connected(transport) {
      for (const bad of [5, null, ['a'], new Uint16Array(1)]) {
        t.like(
          thrown(() => transport.write(bad as never)),
          { name: 'TypeError' },
        )
      }
      t.like(
        thrown(() => transport.writev('text' as never)),
        { name: 'TypeError' },
      )
      t.like(
        thrown(() => transport.writev(['a', 5 as never])),
        { name: 'TypeError', message: 'Cannot write: pieces[1] must be a Uint8Array or a string, not 5' },
      )
      t.like(
        thrown(() => transport.setWriteLimits({ highWaterBytes: -1 })),
        { name: 'RangeError' },
      )
      t.like(
        thrown(() => transport.setWriteLimits({ highWaterBytes: 1, lowWaterBytes: 2 })),
        { name: 'RangeError' },
      )
      t.is(transport.bufferedBytes, 0)
      transport.close()
    },
  })
  beside(protocol, function* (stream) {
    t.is((yield* stream.readAll()).length, 0)
  })
  t.like(
    thrown(() => serveProtocol(null as never, () => protocol)),
    { name: 'TypeError' },
  )
  t.like(
    thrown(() => connectProtocol({ host: 'a', port: 1 }, {} as never)),
    { name: 'TypeError' },
  )
})
