/**
 * Scenarios of what people do with whole streams, for every mode that has I/O: strings, sequences, pipes, and the questions that are
 * still asked when a connection is gone.
 */
import {
  BufferedWriter,
  connectProtocol,
  each,
  moveOn,
  type Operation,
  pipe,
  type Stream,
  serveProtocol,
  sleep,
  spawn,
  type Transport,
  udp,
} from 'drupe'
import { close, openFile, writeAll } from 'drupe/lowlevel'
import { thrownBy } from '../kit.js'
import { connectTo, firstWrong, listenLocally, pattern, text, withPair } from './net-kit.js'
import type { Scenario } from './scenarios.js'

const nameOf = (error: unknown): string => (error as Error).name
const codeOf = (error: unknown): string => (error as { code: string }).code
const MEGABYTE = 1024 * 1024

/** Two connections, and a pipe to put between them: what is written at one end is read at the other. */
function withChain<T>(body: (near: Stream, from: Stream, to: Stream, far: Stream) => Operation<T>): Operation<T> {
  return withPair((near, from) => withPair((to, far) => body(near, from, to, far)))
}

/** Breaks a connection from the side of `server`, which has unread bytes, and waits until `client` knows. */
function* reset(client: Stream, server: Stream): Operation<void> {
  yield* client.write('never read')
  yield* sleep(5)
  yield* server.close()
  yield* thrownBy(function* () {
    for (;;) if ((yield* client.read()) === null) yield* client.write('x')
  })
}

