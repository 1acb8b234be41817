/**
 * The simulated network: time on the wire, what goes wrong on it, and several kernels on one clock.
 */

import test from 'ava'
import { clock, connect, DeadlockError, Kernel, listen, sleep, suppressed, timeout } from 'drupe'
import { SimNetwork, virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { fail, thrown, thrownBy } from '../../kit.js'
import { ask, bytes, codeOf, connected, echo, serving, text } from './net-kit.js'

test('a connection takes a round trip, and so does an answer', (t) => {
  covers(t, 'trio fakenet: basic_tcp')
  const network = new SimNetwork({ latency: 20 })
  const { client } = network.run({
    server: serving(echo),
    client: connected(function* (stream) {
      const times = [yield* clock()]
      t.is(yield* ask(stream, 'hello'), 'hello')
      times.push(yield* clock())
      return times
    }),
  })
  t.deepEqual(client, [40, 80])
})

test('each packet between hosts is told when it arrives, or is lost', (t) => {
  const told: string[] = []
  const network: SimNetwork = new SimNetwork({
    latency: 20,
    onPacket: (from, to, sent, lost) => void told.push(`${from} ${to} ${sent}-${network.now}${lost ? ' lost' : ''}`),
  })
  network.run({
    server: serving(echo),
    client: connected(function* (stream) {
      t.is(yield* ask(stream, 'hello'), 'hello')
      network.partition(['client'], ['server'])
      yield* stream.write('into the void')
      yield* sleep(30)
      network.heal()
    }),
  })
  t.deepEqual(told.slice(0, 3), ['client server 0-20', 'server client 20-40', 'client server 40-60'], 'the handshake')
  t.deepEqual([...new Set(told.filter((line) => line.endsWith('lost')))], ['client server 80-100 lost'])
})

test('instruments see the tasks of every kernel', (t) => {
  const names: string[] = []
  new SimNetwork().run({ *one() {}, *other() {} }, { instruments: [{ exit: (task) => void names.push(task.name) }] })
  t.deepEqual(names.sort(), ['one', 'other'])
})

test('inside of a host there are no packets', (t) => {
  const network = new SimNetwork({ onPacket: () => t.fail() })
  virtual({ network }, function* () {
    const listener = yield* listen({ host: '127.0.0.1', port: 80 })
    const stream = yield* connect({ host: '127.0.0.1', port: 80 })
    yield* stream.close()
    yield* listener.close()
  })
  t.pass()
})

test('bandwidth is shared by all that goes the same way', (t) => {
  const network = new SimNetwork({ bandwidth: 1_000_000 })
  const { client } = network.run({
    server: serving(function* (stream) {
      yield* stream.write(new Uint8Array(1_000_000))
    }),
    client: connected(function* (stream) {
      const start = yield* clock()
      yield* stream.readAll()
      return (yield* clock()) - start
    }),
  })
  // A megabyte, and headers of 40 bytes for each 1460.
  t.true(client > 1000 && client < 1040, `${client} ms`)
})

test('loss shows as delay, and every byte arrives in order', (t) => {
  const network = new SimNetwork({ seed: 3, latency: 5, loss: 0.2 })
  const content = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 31) >> 3)
  const { client } = network.run({
    server: serving(function* (stream) {
      yield* stream.write(content)
    }),
    client: connected((stream) => stream.readAll()),
  })
  t.deepEqual(client, content)
  t.true(network.now > 200)
})

test('a partition stops everything; when it heals, what was sent arrives', (t) => {
  const network = new SimNetwork({ latency: 1 })
  const { client } = network.run({
    server: serving(echo),
    client: connected(function* (stream) {
      t.is(yield* ask(stream, 'before'), 'before')
      network.partition(['client'], ['server'])
      yield* stream.write(bytes('after'))
      const error = yield* thrownBy(stream.read(5, { timeout: 5000 }))
      network.heal()
      return [codeOf(error), text(yield* stream.readExactly(5))]
    }),
  })
  t.deepEqual(client, ['DRUPE_TIMEOUT', 'after'])
})

test('a connection across a lasting partition ends with ETIMEDOUT, after a quarter of an hour', (t) => {
  const network = new SimNetwork({ latency: 1 })
  const { client } = network.run({
    server: serving(echo),
    client: connected(function* (stream) {
      network.partition(['client'], ['server'])
      yield* stream.write(bytes('x'))
      return codeOf(yield* thrownBy(stream.read()))
    }),
  })
  t.is(client, 'ETIMEDOUT')
  t.true(network.now > 800_000 && network.now < 1_000_000)
})

