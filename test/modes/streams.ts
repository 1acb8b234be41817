/**
 * Scenarios of streams and servers, for every mode that has I/O. Each says what must come out of it.
 */
import {
  type BrokenError,
  connect,
  listen,
  moveOn,
  nursery,
  type Operation,
  type SystemError,
  sleep,
  spawn,
  timeout,
} from 'drupe'
import { numberOf } from '../../native/posix/errno.js'
import { fail, thrownBy } from '../kit.js'
import {
  bytes,
  connectTo,
  echo,
  firstWrong,
  listenLocally,
  pattern,
  text,
  wholeBesideCancelled,
  withPair,
  withServer,
} from './net-kit.js'
import type { Scenario } from './scenarios.js'

const nameOf = (error: unknown): string => (error as Error).name
const codeOf = (error: unknown): string => (error as { code: string }).code
const MEGABYTE = 1024 * 1024

export const STREAM_SCENARIOS: readonly Scenario[] = [
  {
    name: 'echo',
    peers: ['curio socket: tcp_echo', 'trio guest_mode: guest_can_do_io'],
    op: () =>
      withServer(echo, function* (listener) {
        const stream = yield* connectTo(listener)
        yield* stream.write(bytes('hello'))
        const got = text(yield* stream.readExactly(5))
        yield* stream.close()
        return got
      }),
    gives: 'hello',
  },
  {
    name: 'fifty clients, each with twenty messages, at once',
    peers: ['curio network: tcp_echo', 'uvloop tcp: create_server_1, create_connection_open_con_addr'],
    op: () =>
      withServer(echo, function* (listener) {
        let right = 0
        yield* nursery(function* (n) {
          for (let client = 0; client < 50; client++) {
            yield* n.spawn(function* () {
              const stream = yield* connectTo(listener)
              for (let i = 0; i < 20; i++) {
                const message = `message ${i} of client ${client}`
                yield* stream.write(bytes(message))
                if (text(yield* stream.readExactly(message.length)) === message) right++
              }
              yield* stream.close()
            })
          }
        })
        return right
      }),
    gives: 1000,
  },
  {
    name: 'half close: one side ends, the other goes on',
    peers: ['uvloop tcp: transport_shutdown'],
    op: () =>
      withPair(function* (client, server) {
        yield* client.write(bytes('question'))
        yield* client.end()
        const question = text(yield* server.readAll())
        yield* server.write(bytes('answer to '))
        yield* server.write(bytes(question))
        yield* server.end()
        return text(yield* client.readAll())
      }),
    gives: 'answer to question',
  },
  {
    name: 'an end is read as null, as often as one asks',
    op: () =>
      withPair(function* (client, server) {
        yield* server.close()
        const got = [yield* client.read(), yield* client.read(), yield* client.readInto(new Uint8Array(5))]
        return [...got, (yield* client.readAll()).length]
      }),
    gives: [null, null, 0, 0],
  },
  {
    name: 'bytes that arrived before the end are read before it',
    op: () =>
      withPair(function* (client, server) {
        yield* server.write(bytes('last words'))
        yield* server.close()
        yield* sleep(5)
        return [text(yield* client.read()), yield* client.read()]
      }),
    gives: ['last words', null],
  },
  {
    name: 'a reset by the peer is ECONNRESET',
    op: () =>
      withPair(function* (client, server) {
        // Closing with unread bytes makes the system answer with a reset.
        yield* client.write(bytes('never read'))
        yield* sleep(5)
        yield* server.close()
        const error = yield* thrownBy(function* () {
          yield* client.read()
          yield* client.read()
        })
        return [nameOf(error), codeOf(error)]
      }),
    gives: ['SystemError', 'ECONNRESET'],
  },
  {
    name: 'writing to a peer that is gone is EPIPE or ECONNRESET',
    op: () =>
      withPair(function* (client, server) {
        yield* server.close()
        const error = yield* thrownBy(function* () {
          for (let i = 0; i < 100; i++) {
            yield* client.write(pattern(10_000))
            yield* sleep(1)
          }
        })
        return ['EPIPE', 'ECONNRESET'].includes(codeOf(error))
      }),
    gives: true,
  },
  {
    name: 'a read that times out leaves the stream whole',
    peers: ['curio socket: recv_timeout'],
    op: () =>
      withPair(function* (client, server) {
        const error = yield* thrownBy(client.read(undefined, { timeout: 5 }))
        yield* server.write(bytes('later'))
        return [nameOf(error), (error as { ms?: number }).ms, text(yield* client.read(undefined, { timeout: 100_000 }))]
      }),
    gives: ['TimeoutError', 5, 'later'],
  },
  {
    name: 'a timeout that was not needed leaves nothing behind',
    op: () =>
      withPair(function* (client, server) {
        yield* server.write(bytes('x'), { timeout: 100_000 })
        return text(yield* client.read(10, { timeout: 100_000 }))
      }),
    gives: 'x',
  },
  {
    name: 'a write to a peer that does not read times out',
    op: () =>
      withPair(function* (client) {
        return nameOf(yield* thrownBy(client.write(new Uint8Array(64 * MEGABYTE), { timeout: 50 })))
      }),
    gives: 'TimeoutError',
  },
  {
    name: 'a write to a peer that does not read can be cancelled',
    op: () =>
      withPair(function* (client) {
        return yield* moveOn(20, client.write(new Uint8Array(64 * MEGABYTE)), 'moved on')
      }),
    gives: 'moved on',
  },
  {
    name: 'cancelled reads lose no byte',
    peers: ['curio socket: recv_cancel'],
    op: () =>
      withPair(function* (client, server) {
        const total = 200_000
        yield* spawn(function* () {
          for (let at = 0; at < total; at += 1000) {
            yield* server.write(pattern(1000, at))
            if (at % 10_000 === 0) yield* sleep(0.3)
          }
          yield* server.end()
        })
        let at = 0
        for (let ms = 0; ; ms = (ms + 0.1) % 0.5) {
          const got = yield* moveOn(ms, client.read(777), undefined)
          if (got === null) break
          if (got === undefined) continue
          if (firstWrong(got, at) >= 0) return `wrong after ${at}`
          at += got.length
        }
        return at
      }),
    gives: 200_000,
  },
  {
    name: 'ten megabytes both ways at once, every byte right',
    peers: ['curio socket: read_write_on_same_socket', 'uvloop tcp: create_server_1'],
    op: () =>
      withServer(echo, function* (listener) {
        const total = 10 * MEGABYTE
        const stream = yield* connectTo(listener)
        yield* spawn(function* () {
          for (let at = 0; at < total; at += MEGABYTE) yield* stream.write(pattern(MEGABYTE, at))
          yield* stream.end()
        })
        let at = 0
        for (let got = yield* stream.read(); got !== null; got = yield* stream.read()) {
          if (firstWrong(got, at) >= 0) return `wrong after ${at}`
          at += got.length
        }
        yield* stream.close()
        return at
      }),
    gives: 10 * MEGABYTE,
  },
  {
    name: 'one reader at a time, one writer at a time',
    op: () =>
      withPair(function* (client, server) {
        const log: string[] = []
        const reader = yield* spawn(client.read())
        const writer = yield* spawn(client.write(new Uint8Array(64 * MEGABYTE)))
        yield* sleep(2)
        log.push(codeOf(yield* thrownBy(client.read())), codeOf(yield* thrownBy(client.write(bytes('x')))))
        yield* server.write(bytes('for the first'))
        log.push(text(yield* reader.join()))
        yield* writer.cancel()
        return log
      }),
    gives: ['DRUPE_BUSY', 'DRUPE_BUSY', 'for the first'],
  },
  {
    name: 'closing a stream wakes those who wait in it with a ClosedError',
    op: () =>
      withPair(function* (client) {
        const reader = yield* spawn(() => thrownBy(client.read()))
        const writer = yield* spawn(() => thrownBy(client.write(new Uint8Array(64 * MEGABYTE))))
        yield* sleep(2)
        yield* client.close()
        return [nameOf(yield* reader.join()), nameOf(yield* writer.join()), client.closed]
      }),
    gives: ['ClosedError', 'ClosedError', true],
  },
  {
    name: 'a closed stream refuses, and can be closed again',
    op: () =>
      withPair(function* (client) {
        yield* client.close()
        yield* client.close()
        const attempts: (() => Operation<unknown>)[] = [
          () => client.read(),
          () => client.readInto(new Uint8Array(1)),
          () => client.readExactly(1),
          () => client.readAll(),
          () => client.write(bytes('x')),
          () => client.end(),
          () => client.localAddress(),
        ]
        const names = new Set<string>()
        for (const attempt of attempts) names.add(nameOf(yield* thrownBy(attempt)))
        return [...names]
      }),
    gives: ['ClosedError'],
  },
  {
    name: 'readExactly on a stream that ends too soon is a BrokenError with what had come',
    peers: ['uvloop tcp: create_connection_3'],
    op: () =>
      withPair(function* (client, server) {
        yield* server.write(bytes('only this'))
        yield* server.close()
        const error = (yield* thrownBy(client.readExactly(100))) as BrokenError
        return [error.name, error.code, text(error.partial ?? null)]
      }),
    gives: ['BrokenError', 'DRUPE_BROKEN', 'only this'],
  },
  {
    name: 'readExactly puts together what comes in pieces',
    op: () =>
      withPair(function* (client, server) {
        yield* spawn(function* () {
          for (const piece of ['a', 'bc', 'def', 'ghij']) {
            yield* server.write(bytes(piece))
            yield* sleep(1)
          }
        })
        return [
          text(yield* client.readExactly(4)),
          text(yield* client.readExactly(6)),
          (yield* client.readExactly(0)).length,
        ]
      }),
    gives: ['abcd', 'efghij', 0],
  },
  {
    name: 'nothing to read into, nothing to write, and operands that are none',
    peers: ['uvloop tcp: create_connection_open_con_addr'],
    op: () =>
      withPair(function* (client, server) {
        const log: unknown[] = [yield* client.readInto(new Uint8Array(0)), yield* client.write(new Uint8Array(0))]
        for (const bad of [
          () => client.write(5 as never),
          () => client.write([1, 2] as never),
          () => client.readInto(null as never),
          () => client.read(0),
          () => client.read(Number.NaN),
          () => client.read(1, { timeout: -1 }),
        ]) {
          log.push(nameOf(yield* thrownBy(bad)))
        }
        // Whatever was refused, the stream is as it was.
        yield* client.write(bytes('fine'))
        log.push(text(yield* server.read()))
        yield* server.write(bytes('fine, too'))
        log.push(text(yield* client.read()))
        return log
      }),
    gives: [
      0,
      undefined,
      'TypeError',
      'TypeError',
      'TypeError',
      'RangeError',
      'RangeError',
      'RangeError',
      'fine',
      'fine, too',
    ],
  },
  {
    name: 'what read returns belongs to the reader',
    op: () =>
      withPair(function* (client, server) {
        const kept: Uint8Array[] = []
        for (const piece of ['first', 'second', 'third']) {
          yield* server.write(bytes(piece))
          kept.push((yield* client.read()) as Uint8Array)
        }
        return kept.map(text)
      }),
    gives: ['first', 'second', 'third'],
  },
  {
    name: 'addresses of both ends',
    op: () =>
      withPair(function* (client, server) {
        const here = yield* client.localAddress()
        const there = yield* server.remoteAddress()
        return [JSON.stringify(here) === JSON.stringify(there), here.family]
      }),
    gives: [true, 'ipv4'],
  },
  {
    name: 'connecting to a port where nobody listens is ECONNREFUSED, with address and port',
    peers: ['uvloop tcp: create_connection_2'],
    *op() {
      const listener = yield* listenLocally()
      yield* listener.close()
      const error = (yield* thrownBy(connectTo(listener))) as SystemError
      return [error.code, error.syscall, error.address, error.port === listener.port, error.errno]
    },
    gives: ['ECONNREFUSED', 'connect', '127.0.0.1', true, numberOf('ECONNREFUSED')],
  },
  {
    name: 'a connect that is cancelled closes its socket once: a connection that may have its number since is whole',
    peers: [
      'uvloop tcp: create_connection_5, create_connection_sock_cancel_detaches, create_connection_sock_cancel_fd_leak',
    ],
    op: () => withServer(echo, (listener) => wholeBesideCancelled(() => connectTo(listener))),
    gives: true,
  },
  {
    name: 'bad ports and addresses are errors at the call',
    *op() {
      const log: string[] = []
      for (const port of [-1, 65536, 1.5, Number.NaN, '80' as never]) {
        log.push(nameOf(yield* thrownBy(() => listen({ host: '127.0.0.1', port }))))
        log.push(nameOf(yield* thrownBy(() => connect({ host: '127.0.0.1', port }))))
      }
      log.push(nameOf(yield* thrownBy(() => listen({ host: 'no such host', port: 0 }))))
      log.push(nameOf(yield* thrownBy(() => connect({ host: '', port: 80 }))))
      return [...new Set(log)]
    },
    gives: ['RangeError', 'TypeError'],
  },
  {
    name: 'a timeout around it all',
    op: () =>
      withServer(echo, function* (listener) {
        const error = yield* thrownBy(
          timeout(20, function* () {
            const stream = yield* connectTo(listener)
            try {
              yield* stream.read()
            } finally {
              yield* stream.write(bytes('goodbye'))
              yield* stream.close()
            }
          }),
        )
        return nameOf(error)
      }),
    gives: 'TimeoutError',
  },
  {
    name: 'a failure in one of many connections cancels the others and closes all',
    op: () =>
      withServer(echo, function* (listener) {
        let closed = 0
        const error = yield* thrownBy(() =>
          nursery(function* (n) {
            for (let i = 0; i < 10; i++) {
              yield* n.spawn(function* () {
                const stream = yield* connectTo(listener)
                try {
                  yield* stream.read()
                } finally {
                  yield* stream.close()
                  closed++
                }
              })
            }
            yield* sleep(5)
            yield* fail('enough')
          }),
        )
        return [error, closed]
      }),
    gives: ['enough', 10],
  },
]
