/**
 * What a server takes, and for how long: limits of `serve`, in a simulated network.
 */
import test from 'ava'
import {
  type ByteStream,
  clock,
  connect,
  listen,
  moveOn,
  type Operation,
  type ServeOptions,
  type Stream,
  serve,
  sleep,
  spawn,
} from 'drupe'
import { SimNetwork } from 'drupe/testing'
import { thrownBy } from '../../kit.js'

const BYTE = new Uint8Array(1)

/** Runs a server with these options, which closes its listener at that time, beside a client; what each returns. */
function beside<T>(
  options: ServeOptions,
  handler: (stream: Stream) => Operation<unknown>,
  client: () => Operation<T>,
  closeAt = 10_000,
): { readonly ended: readonly [error: unknown, at: number]; readonly result: T } {
  const network = new SimNetwork({ latency: 1 })
  const { client: result, server: ended } = network.run({
    *server() {
      const listener = yield* listen({ port: 80 })
      yield* spawn(function* () {
        yield* sleep(closeAt)
        yield* listener.close()
      })
      const error = yield* thrownBy(serve(listener, handler, options))
      return [error, yield* clock()] as const
    },
    client,
  })
  return { ended, result }
}

function* dial(): Operation<Stream> {
  return yield* connect({ host: 'server', port: 80 })
}

/** One byte back for one, until the end. */
function* echo(stream: ByteStream): Operation<void> {
  for (let bytes = yield* stream.read(1); bytes !== null; bytes = yield* stream.read(1)) yield* stream.write(bytes)
}

test('with as many connections as it may have, a server does not accept, and does not refuse', (t) => {
  let most = 0
  let now = 0
  function* counted(stream: Stream): Operation<void> {
    most = Math.max(most, ++now)
    yield* echo(stream)
    now--
  }
  const { result } = beside({ maxConnections: 2 }, counted, function* () {
    const streams = [yield* dial(), yield* dial(), yield* dial()]
    const third = streams[2] as Stream
    yield* third.write(BYTE)
    const early = yield* moveOn(100, third.read(), 'nobody there')
    yield* (streams[0] as Stream).close()
    const late = yield* third.read()
    for (const stream of streams) yield* stream.close()
    return [early, late?.length]
  })
  t.deepEqual(result, ['nobody there', 1])
  t.is(most, 2)
})

test('a server that is full notices that its listener is closed', (t) => {
  const { ended } = beside(
    { maxConnections: 1, drainTimeout: 50 },
    echo,
    function* () {
      const stream = yield* dial()
      yield* stream.readAll()
      yield* stream.close()
    },
    100,
  )
  t.like(ended, [{ code: 'DRUPE_CLOSED' }, 150])
})

test('a place is given back however a connection ends', (t) => {
  const errors: unknown[] = []
  function* fragile(stream: Stream): Operation<void> {
    if ((yield* stream.read()) === null) return
    throw new Error('on purpose')
  }
  const { result } = beside({ maxConnections: 1, onError: (error) => errors.push(error) }, fragile, function* () {
    let served = 0
    for (let i = 0; i < 20; i++) {
      const stream = yield* dial()
      if (i % 2 === 0) yield* stream.write(BYTE)
      yield* stream.end()
      yield* stream.readAll()
      yield* stream.close()
      served++
    }
    return served
  })
  t.is(result, 20)
  t.is(errors.length, 10)
})

test('closed, a server waits for its connections as long as it may, and then cancels them', (t) => {
  const log: string[] = []
  function* slow(stream: Stream): Operation<void> {
    try {
      const ms = (yield* stream.readExactly(1))[0] as number
      yield* sleep(ms)
      log.push(`${ms} is done`)
    } finally {
      yield* sleep(5)
      log.push('cleaned up')
    }
  }
  const client = function* (): Operation<void> {
    const streams = [yield* dial(), yield* dial()]
    for (const [i, stream] of streams.entries()) yield* stream.write(Uint8Array.of(50 + 150 * i))
    for (const stream of streams) yield* stream.readAll()
    for (const stream of streams) yield* stream.close()
  }
  const { ended } = beside({ drainTimeout: 100 }, slow, client, 20)
  t.like(ended, [{ code: 'DRUPE_CLOSED' }, 125])
  t.deepEqual(log.splice(0), ['50 is done', 'cleaned up', 'cleaned up'])
  t.like(beside({}, slow, client, 20).ended, [{ code: 'DRUPE_CLOSED' }, 210])
  t.deepEqual(log.splice(0), ['50 is done', 'cleaned up', '200 is done', 'cleaned up'])
  t.like(beside({ drainTimeout: 0 }, slow, client, 20).ended, [{ code: 'DRUPE_CLOSED' }, 25])
})

test('a connection over which nothing moves is cancelled; one that moves, or whose handler is busy, is not', (t) => {
  const ends: [name: string, at: number][] = []
  const errors: unknown[] = []
  function* handler(stream: Stream): Operation<void> {
    const name = String((yield* stream.readExactly(1))[0])
    try {
      if (name === '3') yield* sleep(1000)
      else if (name === '4') yield* stream.write(new Uint8Array(10 << 20))
      else yield* echo(stream)
    } finally {
      ends.push([name, yield* clock()])
    }
  }
  beside({ idleTimeout: 100, onError: (error) => errors.push(error) }, handler, function* () {
    const streams: Stream[] = []
    for (let i = 1; i <= 4; i++) {
      const stream = yield* dial()
      yield* stream.write(Uint8Array.of(i))
      streams.push(stream)
    }
    for (let i = 0; i < 20; i++) {
      yield* sleep(50)
      yield* (streams[1] as Stream).write(BYTE)
    }
    yield* sleep(500)
    for (const stream of streams) yield* stream.close()
  })
  const at = (name: string): number => ends.find(([one]) => one === name)?.[1] ?? Number.NaN
  t.true(at('1') >= 100 && at('1') <= 140, `idle: ${at('1')}`)
  t.true(at('4') >= 100 && at('4') <= 160, `a peer that does not read: ${at('4')}`)
  t.true(at('2') >= 1000 && at('2') <= 1200, `moves: ${at('2')}`)
  t.true(at('3') >= 1000 && at('3') <= 1010, `busy: ${at('3')}`)
  t.deepEqual(errors, [])
})

test('a server without connections does not look for idle ones', (t) => {
  const network = new SimNetwork()
  const { server } = network.run({
    *server() {
      const listener = yield* listen({ port: 80 })
      yield* moveOn(1_000_000, serve(listener, echo, { idleTimeout: 1 }))
      return yield* clock()
    },
  })
  t.is(server, 1_000_000)
})

test('limits that cannot be are refused at the call', (t) => {
  const network = new SimNetwork()
  network.run({
    *server() {
      const listener = yield* listen({ port: 80 })
      for (const options of [
        { maxConnections: 0 },
        { maxConnections: 1.5 },
        { drainTimeout: -1 },
        { idleTimeout: 0 },
        { idleTimeout: Number.POSITIVE_INFINITY },
      ])
        t.throws(() => serve(listener, echo, options), { instanceOf: RangeError }, JSON.stringify(options))
      yield* listener.close()
    },
  })
})
