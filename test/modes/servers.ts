/**
 * Scenarios of listeners, servers and raw descriptors, for every mode that has I/O. Each says what must come out of it.
 */
import {
  connect,
  Event,
  listen,
  moveOn,
  nursery,
  type Operation,
  race,
  readable,
  type SystemError,
  serve,
  sleep,
  spawn,
  writable,
} from 'drupe'
import * as low from 'drupe/lowlevel'
import { fail, thrownBy } from '../kit.js'
import { bytes, connectTo, echo, listenLocally, refusalBy, text, withServer } from './net-kit.js'
import type { Scenario } from './scenarios.js'

/** A number that nobody has opened. One that was just closed may be another thread's by now. */
const NOBODYS = 900_000

const nameOf = (error: unknown): string => (error as Error).name
const codeOf = (error: unknown): string => (error as { code: string }).code
const LOCAL = { host: '127.0.0.1', port: 0 } as const

/** Two connected descriptors. */
function* rawPair(): Operation<readonly [number, number]> {
  const listener = yield* low.socket('tcp4')
  yield* low.bind(listener, LOCAL)
  yield* low.listen(listener)
  const address = yield* low.localAddress(listener)
  const client = yield* low.socket('tcp4')
  const server = yield* nursery(function* (n) {
    const accepting = yield* n.spawn(low.accept(listener))
    yield* low.connect(client, address)
    return yield* accepting.join()
  })
  yield* low.close(listener)
  return [client, server]
}

