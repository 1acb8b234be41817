/**
 * Listeners for messages in a simulated network: who gets in, who holds up whom, what bad weather does, and that nothing is left
 * open when it is over (the network looks).
 */
import test from 'ava'
import {
  AuthenticationError,
  allSettled,
  BrokenError,
  ClosedError,
  clock,
  connect,
  connectMessages,
  fixed,
  listen,
  listenMessages,
  type MessageListener,
  type MessageStream,
  map,
  moveOn,
  type Operation,
  retry,
  type Stream,
  SystemError,
  serve,
  sleep,
  spawn,
  startMessages,
  TimeoutError,
  use,
} from 'drupe'
import { SimNetwork } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrownBy } from '../../kit.js'
import { closed, HELLO_BYTES, KEY } from './message-kit.js'

const PLACE = { host: 'server', port: 7 }
const client = <T = unknown>(key = KEY): Operation<MessageStream<T>> => connectMessages<T>({ ...PLACE, key })

/** Runs a body at `client` beside a listener at `server`. */
function beside<T>(
  network: SimNetwork,
  options: Partial<Parameters<typeof listenMessages>[0]>,
  server: (listener: MessageListener) => Operation<unknown>,
  body: () => Operation<T>,
): T {
  const results = network.run({
    server: { daemon: true, op: () => use(listenMessages({ port: PLACE.port, key: KEY, ...options }), server) },
    client: body,
  })
  return results.client
}

/** Sends back what it gets, until the end or for as long as it goes. */
function* echo(messages: MessageStream): Operation<void> {
  try {
    for (let one = yield* messages.receive(); one !== null; one = yield* messages.receive()) yield* messages.send(one)
  } catch (error) {
    if (!(error instanceof SystemError || error instanceof BrokenError)) throw error
  } finally {
    yield* messages.close()
  }
}

function* echoAll(listener: MessageListener): Operation<never> {
  for (;;) {
    const messages = yield* listener.accept()
    yield* spawn(() => echo(messages))
  }
}

function* answered(messages: MessageStream, question: unknown): Operation<unknown> {
  yield* messages.send(question)
  return yield* messages.receive()
}

test('clients that have the key get in, and the others do not', (t) => {
  covers(t, 'curio channel: channel_hello, channel_hello_auth, channel_hello_auth_fail')
  const refused: string[] = []
  const log: unknown[] = []
  beside(
    new SimNetwork({ latency: 5 }),
    { onError: (error) => refused.push((error as Error).message) },
    function* (listener) {
      const messages = yield* listener.accept()
      yield* messages.send('server hello world')
      log.push(yield* messages.receive())
      t.deepEqual(listener.statistics(), { shaking: 0, ready: 0, accepted: 1, refused: 1 })
      yield* messages.close()
    },
    function* () {
      const wrong = yield* thrownBy(client('what is this, a key?'))
      t.true(wrong instanceof AuthenticationError)
      const messages = yield* client()
      log.push(yield* messages.receive())
      yield* messages.send('client hello world')
      t.is(yield* messages.receive(), null)
      yield* messages.close()
    },
  )
  t.deepEqual(log, ['server hello world', 'client hello world'])
  t.deepEqual(refused, ['Cannot shake hands for messages: the client has another key'])
})

test('peers that stall, or speak garbage, hold up nobody', (t) => {
  beside(new SimNetwork({ latency: 1 }), { handshakeTimeout: 5000 }, echoAll, function* () {
    const stalled = yield* map([1, 2, 3], () => connect(PLACE))
    const loud = yield* connect(PLACE)
    yield* loud.write('GET / HTTP/1.1\r\n\r\n')
    const begun = yield* clock()
    const messages = yield* client()
    t.is(yield* answered(messages, 1), 1)
    // There and back again for the connection, the hellos, the proofs, and the message.
    t.true((yield* clock()) - begun <= 10)
    // Their deadline ends them.
    for (const one of stalled) t.is((yield* one.readAll()).length, HELLO_BYTES)
    t.true((yield* clock()) >= 5000)
    yield* closed(messages, loud, ...stalled)
  })
})

test('with as many handshakes as may be, the oldest is given up for the next', (t) => {
  let figures: unknown
  beside(
    new SimNetwork({ latency: 1 }),
    { maxHandshakes: 3 },
    function* (listener) {
      const messages = yield* listener.accept()
      yield* sleep(5)
      figures = listener.statistics()
      yield* echo(messages)
    },
    function* () {
      const stalled: Stream[] = []
      for (let i = 0; i < 10; i++) stalled.push(yield* connect(PLACE))
      yield* sleep(5)
      const messages = yield* client()
      t.is(yield* answered(messages, 1), 1)
      yield* closed(messages, ...stalled)
    },
  )
  t.deepEqual(figures, { shaking: 2, ready: 0, accepted: 1, refused: 8 })
})

test('those that are ready wait for accept, which may be cancelled', (t) => {
  beside(
    new SimNetwork({ latency: 1 }),
    { maxHandshakes: 3 },
    function* (listener) {
      t.true((yield* thrownBy(listener.accept({ timeout: 0.5 }))) instanceof TimeoutError)
      yield* sleep(100)
      t.deepEqual(listener.statistics(), { shaking: 0, ready: 3, accepted: 0, refused: 0 })
      // Cancelled before it has run, and after it was given one.
      for (let i = 0; i < 10; i++) {
        const task = yield* spawn(listener.accept())
        if (i % 2 === 0) yield* sleep(0)
        if (yield* task.cancel()) continue
        yield* echo(yield* task.join())
      }
      yield* echoAll(listener)
    },
    function* () {
      const results = yield* map([1, 2, 3, 4, 5], (n) => use(client(), (messages) => answered(messages, n)))
      t.deepEqual(results, [1, 2, 3, 4, 5])
    },
  )
})

