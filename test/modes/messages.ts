/**
 * Scenarios of message streams, for every mode that has I/O: over TCP, Unix sockets, a pair of sockets, and to another process.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AuthenticationError,
  all,
  allSettled,
  BrokenError,
  connectMessages,
  fork,
  listenMessages,
  type MessageListener,
  type MessageStream,
  map,
  moveOn,
  type Operation,
  race,
  sleep,
  socketPair,
  spawn,
  startMessages,
  use,
} from 'drupe'
import { thrownBy } from '../kit.js'
import { firstWrong, pattern } from './net-kit.js'
import type { Scenario } from './scenarios.js'

const KEY = 'the key of the tests'
const LOCAL = { host: '127.0.0.1', port: 0, key: KEY }

/** Sends back what it gets. */
function* echo(messages: MessageStream): Operation<void> {
  try {
    for (let one = yield* messages.receive(); one !== null; one = yield* messages.receive()) yield* messages.send(one)
  } finally {
    yield* messages.close()
  }
}

/** One that sends back what it gets, and a client of it. */
function* withEcho<T>(
  listening: Operation<MessageListener>,
  connecting: (listener: MessageListener) => Operation<MessageStream>,
  body: (messages: MessageStream) => Operation<T>,
): Operation<T> {
  return yield* use(listening, function* (listener) {
    yield* spawn(function* () {
      yield* echo(yield* listener.accept())
    })
    return yield* use(connecting(listener), body)
  })
}

/** Two ends over a pair of sockets. */
function* withPair<T>(body: (a: MessageStream, b: MessageStream) => Operation<T>): Operation<T> {
  const [near, far] = yield* socketPair()
  const [a, b] = yield* all([startMessages(near, { key: null }), startMessages(far, { key: null, side: 'server' })])
  try {
    return yield* body(a, b)
  } finally {
    yield* a.close()
    yield* b.close()
  }
}