test('a network that is cut one way only still carries the other way', (t) => {
  const network = new SimNetwork({ latency: 1 })
  const { client } = network.run({
    server: serving(function* (stream) {
      for (;;) {
        yield* stream.write(bytes('tick'))
        yield* sleep(100)
      }
    }),
    client: connected(function* (stream) {
      yield* stream.readExactly(4)
      network.mute('client', 'server')
      return text(yield* stream.readExactly(8))
    }),
  })
  t.is(client, 'ticktick')
})

test('a reset breaks both ends with ECONNRESET', (t) => {
  const network = new SimNetwork({ latency: 1 })
  const { client, server } = network.run({
    *server() {
      const listener = yield* listen({ port: 80 })
      const stream = yield* listener.accept()
      const error = yield* thrownBy(stream.read())
      yield* stream.close()
      yield* listener.close()
      return codeOf(error)
    },
    client: connected(function* (stream) {
      yield* sleep(10)
      network.reset('client', 'server')
      return codeOf(yield* thrownBy(stream.read()))
    }),
  })
  t.deepEqual([client, server], ['ECONNRESET', 'ECONNRESET'])
})

test('a peer that crashed leaves a half-open connection, and refuses it once it is back', (t) => {
  const network = new SimNetwork({ latency: 1 })
  const { client } = network.run({
    server: serving(echo),
    *client() {
      const stream = yield* connect({ host: 'server', port: 80 })
      yield* ask(stream, 'hello')
      network.crash('server')
      const log = [codeOf(yield* thrownBy(stream.read(1, { timeout: 60_000 })))]
      yield* stream.write(bytes('still there?'))
      log.push(codeOf(yield* thrownBy(stream.read(1, { timeout: 5000 }))))
      network.restart('server', serving(echo).op)
      log.push(codeOf(yield* thrownBy(stream.read(1, { timeout: 60_000 }))))
      yield* stream.close()
      const again = yield* connect({ host: 'server', port: 80 })
      log.push(yield* ask(again, 'new'))
      yield* again.close()
      return log
    },
  })
  t.deepEqual(client, ['DRUPE_TIMEOUT', 'DRUPE_TIMEOUT', 'ECONNRESET', 'new'])
})

test('a host that is down is not refused but times out, one that nobody knows is unreachable, and so is a name', (t) => {
  const network = new SimNetwork({ latency: 1 })
  network.host('server')
  network.crash('server')
  const { client } = network.run({
    *client() {
      const down = yield* thrownBy(connect({ host: 'server', port: 80 }))
      const unknown = yield* thrownBy(connect({ host: '192.0.2.1', port: 80 }))
      const nameless = yield* thrownBy(connect({ host: 'nobody', port: 80 }))
      return [codeOf(down), codeOf(unknown), codeOf(nameless)]
    },
  })
  t.deepEqual(client, ['ETIMEDOUT', 'EHOSTUNREACH', 'ENOTFOUND'])
})

test('clocks differ by their skew and their rate, and time passes for all', (t) => {
  const network = new SimNetwork()
  network.host('fast', { skew: 1000, rate: 2 })
  const read = function* () {
    const start = yield* clock()
    yield* sleep(100)
    return [start, yield* clock()]
  }
  const results = network.run({ fast: read, slow: read })
  t.deepEqual(results, { fast: [1000, 1100], slow: [0, 100] })
  t.is(network.now, 100)
})

test('clocks with odd rates never show too little when an alarm goes off', (t) => {
  const network = new SimNetwork()
  for (const [name, rate] of [
    ['a', 1.1],
    ['b', 0.3],
    ['c', 1 / 7],
  ] as const)
    network.host(name, { rate, skew: 0.1 })
  const ticks = function* () {
    for (let i = 0; i < 200; i++) {
      const before = yield* clock()
      yield* sleep(0.7)
      if ((yield* clock()) < before + 0.7) return 'too early'
    }
    return 'fine'
  }
  t.deepEqual(network.run({ a: ticks, b: ticks, c: ticks }), { a: 'fine', b: 'fine', c: 'fine' })
})

test('a host with few descriptors refuses with EMFILE, and a server there goes on', (t) => {
  const network = new SimNetwork({ latency: 1 })
  network.host('server', { descriptors: 5 })
  const { client } = network.run({
    server: serving(echo),
    *client() {
      const first = yield* connect({ host: 'server', port: 80 })
      yield* ask(first, 'a')
      const second = yield* connect({ host: 'server', port: 80 })
      const waiting = yield* thrownBy(timeout(500, ask(second, 'b')))
      yield* first.close()
      const got = text(yield* second.readExactly(1))
      yield* second.close()
      return [codeOf(waiting), got]
    },
  })
  t.deepEqual(client, ['DRUPE_TIMEOUT', 'b'])
})

