/**
 * The chat room of the examples and of the tutorial: on a simulated network, where everybody is in one process, time takes
 * none, and the network is cut when the test says so.
 */
import test from 'ava'
import { type ByteStream, broadcast, clock, connect, listen, type Operation, sleep, spawn, use } from 'drupe'
import { memoryStreams, SimNetwork, virtual, waitAllBlocked } from 'drupe/testing'
import { chat, converse } from '../../examples/protocols/chat.js'

const CLIENTS = ['ada', 'grace', 'radia']

function* server(): Operation<void> {
  yield* chat(yield* listen({ port: 7000 }))
}

/** Comes in under that name. */
function* enter(stream: ByteStream, name: string): Operation<void> {
  yield* stream.readUntil('? ')
  yield* stream.write(`${name}\n`)
  while ((yield* stream.readLine()) !== `* ${name} is here`) {
    // Who came before.
  }
}

function* rest(stream: ByteStream): Operation<string[]> {
  const lines: string[] = []
  for (let line = yield* stream.readLine(); line !== null; line = yield* stream.readLine()) lines.push(line)
  return lines
}

test('everybody reads what is said, in one order, and hears who comes and goes', (t) => {
  for (let seed = 0; seed < 20; seed++) {
    const network = new SimNetwork({ seed, latency: [10, 30] })
    const client = (name: string) =>
      function* () {
        return yield* use(connect({ host: 'server', port: 7000 }), function* (stream) {
          yield* enter(stream, name)
          // Long enough for all to be there.
          yield* sleep(500)
          yield* stream.write(`hello from ${name}\n`)
          yield* sleep(500)
          yield* stream.end()
          return yield* rest(stream)
        })
      }
    const { ada, grace, radia } = network.run({
      server: { daemon: true, op: server },
      ada: client('ada'),
      grace: client('grace'),
      radia: client('radia'),
    })
    const said = [ada, grace, radia].map((lines) => lines.filter((line) => line.includes(': hello')))
    t.deepEqual(
      said[0]?.toSorted(),
      CLIENTS.map((name) => `${name}: hello from ${name}`),
    )
    t.deepEqual(said[1], said[0])
    t.deepEqual(said[2], said[0])
  }
})

test('a client behind a cut network is shown out after a minute of silence, and the others are told', (t) => {
  const network = new SimNetwork({ seed: 1, latency: 10 })
  const { grace } = network.run({
    server: { daemon: true, op: server },
    ada: {
      daemon: true,
      *op() {
        yield* use(connect({ host: 'server', port: 7000 }), function* (stream) {
          yield* enter(stream, 'ada')
          network.partition(['server'], ['ada'])
          yield* sleep(Number.POSITIVE_INFINITY)
        })
      },
    },
    *grace() {
      return yield* use(connect({ host: 'server', port: 7000 }), function* (stream) {
        yield* sleep(1000)
        yield* enter(stream, 'grace')
        yield* sleep(40_000)
        yield* stream.write('is ada still there?\n')
        yield* stream.readLine()
        return yield* stream.readLine()
      })
    },
  })
  t.is(grace, '* ada has left')
  t.true(network.now > 60_000 && network.now < 70_000, String(network.now))
})

test('who does not read keeps nobody waiting', (t) => {
  virtual({}, function* () {
    const room = broadcast<string>({ capacity: 100, slow: 'dropOldest' })
    const [deaf, deafServer] = memoryStreams({ capacity: 64 })
    const [quick, quickServer] = memoryStreams()
    const tasks = [yield* spawn(() => converse(deafServer, room)), yield* spawn(() => converse(quickServer, room))]
    yield* deaf.write('deaf\n')
    yield* enter(quick, 'quick')
    for (let i = 0; i < 1000; i++) {
      yield* quick.write(`line ${i}\n`)
      let line = yield* quick.readLine()
      while (line !== `quick: line ${i}`) line = yield* quick.readLine()
    }
    yield* waitAllBlocked()
    for (const task of tasks) yield* task.cancel()
    yield* deaf.close()
    yield* quick.close()
    t.pass()
  })
})

test('when the listener is closed, who is in can talk for three seconds, reads a goodbye, and the room ends', (t) => {
  for (let seed = 0; seed < 20; seed++) {
    const network = new SimNetwork({ seed, latency: [10, 30] })
    const { server: ended, grace } = network.run({
      *server() {
        const listener = yield* listen({ port: 7000 })
        const room = yield* spawn(chat(listener))
        yield* sleep(1000)
        yield* listener.close()
        yield* room.join()
        return yield* clock()
      },
      // She is asked for her name, and is no member.
      ada: () => use(connect({ host: 'server', port: 7000 }), rest),
      *grace() {
        return yield* use(connect({ host: 'server', port: 7000 }), function* (stream) {
          yield* enter(stream, 'grace')
          yield* sleep(2000)
          yield* stream.write('so soon?\n')
          return yield* rest(stream)
        })
      },
    })
    t.deepEqual(grace, ['grace: so soon?', '* the room is closed'])
    t.true(ended >= 4000 && ended < 4100, String(ended))
  }
})

test('whoever has left during the drain is not waited for', (t) => {
  const network = new SimNetwork({ seed: 1, latency: 10 })
  network.run({
    *server() {
      const listener = yield* listen({ port: 7000 })
      const room = yield* spawn(chat(listener))
      yield* sleep(1000)
      yield* listener.close()
      yield* room.join()
    },
    *grace() {
      yield* use(connect({ host: 'server', port: 7000 }), function* (stream) {
        yield* enter(stream, 'grace')
        yield* sleep(2000)
      })
    },
  })
  t.true(network.now < 2200, String(network.now))
})
