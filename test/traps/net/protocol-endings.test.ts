/**
 * How a connection of a protocol ends, from either side, by a cancel or by what a method throws: each time once.
 */
import test from 'ava'
import {
  Cancelled,
  connectProtocol,
  listen,
  moveOn,
  type Operation,
  type Protocol,
  type Stream,
  serveProtocol,
  sleep,
  suppressed,
} from 'drupe'
import { SimNetwork } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrown, thrownBy } from '../../kit.js'
import { firstWrong, pattern } from '../../modes/net-kit.js'

import { beside, broken, dial, Echo, Logged, text } from './protocol-kit.js'

const MEGABYTE = 1024 * 1024

test('eofReceived that returns true keeps it open for writing; end and close say when it is enough', (t) => {
  covers(t, 'uvloop tcp: transport_shutdown')
  const protocol = new Logged({ eofReceived: () => true })
  beside(protocol, function* (stream) {
    yield* stream.end()
    yield* sleep(10)
    t.deepEqual(protocol.log, ['connected', 'end'])
    protocol.transport.write('still ')
    protocol.transport.write('here')
    protocol.transport.end()
    protocol.transport.end()
    t.like(
      thrown(() => protocol.transport.write('x')),
      { name: 'ClosedError', message: 'Cannot write to the transport: it was ended' },
    )
    t.is(text(yield* stream.readAll()), 'still here')
    t.false(protocol.transport.closing)
    protocol.transport.close()
    t.true(protocol.transport.closing)
    yield* sleep(10)
    t.deepEqual(protocol.log, ['connected', 'end', ['closed', null]])
  })
})

test('close lets everything leave first, also to a slow peer, and takes nothing more', (t) => {
  const protocol = new Logged({
    dataReceived() {
      if (protocol.transport.closing) throw new Error('told of bytes after close')
      protocol.transport.write(pattern(2 * MEGABYTE))
      protocol.transport.close()
    },
  })
  const { errors } = beside(protocol, function* (stream) {
    yield* stream.write('?')
    yield* sleep(50)
    yield* stream.write('more')
    yield* sleep(50)
    const got = yield* stream.readAll()
    t.is(got.length, 2 * MEGABYTE)
    t.is(firstWrong(got), -1)
  })
  t.deepEqual(protocol.log.at(-1), ['closed', null])
  t.deepEqual(errors, [])
})

test('abort drops what has not left, from a callback, from outside, and while both tasks are stuck', (t) => {
  covers(t, 'uvloop tcp: tcp_handle_abort_in_connection_made')
  const callback = new Logged({
    dataReceived() {
      callback.transport.write('never')
      callback.transport.abort()
      callback.transport.abort()
    },
  })
  const inside = beside(callback, function* (stream) {
    yield* stream.write('?')
    t.is((yield* moveOn(1000, stream.readAll(), null))?.length, 0)
  })
  t.deepEqual(callback.log, ['connected', '?', ['closed', null]])
  const stuck = new Logged()
  const outside = beside(stuck, function* (stream) {
    yield* sleep(10)
    stuck.transport.write(new Uint8Array(20 * MEGABYTE))
    stuck.transport.pauseReading()
    stuck.transport.close()
    yield* sleep(100)
    t.deepEqual(stuck.log, ['connected', 'pause'])
    stuck.transport.abort()
    yield* sleep(10)
    t.deepEqual(stuck.log, ['connected', 'pause', ['closed', null]])
    t.is(stuck.transport.bufferedBytes, 0)
    yield* thrownBy(stream.readExactly(20 * MEGABYTE))
  })
  t.deepEqual([...inside.errors, ...outside.errors], [])
  const early = new Logged({ connected: (transport) => transport.abort() })
  beside(early, function* (stream) {
    yield* stream.readAll()
  })
  t.deepEqual(early.log, ['connected', ['closed', null]])
})

test('after it is over, writing is a ClosedError and everything else does nothing', (t) => {
  covers(t, 'uvloop tcp: transport_get_extra_info')
  const protocol = new Logged()
  beside(protocol, function* (stream) {
    yield* stream.end()
    yield* stream.readAll()
  })
  const { transport } = protocol
  const { log } = protocol
  const before = [...log]
  t.like(
    thrown(() => transport.write('x')),
    { name: 'ClosedError' },
  )
  t.like(
    thrown(() => transport.writev(['x'])),
    { name: 'ClosedError' },
  )
  transport.end()
  transport.close()
  transport.abort()
  transport.pauseReading()
  transport.resumeReading()
  transport.setWriteLimits({ highWaterBytes: 0 })
  t.deepEqual(log, before)
})

for (const where of ['connected', 'dataReceived', 'eofReceived', 'closed'] as const) {
  test(`${where} that throws: the connection is over, closed is called once, and onError has the error`, (t) => {
    covers(t, 'uvloop tcp: tcp_handle_exception_in_connection_made, create_server_buffered_2')
    const boom = Object.assign(new Error('boom'), { code: 'BOOM' })
    const protocol = new Logged({
      [where]: () => {
        throw boom
      },
    })
    const { errors } = beside(protocol, function* (stream) {
      yield* moveOn(100, function* () {
        yield* stream.write('x')
        yield* stream.end()
        yield* broken(stream)
      })
    })
    t.deepEqual(errors, [boom])
    t.deepEqual(
      protocol.log.filter((entry) => Array.isArray(entry)),
      [['closed', where === 'closed' ? null : 'BOOM']],
    )
  })
}