test('a close ends handshakes, and those that nobody has accepted; accept says so', (t) => {
  beside(
    new SimNetwork({ latency: 1 }),
    {},
    function* (listener) {
      yield* sleep(50)
      t.deepEqual(listener.statistics(), { shaking: 1, ready: 1, accepted: 0, refused: 0 })
      yield* listener.close()
      yield* listener.close()
      t.true(listener.closed)
      const error = yield* thrownBy(listener.accept())
      t.true(error instanceof ClosedError)
      t.is((error as Error).message, 'Cannot accept a connection for messages: the listener is closed')
      yield* sleep(1000)
    },
    function* () {
      const stalled = yield* connect(PLACE)
      const messages = yield* client()
      // It ends in order, although nobody has looked at it.
      t.is(yield* messages.receive(), null)
      t.is((yield* stalled.readAll()).length, HELLO_BYTES)
      t.is(((yield* thrownBy(client())) as SystemError).code, 'ECONNREFUSED')
      yield* closed(messages, stalled)
    },
  )
})

test('a task in accept is woken by a close', (t) => {
  beside(
    new SimNetwork(),
    {},
    function* (listener) {
      const waiting = yield* spawn(() => thrownBy(listener.accept()))
      yield* sleep(1)
      yield* listener.close()
      t.true((yield* waiting.join()) instanceof ClosedError)
    },
    () => sleep(10),
  )
})

test('what onError throws ends the listener, and accept tells it', (t) => {
  const boom = new Error('boom')
  beside(
    new SimNetwork({ latency: 1 }),
    {
      onError() {
        throw boom
      },
    },
    function* (listener) {
      t.is(yield* thrownBy(listener.accept()), boom)
    },
    function* () {
      yield* thrownBy(client('what is this, a key?'))
    },
  )
})

test('a client that comes before its server tries again', (t) => {
  const network = new SimNetwork({ latency: 1 })
  const { client: got } = network.run({
    server: {
      daemon: true,
      *op() {
        yield* sleep(1000)
        yield* use(listenMessages({ port: PLACE.port, key: KEY }), echoAll)
      },
    },
    *client() {
      const messages = yield* retry(() => client(), {
        times: Number.POSITIVE_INFINITY,
        backoff: fixed(100),
        while: (error) => error instanceof SystemError && error.code === 'ECONNREFUSED',
      })
      const answer = yield* answered(messages, 'at last')
      yield* messages.close()
      return answer
    },
  })
  t.is(got, 'at last')
})

test('a handler of serve can begin messages, and a signal ends a handshake', (t) => {
  const network = new SimNetwork({ latency: 1 })
  network.run({
    server: {
      daemon: true,
      *op() {
        const errors: unknown[] = []
        yield* serve(
          yield* listen({ port: PLACE.port }),
          function* (stream) {
            yield* echo(yield* startMessages(stream, { side: 'server', key: KEY }))
          },
          { onError: (error) => errors.push(error) },
        )
      },
    },
    mute: {
      daemon: true,
      *op() {
        yield* serve(yield* listen({ port: PLACE.port }), () => sleep(Number.POSITIVE_INFINITY))
      },
    },
    *client() {
      const messages = yield* client()
      t.is(yield* answered(messages, 1), 1)
      yield* messages.close()
      const controller = new AbortController()
      const { signal } = controller
      const connecting = yield* spawn(() =>
        thrownBy(connectMessages({ host: 'mute', port: PLACE.port, key: KEY, signal })),
      )
      yield* sleep(100)
      controller.abort('enough')
      t.is(yield* connecting.join(), 'enough')
    },
  })
})

test('one handshake at a time is enough for one client after the other', (t) => {
  beside(new SimNetwork({ latency: 1 }), { maxHandshakes: 1 }, echoAll, function* () {
    for (const n of [1, 2, 3]) t.is(yield* use(client(), (messages) => answered(messages, n)), n)
  })
})

for (let seed = 1; seed <= 20; seed++) {
  test(`bad weather, seed ${seed}: what arrives is right and in order, and what does not is told`, (t) => {
    const network = new SimNetwork({ seed, latency: [1, 40], loss: 0.05, reorder: 0.1, duplicate: 0.1 })
    const ends: string[] = []
    beside(network, { handshakeTimeout: 60_000 }, echoAll, function* () {
      yield* spawn(function* () {
        for (let i = 0; i < 5; i++) {
          yield* sleep(300)
          if (i === 3) network.reset('client', 'server')
          network.partition(['client'], ['server'])
          yield* sleep(100)
          network.heal()
        }
      })
      const results = yield* allSettled(
        Array.from(
          { length: 5 },
          (_, number) => () =>
            use(client(), function* (messages) {
              yield* spawn(function* () {
                for (let n = 0; n < 50; n++) {
                  // Some are cancelled wherever they are; those count that have begun to leave.
                  yield* moveOn(n % 5 === 0 ? 3 : 100_000, messages.send([number, n, 'x'.repeat(n * 100)]))
                }
                yield* messages.end()
              })
              let last = -1
              for (let got = yield* messages.receive(); got !== null; got = yield* messages.receive()) {
                const [from, n, text] = got as [number, number, string]
                t.is(from, number)
                t.true(n > last)
                t.is(text.length, n * 100)
                last = n
              }
              t.is(messages.statistics().received, messages.statistics().sent)
              return 'whole'
            }),
        ),
      )
      for (const one of results) {
        if (one.status === 'fulfilled') ends.push(one.value)
        else {
          t.true(one.reason instanceof SystemError || one.reason instanceof BrokenError, String(one.reason))
          ends.push('told')
        }
      }
    })
    t.is(ends.length, 5)
  })
}