test('several processes of one host share its ports', (t) => {
  const network = new SimNetwork()
  const host = network.host('main')
  const [a, b] = [new Kernel({ driver: host.driver() }), new Kernel({ driver: host.driver() })]
  const first = a.runSync(() => listen({ host: '127.0.0.1', port: 8080 }))
  const error = thrown(() => b.runSync(() => listen({ host: '127.0.0.1', port: 8080 })))
  t.is(codeOf(error), 'EADDRINUSE')
  a.runSync(() => first.close())
  for (const kernel of [a, b]) kernel.closeSync()
})

test('addresses are compared by what they mean; an open IPv6 listener takes IPv4, too', (t) => {
  covers(t, 'trio fakenet: getpeername')
  const network = new SimNetwork()
  network.host('server', { addresses: ['192.168.0.1', '2001:DB8:0:0::1'] })
  t.deepEqual(network.host('server').addresses, ['192.168.0.1', '2001:db8::1'])
  t.throws(() => network.host('other', { addresses: ['2001:db8::0:1'] }), { message: /it is taken/ })
  t.throws(() => network.host('other', { addresses: ['300.1.1.1'] }), { message: /it is none/ })
  const seen: unknown[] = []
  const { client } = network.run({
    server: serving(function* (stream) {
      seen.push(yield* stream.remoteAddress())
      yield* stream.write(bytes('x'))
    }),
    *client() {
      const peers = []
      for (const host of ['192.168.0.1', '2001:db8:0::1']) {
        const stream = yield* connect({ host, port: 80 })
        peers.push(yield* stream.remoteAddress())
        yield* stream.readAll()
        yield* stream.close()
      }
      return peers
    },
  })
  t.like(client, [
    { family: 'ipv4', host: '192.168.0.1' },
    { family: 'ipv6', host: '2001:db8::1' },
  ])
  const [four, six] = network.host('client').addresses
  t.like(seen, [
    { family: 'ipv6', host: `::ffff:${four}` },
    { family: 'ipv6', host: six },
  ])
})

test('kernels on one network are guests of the host, too, and promises go on in between', async (t) => {
  const network = new SimNetwork({ latency: 10 })
  const server = new Kernel({ driver: network.host('server').driver() })
  const client = new Kernel({ driver: network.host('client').driver() })
  const serves = server.run(serving(echo).op)
  serves.catch(() => {})
  const got = await client.run(connected((stream) => ask(stream, 'across')))
  t.is(got, 'across')
  t.is(network.now, 40)
  await client.close()
  await server.close()
  await t.throwsAsync(serves)
})

test('the first failure ends the run; the others are cancelled, and clean up', (t) => {
  const log: string[] = []
  const boom = new Error('boom')
  const error = thrown(() =>
    new SimNetwork().run({
      *a() {
        yield* sleep(5)
        throw boom
      },
      *b() {
        try {
          yield* sleep(1000)
        } finally {
          yield* sleep(1)
          log.push('clean')
        }
      },
    }),
  )
  t.is(error, boom)
  t.deepEqual(log, ['clean'])
})

test('failures that come together are all there', (t) => {
  const error = thrown(() =>
    new SimNetwork().run({
      a: () => fail(new Error('x')),
      *b() {
        try {
          yield* sleep(1000)
        } finally {
          yield* fail(new Error('y'))
        }
      },
    }),
  )
  t.deepEqual([error, ...suppressed(error)].map((one) => (one as Error).message).sort(), ['x', 'y'])
})

test('a run in which nothing can happen any more is a deadlock that names tasks and hosts', (t) => {
  const error = thrown(() =>
    new SimNetwork().run({
      *server() {
        yield* (yield* listen({ port: 1 })).accept()
      },
      client: connected((stream) => stream.read(), 1),
    }),
  )
  t.true(error instanceof DeadlockError)
  t.regex((error as Error).message, /client: task 1/)
})

test('a program that leaves a socket open is told so', (t) => {
  const network = new SimNetwork()
  const leave = function* () {
    yield* connect({ host: 'server', port: 80 })
  }
  const error = thrown(() => network.run({ server: serving(echo), client: leave }))
  t.is((error as Error).message, 'Cannot end the simulation: left over on client: 1 sockets')
  const alone = thrown(() => virtual({ network: new SimNetwork() }, () => listen({ port: 1 })))
  t.is((alone as Error).message, 'Cannot end the test: left over: 1 sockets')
})

test('the same seed gives the same run, another seed another one', (t) => {
  const run = (seed: number): string => {
    const network = new SimNetwork({ seed, latency: [1, 50], loss: 0.1 })
    const log: string[] = []
    const client = (name: string) =>
      connected(function* (stream) {
        for (let i = 0; i < 5; i++) log.push(`${yield* clock()} ${yield* ask(stream, `${name}${i}`)}`)
      })
    network.run({ server: serving(echo), a: client('a'), b: client('b') })
    return log.join('\n')
  }
  t.is(run(1), run(1))
  t.not(run(1), run(2))
})