for (const where of ['pauseWriting', 'resumeWriting'] as const) {
  for (const inside of [true, false]) {
    test(`${where} that throws, reached from ${inside ? 'a callback' : 'outside'}, ends it likewise`, (t) => {
      const boom = Object.assign(new Error('boom'), { code: 'BOOM' })
      const big = new Uint8Array(3 * MEGABYTE)
      const protocol: Logged = new Logged({
        dataReceived: () => inside && protocol.transport.write(big),
        [where]: () => {
          throw boom
        },
      })
      const { errors } = beside(protocol, function* (stream) {
        yield* stream.write('x')
        yield* sleep(100)
        if (!inside) protocol.transport.write(big)
        yield* sleep(100)
        yield* moveOn(1000, () => thrownBy(stream.readExactly(4 * MEGABYTE)))
      })
      t.deepEqual(errors, [boom])
      t.deepEqual(protocol.log.at(-1), ['closed', 'BOOM'])
    })
  }
}

test('an error of closed goes beside the one that it was told of', (t) => {
  const [first, second] = [new Error('first'), new Error('second')]
  const protocol = new Logged({
    dataReceived: () => {
      throw first
    },
    closed: () => {
      throw second
    },
  })
  const { errors } = beside(protocol, function* (stream) {
    yield* stream.write('x')
    yield* moveOn(100, stream.readAll())
  })
  t.deepEqual(errors, [first])
  t.deepEqual(suppressed(first), [second])
})

test('a reset by the peer is told to the protocol and to onError', (t) => {
  const protocol = new Logged({ connected: (transport) => transport.write('unread') })
  const { errors } = beside(protocol, function* (stream) {
    yield* sleep(10)
    yield* stream.close()
  })
  t.deepEqual(protocol.log, ['connected', ['closed', 'ECONNRESET']])
  t.is(errors.length, 1)
})

test('a factory that throws, or returns no protocol, costs that connection and no other', (t) => {
  const network = new SimNetwork({ latency: 1 })
  const errors: string[] = []
  const made = [
    () => {
      throw new Error('no')
    },
    () => ({}),
    () => ({ async dataReceived() {} }),
    () => ({ *dataReceived() {} }),
    () => ({ dataReceived() {}, closed: 5 }),
    () => new Echo(),
  ]
  let count = 0
  network.run({
    server: {
      daemon: true,
      *op() {
        const factory = (): Protocol => made[count++]?.() as Protocol
        const onError = (error: unknown): number => errors.push((error as Error).message)
        yield* serveProtocol(yield* listen({ port: 80 }), factory, { onError })
      },
    },
    *client() {
      for (let i = 0; i < 5; i++) yield* broken(yield* dial())
      const stream = yield* dial()
      yield* stream.write('x')
      t.is(text(yield* stream.read()), 'x')
      yield* stream.close()
    },
  })
  t.deepEqual(errors, [
    'no',
    'Cannot serve: protocol must be an object with a method dataReceived(), not an object (Object)',
    'Cannot serve: dataReceived must be a method that returns at once, not the async function dataReceived',
    'Cannot serve: dataReceived must be a method that returns at once, not the function dataReceived',
    'Cannot serve: closed must be a method that returns at once, not 5',
  ])
})

test('cancelling the server closes each connection once, whatever it is at', (t) => {
  const network = new SimNetwork({ latency: 1 })
  const protocols: Logged[] = []
  network.run({
    *server() {
      const factory = (): Logged => {
        const protocol = new Logged()
        protocols.push(protocol)
        return protocol
      }
      const listener = yield* listen({ port: 80 })
      t.is(yield* moveOn(100, serveProtocol(listener, factory)), undefined)
    },
    *client() {
      const streams: Stream[] = []
      for (let i = 0; i < 4; i++) streams.push(yield* dial())
      yield* sleep(20)
      protocols[1]?.transport.write(new Uint8Array(5 * MEGABYTE))
      protocols[2]?.transport.pauseReading()
      yield* streams[2]?.write('x') as Operation<void>
      protocols[3]?.transport.write(new Uint8Array(5 * MEGABYTE))
      protocols[3]?.transport.close()
      yield* sleep(200)
      for (const stream of streams) yield* stream.close()
    },
  })
  t.is(protocols.length, 4)
  for (const { log } of protocols) {
    t.deepEqual(
      log.filter((entry) => Array.isArray(entry)),
      [['closed', 'DRUPE_CANCELLED']],
    )
  }
})

test('connectProtocol lives as long as its connection, and is cancelled with it', (t) => {
  const network = new SimNetwork({ latency: 1 })
  network.run({
    server: {
      daemon: true,
      *op() {
        yield* serveProtocol(yield* listen({ port: 80 }), () => new Echo())
      },
    },
    *client() {
      const there = { host: 'server', port: 80 }
      const one: Logged = new Logged({
        connected: (transport) => transport.write('ping'),
        dataReceived: () => one.transport.close(),
      })
      yield* connectProtocol(there, one)
      t.deepEqual(one.log, ['connected', 'ping', ['closed', null]])
      let why: unknown
      const two = new Logged({
        closed: (error) => {
          why = error
        },
      })
      t.is(yield* moveOn(50, connectProtocol(there, two), 'late'), 'late')
      t.true(why instanceof Cancelled)
      t.is(two.log.length, 2)
      const three = new Logged()
      yield* moveOn(1, connectProtocol(there, three))
      t.deepEqual(three.log, [])
      const nowhere = { host: 'server', port: 81 }
      t.like(yield* thrownBy(connectProtocol(nowhere, three)), { code: 'ECONNREFUSED' })
      t.deepEqual(three.log, [])
    },
  })
})