export const SERVER_SCENARIOS: readonly Scenario[] = [
  {
    name: 'what a handler starts is a part of its connection: its error, and its end',
    *op() {
      const errors: unknown[] = []
      const log: string[] = []
      yield* withServer(
        function* (stream) {
          const word = text(yield* stream.readExactly(4))
          yield* spawn(function* () {
            yield* sleep(2)
            if (word === 'boom') yield* fail('boom')
            yield* stream.write(bytes('late'))
            log.push('written')
          })
        },
        function* (listener) {
          for (const word of ['boom', 'okay']) {
            const stream = yield* connectTo(listener)
            yield* stream.write(bytes(word))
            log.push(text(yield* stream.readAll()))
            yield* stream.close()
          }
        },
        (error) => errors.push(error),
      )
      return [log, errors]
    },
    gives: [['', 'written', 'late'], ['boom']],
  },
  {
    name: 'a handler that throws is reported; its connection is closed and the server goes on',
    *op() {
      const errors: unknown[] = []
      const got = yield* withServer(
        function* (stream) {
          const word = text(yield* stream.readExactly(4))
          if (word === 'boom') yield* fail('boom')
          yield* stream.write(bytes('fine'))
        },
        function* (listener) {
          const got: string[] = []
          for (const word of ['boom', 'okay', 'boom', 'okay']) {
            const stream = yield* connectTo(listener)
            yield* stream.write(bytes(word))
            got.push(text(yield* stream.readAll()))
            yield* stream.close()
          }
          return got
        },
        (error) => errors.push(error),
      )
      return [got, errors]
    },
    gives: [
      ['', 'fine', '', 'fine'],
      ['boom', 'boom'],
    ],
  },
  {
    name: 'a cancelled server cancels its connections, waits for their cleanup and closes its port',
    peers: ['trio open_tcp_listeners: serve_tcp', 'uvloop tcp: create_server_1, create_server_10'],
    *op() {
      const log: string[] = []
      const listener = yield* listenLocally()
      const served = new Event()
      const server = yield* spawn(
        serve(listener, function* (stream) {
          yield* served.set()
          try {
            yield* stream.read()
          } finally {
            yield* sleep(3)
            yield* stream.write(bytes('goodbye'))
            log.push('clean')
          }
        }),
      )
      const stream = yield* connectTo(listener)
      yield* served.wait()
      yield* server.cancel()
      log.push(text(yield* stream.readAll()), yield* refusalBy(listener))
      yield* stream.close()
      // The port is free again.
      yield* (yield* listen({ host: '127.0.0.1', port: listener.port })).close()
      return log
    },
    gives: ['clean', 'goodbye', 'ECONNREFUSED'],
  },
  {
    name: 'a cancelled server lets nobody in while its connections clean up',
    *op() {
      const log: string[] = []
      const listener = yield* listenLocally()
      const served = new Event()
      const server = yield* spawn(
        serve(listener, function* (stream) {
          yield* served.set()
          try {
            yield* stream.read()
          } finally {
            log.push(yield* refusalBy(listener))
          }
        }),
      )
      const stream = yield* connectTo(listener)
      yield* served.wait()
      yield* server.cancel()
      yield* stream.close()
      return log
    },
    gives: ['ECONNREFUSED'],
  },
  {
    name: 'a server whose listener is closed lets its connections finish, then throws a ClosedError',
    *op() {
      const listener = yield* listenLocally()
      const server = yield* spawn(() => thrownBy(serve(listener, echo)))
      const stream = yield* connectTo(listener)
      yield* stream.write(bytes('a'))
      yield* stream.readExactly(1)
      yield* listener.close()
      yield* stream.write(bytes('still served'))
      const got = text(yield* stream.readExactly(12))
      yield* stream.close()
      return [got, nameOf(yield* server.join())]
    },
    gives: ['still served', 'ClosedError'],
  },
  {
    name: 'a port that is taken is EADDRINUSE, with address and port',
    peers: ['trio open_tcp_listeners: open_tcp_listeners_rebind', 'uvloop tcp: create_server_4'],
    *op() {
      const listener = yield* listenLocally()
      const error = (yield* thrownBy(listen({ host: '127.0.0.1', port: listener.port }))) as SystemError
      yield* listener.close()
      return [error.code, error.address, error.port === listener.port]
    },
    gives: ['EADDRINUSE', '127.0.0.1', true],
  },
  {
    name: 'port 0 takes a free one each time, which the listener tells and clients reach',
    peers: ['uvloop tcp: create_server_3'],
    *op() {
      const listeners = [yield* listen(LOCAL), yield* listen(LOCAL)]
      const ports = new Set<number>()
      for (const listener of listeners) {
        const client = yield* connectTo(listener)
        const { address } = listener
        if (address.family === 'ipv4' && address.port === listener.port && listener.port > 0) ports.add(listener.port)
        yield* (yield* listener.accept()).close()
        yield* client.close()
      }
      for (const listener of listeners) yield* listener.close()
      return ports.size
    },
    gives: 2,
  },
  {
    name: 'two listeners that ask for it share a port, and one that does not is EADDRINUSE',
    peers: ['uvloop tcp: create_server_6'],
    lacking: ['win32'],
    *op() {
      const first = yield* listen({ ...LOCAL, reusePort: true })
      const { port } = first
      const second = yield* listen({ ...LOCAL, port, reusePort: true })
      const third = codeOf(yield* thrownBy(listen({ ...LOCAL, port })))
      const client = yield* connectTo(first)
      // The system says which of them has it.
      const server = yield* race([first.accept(), second.accept()])
      yield* server.write(bytes('hello'))
      const got = text(yield* client.readExactly(5))
      for (const one of [client, server, first, second]) yield* one.close()
      return [third, got]
    },
    gives: ['EADDRINUSE', 'hello'],
  },
  {
    name: 'an address that is not ours is EADDRNOTAVAIL',
    *op() {
      return codeOf(yield* thrownBy(listen({ host: '192.0.2.1', port: 0 })))
    },
    gives: 'EADDRNOTAVAIL',
  },
  {
    name: 'closing a listener wakes the task in accept with a ClosedError; a second close does nothing',
    *op() {
      const listener = yield* listenLocally()
      const waiting = yield* spawn(() => thrownBy(listener.accept()))
      yield* sleep(1)
      yield* listener.close()
      yield* listener.close()
      return [nameOf(yield* waiting.join()), nameOf(yield* thrownBy(listener.accept()))]
    },
    gives: ['ClosedError', 'ClosedError'],
  },
  {
    name: 'one task accepts at a time; a cancelled accept can be taken up again',
    peers: ['curio socket: accept_cancel'],
    *op() {
      const listener = yield* listenLocally()
      const first = yield* spawn(listener.accept())
      yield* sleep(1)
      const busy = codeOf(yield* thrownBy(listener.accept()))
      yield* first.cancel()
      const client = yield* connectTo(listener)
      const server = yield* listener.accept()
      yield* server.write(bytes('hello'))
      const got = text(yield* client.readExactly(5))
      for (const one of [client, server, listener]) yield* one.close()
      return [busy, got]
    },
    gives: ['DRUPE_BUSY', 'hello'],
  },
  {
    name: 'accept takes a timeout, which names it and loses nothing',
    peers: ['curio socket: accept_timeout'],
    op: function* () {
      const listener = yield* listenLocally()
      const late = yield* thrownBy(listener.accept({ timeout: 5 }))
      const client = yield* connectTo(listener)
      const server = yield* listener.accept({ timeout: 30_000 })
      yield* client.write(bytes('here'))
      const got = text(yield* server.readExactly(4))
      yield* client.close()
      yield* server.close()
      yield* listener.close()
      return [(late as Error).message, got]
    },
    gives: ['Cannot accept a connection: not done within 5 ms', 'here'],
  },
  {
    name: 'connections that came before anybody accepted are accepted in their order',
    peers: [
      'trio open_tcp_listeners: open_tcp_listeners_basic',
      'trio open_tcp_listeners: open_tcp_listeners_backlog',
      'uvloop tcp: connect_accepted_socket',
    ],
    *op() {
      const listener = yield* listenLocally()
      const clients = []
      for (const name of ['a', 'b', 'c']) {
        const client = yield* connectTo(listener)
        yield* client.write(bytes(name))
        clients.push(client)
      }
      const order: string[] = []
      for (const client of clients) {
        const server = yield* listener.accept()
        order.push(text(yield* server.read()))
        yield* server.close()
        yield* client.close()
      }
      yield* listener.close()
      return order
    },
    gives: ['a', 'b', 'c'],
  },
  {
    name: 'a connect that is not answered times out, and leaves no descriptor',
    *op() {
      // A full backlog: Linux then drops further requests, and the connect waits.
      const listener = yield* listen({ host: '127.0.0.1', port: 0, backlog: 0 })
      const streams = []
      let error: unknown
      for (let i = 0; i < 20 && error === undefined; i++) {
        try {
          streams.push(yield* connect({ host: '127.0.0.1', port: listener.port, timeout: 50 }))
        } catch (caught) {
          error = caught
        }
      }
      for (const stream of streams) yield* stream.close()
      yield* listener.close()
      return nameOf(error)
    },
    gives: 'TimeoutError',
  },
  {
    name: 'localhost is reached by its name',
    peers: [
      'trio open_tcp_listeners: open_tcp_listeners_specific_port_specific_host',
      'curio socket: create_connection',
      'trio open_tcp_stream: open_tcp_stream_real_socket_smoketest',
    ],
    *op() {
      const listener = yield* listen({ host: 'localhost', port: 0 })
      yield* spawn(serve(listener, echo), { daemon: true })
      const stream = yield* connect({ host: 'localhost', port: listener.port })
      yield* stream.write(bytes('by name'))
      const got = text(yield* stream.readExactly(7))
      yield* stream.close()
      return got
    },
    gives: 'by name',
  },
  {
    name: 'raw descriptors: read, write, end, close',
    peers: [
      'uvloop tcp: create_connection_4, create_connection_open_con_sock',
      'uvloop unix: create_unix_connection_4',
    ],
    *op() {
      const [a, b] = yield* rawPair()
      const buffer = new Uint8Array(10)
      const log: unknown[] = [yield* low.write(a, bytes('hello')), yield* low.read(b, buffer)]
      log.push(text(buffer.subarray(0, 5)))
      yield* low.shutdown(a)
      log.push(yield* low.read(b, buffer))
      yield* low.close(a)
      yield* low.close(b)
      log.push(codeOf(yield* thrownBy(low.read(NOBODYS, buffer))), codeOf(yield* thrownBy(low.close(NOBODYS))))
      return log
    },
    gives: [5, 5, 'hello', 0, 'EBADF', 'EBADF'],
  },
  {
    name: 'raw descriptors: pieces are written and read as if they were one buffer',
    peers: ['curio socket: buffer_into'],
    *op() {
      const [a, b] = yield* rawPair()
      const pieces = [new Uint8Array(4), new Uint8Array(7)]
      const log: unknown[] = [yield* low.writeAll(a, [bytes('he'), bytes('adbo'), bytes('dy')])]
      let count = 0
      while (count < 8)
        count += yield* low.read(b, count === 0 ? pieces : (pieces[1] as Uint8Array).subarray(count - 4))
      log.push(count, text(pieces[0] as Uint8Array), text((pieces[1] as Uint8Array).subarray(0, 4)))
      log.push(nameOf(yield* thrownBy(() => low.read(b, [new Uint8Array(1), 'text' as never]))))
      yield* low.close(a)
      log.push(yield* low.read(b, pieces))
      yield* low.close(b)
      return log
    },
    gives: [8, 8, 'head', 'body', 'TypeError', 0],
  },
  {
    name: 'raw descriptors: bad numbers and buffers are errors at the call',
    *op() {
      const log = new Set<string>()
      for (const fd of [-1, 1.5, Number.NaN, '1' as never, 2 ** 31]) {
        log.add(nameOf(yield* thrownBy(() => low.read(fd, new Uint8Array(1)))))
        log.add(nameOf(yield* thrownBy(() => low.write(fd, new Uint8Array(1)))))
        log.add(nameOf(yield* thrownBy(() => low.close(fd))))
      }
      const types = new Set<string>()
      for (const buffer of [5, null, [1], new ArrayBuffer(1)]) {
        types.add(nameOf(yield* thrownBy(() => low.write(0, buffer as never))))
        types.add(nameOf(yield* thrownBy(() => low.read(0, buffer as never))))
      }
      return [[...log], [...types]]
    },
    gives: [['RangeError', 'TypeError'], ['TypeError']],
  },
  {
    name: 'raw descriptors: readable and writable tell without taking',
    *op() {
      const [a, b] = yield* rawPair()
      const log: unknown[] = []
      log.push(nameOf(yield* thrownBy(readable(b, { timeout: 5 }))))
      yield* writable(a)
      yield* low.write(a, bytes('x'))
      yield* readable(b)
      yield* readable(b)
      log.push(yield* low.read(b, new Uint8Array(5)))
      log.push(yield* moveOn(5, readable(b), 'nothing there'))
      yield* low.close(a)
      yield* low.close(b)
      return log
    },
    gives: ['TimeoutError', 1, 'nothing there'],
  },
  {
    name: 'raw descriptors: closing one wakes its reader, and a new one of the same number is not disturbed',
    peers: [
      'uvloop tcp: create_connection_sock_cancel_fd_leak',
      'uvloop unix: create_unix_connection_sock_cancel_fd_leak',
    ],
    *op() {
      const [a, b] = yield* rawPair()
      const reader = yield* spawn(() => thrownBy(low.read(a, new Uint8Array(5))))
      yield* sleep(1)
      yield* low.close(a)
      const [c, d] = yield* rawPair()
      const error = yield* reader.join()
      yield* low.write(c, bytes('y'))
      const got = yield* low.read(d, new Uint8Array(5))
      for (const fd of [b, c, d]) yield* low.close(fd)
      return [nameOf(error), got]
    },
    gives: ['ClosedError', 1],
  },
]