export const MESSAGE_SCENARIOS: readonly Scenario[] = [
  {
    name: 'messages over TCP: what is sent comes back, and the end is told',
    peers: ['curio channel: channel_hello_auth'],
    op: () =>
      withEcho(
        listenMessages(LOCAL),
        ({ port }) => connectMessages({ ...LOCAL, port }),
        function* (messages) {
          const log: unknown[] = []
          for (const one of ['hello', { list: [1n, new Date(5)] }, undefined]) {
            yield* messages.send(one)
            log.push(yield* messages.receive())
          }
          yield* messages.end()
          log.push(yield* messages.receive())
          return log
        },
      ),
    gives: ['hello', { list: [1n, new Date(5)] }, undefined, null],
  },
  {
    name: 'messages over a Unix socket, which only its owner may open',
    lacking: ['win32'],
    *op() {
      const directory = mkdtempSync(join(tmpdir(), 'drupe-'))
      const path = join(directory, 'socket')
      try {
        return yield* withEcho(
          listenMessages({ path, mode: 0o600, key: KEY }),
          () => connectMessages({ path, key: KEY }),
          function* (messages) {
            yield* messages.sendBytes('over a path')
            const got = (yield* messages.receive()) as Uint8Array
            return [new TextDecoder().decode(got), statSync(path).mode & 0o777]
          },
        )
      } finally {
        rmSync(directory, { recursive: true })
      }
    },
    gives: ['over a path', 0o600],
  },
  {
    name: 'messages with a wrong key: an AuthenticationError on both sides, and the next client gets in',
    peers: ['curio channel: channel_hello_auth_fail'],
    *op() {
      const refused: unknown[] = []
      const onError = (error: unknown): unknown => refused.push(error)
      return yield* use(listenMessages({ ...LOCAL, onError }), function* ({ port }) {
        const wrong = yield* thrownBy(connectMessages({ ...LOCAL, port, key: 'some other key, as long' }))
        const right = yield* connectMessages({ ...LOCAL, port })
        yield* right.close()
        return [wrong, ...refused].map((error) => error instanceof AuthenticationError)
      })
    },
    gives: [true, true],
  },
  {
    name: 'large messages both ways at once over a pair of sockets',
    peers: ['curio channel: connection_large, connection_hello'],
    op: () =>
      withPair(function* (a, b) {
        const bytes = pattern(2_000_000)
        const [, , there, back] = yield* all([
          a.sendBytes(bytes),
          b.send({ bytes }),
          b.receiveBytes(),
          a.receive() as Operation<{ bytes: Uint8Array }>,
        ])
        return [there?.length, firstWrong(there ?? new Uint8Array(1)), back.bytes.length, firstWrong(back.bytes)]
      }),
    gives: [2_000_000, -1, 2_000_000, -1],
  },
  {
    name: 'a large message whose sender and whose receiver are cancelled again and again comes whole',
    peers: ['curio channel: connection_send_cancel, connection_recv_cancel'],
    op: () =>
      withPair(function* (a, b) {
        const sending = yield* spawn(a.sendBytes(pattern(3_000_000)))
        yield* sleep(1)
        yield* sending.cancel()
        const begun = a.statistics().sent
        yield* spawn(function* () {
          yield* sleep(5)
          yield* a.send('next')
        })
        let got: unknown = null
        while (got === null) got = yield* moveOn(0.5, b.receive(), null)
        return [begun, (got as Uint8Array).length, firstWrong(got as Uint8Array), yield* b.receive()]
      }),
    gives: [1, 3_000_000, -1, 'next'],
  },
  {
    name: 'a close tells the peer the end of the messages; a stream that is closed under it does not',
    op: () =>
      withPair(function* (a, b) {
        yield* a.send('last')
        yield* a.close()
        const log: unknown[] = [yield* b.receive(), yield* b.receive()]
        log.push(
          yield* withPair(function* (c, d) {
            yield* c.transport.close()
            return (yield* thrownBy(d.receive())) instanceof BrokenError
          }),
        )
        return log
      }),
    gives: ['last', null, true],
  },
  {
    name: 'many clients at once, each with its own answers',
    *op() {
      return yield* use(listenMessages(LOCAL), function* (listener) {
        yield* spawn(
          function* () {
            for (;;) {
              const messages = yield* listener.accept()
              yield* spawn(() => echo(messages))
            }
          },
          { daemon: true },
        )
        const results = yield* map(
          Array.from({ length: 30 }, (_, n) => n),
          (n) =>
            use(connectMessages({ ...LOCAL, port: listener.port }), function* (messages) {
              for (let i = 0; i < 20; i++) {
                yield* messages.send([n, i])
                const got = yield* messages.receive()
                if (JSON.stringify(got) !== JSON.stringify([n, i])) return got
              }
              return 'right'
            }),
        )
        return new Set(results)
      })
    },
    gives: new Set(['right']),
  },
  {
    name: 'messages between two processes, until one of them is killed',
    *op() {
      const module = new URL('../child/programs/message-client.js', import.meta.url)
      return yield* use(listenMessages<unknown>(LOCAL), function* (listener) {
        const client = yield* spawn(() => allSettled([fork(module, 'count', listener.port, KEY)]))
        const failing = function* (): Operation<never> {
          const [end] = yield* client.join()
          throw end.status === 'rejected' ? end.reason : new Error('it has ended')
        }
        // If the other process does not come up, that is the error.
        const messages = yield* race([listener.accept(), failing])
        const log: unknown[] = []
        for (let i = 0; i < 3; i++) log.push(yield* messages.receive())
        yield* messages.send('die')
        const error = yield* thrownBy(function* () {
          for (;;) if ((yield* messages.receive()) === null) throw new Error('an end')
        })
        const code = (error as { code?: string }).code
        log.push(code === 'DRUPE_BROKEN' || code === 'ECONNRESET')
        yield* messages.close()
        log.push((yield* client.join())[0].status)
        return log
      })
    },
    gives: [{ n: 0 }, { n: 1 }, { n: 2 }, true, 'rejected'],
  },
]