export const PASSING_SCENARIOS: readonly Scenario[] = [
  {
    name: 'strings: streams, writers, datagrams and files take them as UTF-8',
    op: () =>
      withPair(function* (client, server) {
        yield* client.write('ä')
        yield* client.write(['b', Uint8Array.of(99), '€'])
        const some = yield* client.writeSome('🍑')
        const out = new BufferedWriter(client)
        yield* out.write('é')
        yield* out.write(['x', 'ß'])
        const { bufferedBytes } = out
        yield* out.flush()
        yield* client.end()
        const all = text(yield* server.readAll())
        const socket = yield* udp({ host: '127.0.0.1' })
        yield* socket.send('dätagram', socket.address)
        const datagram = text((yield* socket.receive()).bytes)
        yield* socket.close()
        const fd = yield* openFile(process.platform === 'win32' ? 'NUL' : '/dev/null', 'w')
        const written = yield* writeAll(fd, ['€', 'a'])
        yield* close(fd)
        return [all, some, bufferedBytes, datagram, written]
      }),
    gives: ['äbc€🍑éxß', 4, 5, 'dätagram', 4],
  },
  {
    name: 'each over lines, and over the chunks behind them',
    op: () =>
      withPair(function* (client, server) {
        yield* client.write('one\ntwo\n\nbody')
        yield* client.end()
        const head: string[] = []
        const last = yield* each(server.lines({ maxBytes: 10 }), function* (line) {
          if (line === '') return 'empty'
          head.push(line)
        })
        let body = 0
        yield* each(server.chunks({ maxBytes: 3 }), function* (chunk) {
          if (chunk.length <= 3) body += chunk.length
        })
        return [...head, last, body]
      }),
    gives: ['one', 'two', 'empty', 4],
  },
  {
    name: 'pipe: megabytes go through whole, counted, and the end with them',
    op: () =>
      withChain(function* (near, from, to, far) {
        const sent = 5 * MEGABYTE + 17
        yield* spawn(function* () {
          yield* near.write(pattern(sent))
          yield* near.end()
        })
        let last = 0
        let steps = 0
        const onProgress = (bytes: number): void => {
          if (bytes > last) steps++
          last = bytes
        }
        const piping = yield* spawn(pipe(from, to, { end: true, onProgress }))
        const got = yield* far.readAll()
        return [got.length === sent, firstWrong(got), (yield* piping.join()) === sent, last === sent, steps > 1]
      }),
    gives: [true, -1, true, true, true],
  },
  {
    name: 'pipe: a cancel in the middle loses nothing: what was not written is the next that the source gives',
    op: () =>
      withChain(function* (near, from, to, far) {
        const sent = 6 * MEGABYTE
        yield* spawn(function* () {
          yield* near.write(pattern(sent))
          yield* near.end()
        })
        let through = 0
        const onProgress = (bytes: number): void => {
          through = bytes
        }
        // The other side does not read: it gets stuck with a piece in its hands.
        const stuck = yield* moveOn(200, pipe(from, to, { onProgress }))
        const rest = yield* spawn(pipe(from, to, { end: true }))
        const got = yield* far.readAll()
        return [stuck, through + (yield* rest.join()) === sent, got.length === sent, firstWrong(got)]
      }),
    gives: [undefined, true, true, -1],
  },
  {
    name: 'pipe: a target that breaks leaves the rest in the source',
    op: () =>
      withChain(function* (near, from, to, far) {
        yield* reset(to, far)
        yield* near.write('precious')
        const error = yield* thrownBy(pipe(from, to))
        return [['EPIPE', 'ECONNRESET'].includes(codeOf(error)), text(yield* from.readExactly(8))]
      }),
    gives: [true, 'precious'],
  },
  {
    name: 'pipe: a source that is closed under a stuck pipe is a ClosedError, and nobody else’s bytes go out',
    op: () =>
      withChain(function* (near, from, to, far) {
        yield* spawn(thrownBy(near.write(pattern(20 * MEGABYTE))), { daemon: true })
        const piping = yield* spawn(() => thrownBy(pipe(from, to)))
        yield* sleep(100)
        yield* from.close()
        let got = 0
        let wrong = false
        const reading = each(far.chunks(), function* (chunk) {
          wrong ||= firstWrong(chunk, got) >= 0
          got += chunk.length
        })
        // The piece in its hands is whole in the socket, or the rest of it is nobody's any more.
        const reader = yield* spawn(reading)
        const error = yield* piping.join()
        yield* reader.cancel()
        return [nameOf(error), wrong]
      }),
    gives: ['ClosedError', false],
  },
  {
    name: 'protocols: megabytes echoed to a peer that writes all of it before it reads',
    peers: ['uvloop tcp: create_server_buffered_1'],
    *op() {
      const listener = yield* listenLocally()
      let closed = 0
      const server = yield* spawn(
        serveProtocol(listener, () => {
          let transport: Transport
          return {
            connected: (it) => {
              transport = it
            },
            dataReceived: (bytes) => transport.write(bytes),
            closed: (error) => {
              if (error === null) closed++
            },
          }
        }),
      )
      const sent = 8 * MEGABYTE + 3
      const stream = yield* connectTo(listener)
      yield* stream.write(pattern(sent))
      yield* stream.end()
      const got = yield* stream.readAll()
      yield* stream.close()
      while (closed === 0) yield* sleep(1)
      yield* server.cancel()
      return [got.length === sent, firstWrong(got), closed]
    },
    gives: [true, -1, 1],
  },
  {
    name: 'protocols: both ends, many small messages, and an abort in the middle of a large one',
    *op() {
      const listener = yield* listenLocally()
      const log: unknown[] = []
      const server = yield* spawn(
        serveProtocol(listener, () => {
          let transport: Transport
          return {
            connected: (it) => {
              transport = it
            },
            dataReceived: (bytes) => transport.write(bytes),
          }
        }),
      )
      let rounds = 0
      let transport: Transport
      yield* connectProtocol(
        { host: '127.0.0.1', port: listener.port },
        {
          connected: (it) => {
            transport = it
            transport.write('0')
          },
          dataReceived: (bytes) => {
            log.push(text(bytes) === String(rounds))
            if (++rounds === 300) {
              transport.pauseReading()
              transport.write(pattern(40 * MEGABYTE))
              transport.abort()
            } else {
              transport.write(String(rounds))
            }
          },
          closed: (error) => log.push(error),
        },
      )
      yield* server.cancel()
      return [rounds, log.slice(0, -1).every((right) => right === true), log.at(-1)]
    },
    gives: [300, true, null],
  },
  {
    name: 'addresses that were asked for are known after a reset and after a close',
    peers: ['uvloop tcp: transport_get_extra_info'],
    op: () =>
      withPair(function* (client, server) {
        const before = [yield* client.localAddress(), yield* client.remoteAddress()]
        yield* reset(client, server)
        const broken = [yield* client.localAddress(), yield* client.remoteAddress()]
        yield* client.close()
        const closed = [yield* client.localAddress(), yield* client.remoteAddress()]
        return [JSON.stringify(before) === JSON.stringify(broken), JSON.stringify(before) === JSON.stringify(closed)]
      }),
    gives: [true, true],
  },
  {
    name: 'an address that was not asked for in time: ENOTCONN after a reset, ClosedError after a close',
    op: () =>
      withPair(function* (client, server) {
        yield* reset(client, server)
        const after = [codeOf(yield* thrownBy(() => client.remoteAddress())), (yield* client.localAddress()).family]
        yield* client.close()
        return [...after, codeOf(yield* thrownBy(() => client.remoteAddress())), (yield* client.localAddress()).family]
      }),
    gives: ['ENOTCONN', 'ipv4', 'DRUPE_CLOSED', 'ipv4'],
  },
  {
    name: 'end and close after a reset are silent, as often as one likes; end after close is a ClosedError',
    op: () =>
      withPair(function* (client, server) {
        yield* reset(client, server)
        yield* client.end()
        yield* client.end()
        yield* client.close()
        yield* client.close()
        return nameOf(yield* thrownBy(() => client.end()))
      }),
    gives: 'ClosedError',
  },
  {
    name: 'end while a task writes is a BusyError, and the write goes on',
    op: () =>
      withPair(function* (client, server) {
        const sent = 20 * MEGABYTE
        const writing = yield* spawn(client.write(pattern(sent)))
        yield* sleep(20)
        const error = yield* thrownBy(() => client.end())
        const got = yield* server.readExactly(sent)
        yield* writing.join()
        yield* client.end()
        return [nameOf(error), firstWrong(got), yield* server.read()]
      }),
    gives: ['BusyError', -1, null],
  },
]
