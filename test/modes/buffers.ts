/**
 * Scenarios of buffered reading and gathered writing on real sockets: what goes beyond what all streams promise.
 */
import {
  BufferedWriter,
  checkpoint,
  connect,
  corked,
  listen,
  moveOn,
  nursery,
  type Operation,
  type Stream,
  sleep,
  spawn,
  type TooLargeError,
  timeout,
} from 'drupe'
import { thrown, thrownBy } from '../kit.js'
import { bytes, firstWrong, pattern, text, withPair } from './net-kit.js'
import type { Scenario } from './scenarios.js'

const nameOf = (error: unknown): string => (error as Error).name
const codeOf = (error: unknown): string => (error as { code: string }).code
const MEGABYTE = 1024 * 1024

/** So many bytes by `borrow`, as text: each part is looked at before the next is asked for. */
function* borrowed(stream: Stream, count: number): Operation<string> {
  let got = ''
  while (got.length < count) got += text(yield* stream.borrow(count - got.length))
  return got
}

/** Closes the stream when its reader is ready and has not run; what the reader got, and what a next read gives. */
function* closedBetween(
  client: Stream,
  server: Stream,
  read: () => Operation<Uint8Array | null>,
): Operation<readonly string[]> {
  const reader = yield* spawn(read)
  while (reader.state !== 'waiting') yield* checkpoint()
  yield* client.write(bytes('bytes'))
  while (reader.state === 'waiting') yield* checkpoint()
  yield* server.close()
  const got = text(yield* reader.join())
  return [got.slice(0, 1), nameOf(yield* thrownBy(() => server.read()))]
}

export const BUFFER_SCENARIOS: readonly Scenario[] = [
  {
    name: 'a stream that is closed between the end of a read and the turn of its task: the bytes were read',
    op: () => withPair((client, server) => closedBetween(client, server, () => server.read())),
    gives: ['b', 'ClosedError'],
  },
  {
    name: 'a stream that is closed between the end of a borrow and the turn of its task: the bytes were read',
    op: () => withPair((client, server) => closedBetween(client, server, () => server.borrow())),
    gives: ['b', 'ClosedError'],
  },
  {
    name: 'a read of what is held whose buffer is transferred fails, and what is held stays',
    op: () =>
      withPair(function* (_client, server) {
        server.unread(bytes('held'))
        const mine = new Uint8Array(10)
        const reading = server.readInto(mine)
        structuredClone(mine.buffer, { transfer: [mine.buffer] })
        return [nameOf(yield* thrownBy(() => reading)), text(yield* server.read())]
      }),
    gives: ['BufferError', 'held'],
  },
  {
    name: 'a protocol of lines, headers and bodies over one stream',
    op: () =>
      withPair(function* (client, server) {
        yield* client.write([bytes('PUT /x\r\nlength: 5\r\n\r\n'), bytes('12345'), bytes('QUIT\r\n')])
        const log: unknown[] = [yield* server.readLine()]
        for (let line = yield* server.readLine(); line !== '' && line !== null; line = yield* server.readLine())
          log.push(line)
        log.push(text(yield* server.readExactly(5)), yield* server.readLine())
        yield* client.close()
        log.push(yield* server.readLine())
        return log
      }),
    gives: ['PUT /x', 'length: 5', '12345', 'QUIT', null],
  },
  {
    name: 'a time limit on a line is one for the whole line, and a slow one is not lost',
    op: () =>
      withPair(function* (client, server) {
        yield* spawn(function* () {
          for (const letter of 'slowly\n') {
            yield* client.write(bytes(letter))
            yield* sleep(8)
          }
        })
        const error = yield* thrownBy(() => server.readLine(100, { timeout: 20 }))
        return [nameOf(error), yield* server.readLine()]
      }),
    gives: ['TimeoutError', 'slowly'],
  },
  {
    name: 'lines are read whole, however often the reader is cancelled',
    op: () =>
      withPair(function* (client, server) {
        yield* spawn(function* () {
          for (let i = 0; i < 300; i++) {
            yield* client.write(bytes(`line ${i}, `))
            if (i % 20 === 0) yield* sleep(1)
            yield* client.write(bytes('second half\n'))
          }
          yield* client.end()
        })
        let count = 0
        for (let ms = 0; ; ms = (ms + 0.1) % 0.7) {
          const line = yield* moveOn(ms, server.readLine(), undefined)
          if (line === null) return count
          if (line !== undefined && line !== `line ${count++}, second half`) return line
        }
      }),
    gives: 300,
  },
  {
    name: 'a line that is too long says how long it may be',
    op: () =>
      withPair(function* (client, server) {
        yield* client.write(bytes('0123456789\n'))
        const error = (yield* thrownBy(() => server.readLine(10))) as TooLargeError
        return [error.name, error.code, error.maxBytes, error.message, yield* server.readLine(11)]
      }),
    gives: [
      'TooLargeError',
      'DRUPE_TOO_LARGE',
      10,
      'Cannot read until the delimiter: it does not fit into 10 bytes',
      '0123456789',
    ],
  },
  {
    name: 'borrow gives what is held first, and then the next bytes',
    op: () =>
      withPair(function* (client, server) {
        yield* client.write(bytes('a line\nmore'))
        const log: unknown[] = [yield* server.readLine(), yield* borrowed(server, 4)]
        yield* client.write(bytes('next'))
        return [...log, yield* borrowed(server, 4)]
      }),
    gives: ['a line', 'more', 'next'],
  },
  {
    name: 'messages of one size are borrowed right, by two streams in turns',
    op: () =>
      withPair((a, b) =>
        withPair(function* (c, d) {
          const log: string[] = []
          for (const word of ['one', 'two', 'six', 'ten', 'three', 'seven']) {
            yield* a.write(bytes(word))
            yield* c.write(bytes(word.toUpperCase()))
            log.push(yield* borrowed(b, word.length), yield* borrowed(d, word.length))
          }
          return log.join(' ')
        }),
      ),
    gives: 'one ONE two TWO six SIX ten TEN three THREE seven SEVEN',
  },
  {
    name: 'a body of megabytes in pieces, every byte right',
    op: () =>
      withPair(function* (client, server) {
        const sizes = [1, 100_000, 3, 0, MEGABYTE, 70, 5000, 2 * MEGABYTE]
        const total = sizes.reduce((sum, size) => sum + size, 0)
        let at = 0
        const pieces = sizes.map((size) => pattern(size, (at += size) - size))
        yield* spawn(() => client.write(pieces))
        return firstWrong(yield* server.readExactly(total))
      }),
    gives: -1,
  },
  {
    name: 'corked writes arrive together',
    op: () =>
      withPair(function* (client, server) {
        const reading = yield* spawn(() => server.readExactly(11))
        const result = yield* corked(client, function* (out) {
          for (const word of ['all ', 'at ', 'once']) {
            yield* out.write(bytes(word))
            yield* sleep(2)
          }
          return [out.bufferedBytes, reading.ended]
        })
        return [...result, text(yield* reading.join())]
      }),
    gives: [11, false, 'all at once'],
  },
  {
    name: 'a corked body that throws leaves nothing behind on the stream',
    op: () =>
      withPair(function* (client, server) {
        const error = yield* thrownBy(() =>
          corked(client, function* (out) {
            yield* out.write(bytes('half an answer'))
            throw new Error('no more')
          }),
        )
        yield* client.write(bytes('sorry'))
        return [(error as Error).message, text(yield* server.readExactly(5))]
      }),
    gives: ['no more', 'sorry'],
  },
  {
    name: 'a BufferedWriter waits above its high-water mark until it is down to the low one',
    op: () =>
      withPair(function* (client, server) {
        const out = new BufferedWriter(client, { highWaterBytes: 100, lowWaterBytes: 100 })
        yield* out.write(new Uint8Array(100))
        const below = out.bufferedBytes
        yield* out.write(new Uint8Array(1))
        const above = out.bufferedBytes <= 100
        yield* out.write([])
        const large = yield* spawn(() => out.write(new Uint8Array(8 * MEGABYTE)))
        yield* sleep(5)
        const waits = !large.ended
        const reading = yield* spawn(() => server.readExactly(101 + 8 * MEGABYTE))
        yield* large.join()
        const low = out.bufferedBytes <= 100
        yield* out.flush()
        yield* reading.join()
        return [below, above, waits, low, out.bufferedBytes]
      }),
    gives: [100, true, true, true, 0],
  },
  {
    name: 'the error of a connection that broke comes to whoever flushes, and again to the next one',
    op: () =>
      withPair(function* (client, server) {
        const out = new BufferedWriter(client)
        yield* server.close()
        const broken = ['EPIPE', 'ECONNRESET']
        const first = yield* thrownBy(function* () {
          for (let i = 0; i < 100; i++) {
            yield* out.write(bytes('x'))
            yield* out.flush()
            yield* sleep(1)
          }
        })
        yield* out.write(bytes('y'))
        const again = yield* thrownBy(() => out.flush())
        return [broken.includes(codeOf(first)), broken.includes(codeOf(again)), out.bufferedBytes]
      }),
    gives: [true, true, 2],
  },
  {
    name: 'many tasks write through one BufferedWriter, and each message stays whole',
    op: () =>
      withPair(function* (client, server) {
        const out = new BufferedWriter(client, { highWaterBytes: 500, lowWaterBytes: 100 })
        yield* spawn(function* () {
          yield* nursery(function* (n) {
            for (let task = 0; task < 20; task++) {
              yield* n.spawn(function* () {
                for (let i = 0; i < 50; i++) {
                  yield* out.write([bytes(`task ${task} `), bytes(`message ${i}\n`)])
                  if (i % 7 === task % 7) yield* sleep(0.1)
                }
              })
            }
          })
          yield* out.flush()
          yield* client.end()
        })
        const next = new Map<string, number>()
        for (let line = yield* server.readLine(); line !== null; line = yield* server.readLine()) {
          const [, task = '', i] = /^task (\d+) message (\d+)$/.exec(line) ?? []
          if ((next.get(task) ?? 0) !== Number(i)) return line
          next.set(task, Number(i) + 1)
        }
        return [next.size, ...new Set(next.values())]
      }),
    gives: [20, 50],
  },
  {
    name: 'marks that are none are refused',
    op: () =>
      withPair(function* (client) {
        const names: string[] = []
        for (const options of [
          { highWaterBytes: -1 },
          { lowWaterBytes: Number.NaN },
          { highWaterBytes: 1, lowWaterBytes: 2 },
        ]) {
          names.push(nameOf(thrown(() => new BufferedWriter(client, options))))
        }
        return names
      }),
    gives: ['RangeError', 'RangeError', 'RangeError'],
  },
  {
    name: 'options of connections',
    peers: ['uvloop tcp: create_connection_open_con_addr'],
    *op() {
      const listener = yield* listen({ host: '127.0.0.1', port: 0, noDelay: false, keepAlive: true })
      const got = yield* nursery(function* (n) {
        const accepting = yield* n.spawn(listener.accept())
        const client = yield* connect({ host: '127.0.0.1', port: listener.port, noDelay: false, keepAlive: true })
        const server = yield* accepting.join()
        yield* client.write(bytes('fine'))
        const answer = text(yield* timeout(100_000, server.readExactly(4)))
        yield* client.close()
        yield* server.close()
        return answer
      })
      yield* listener.close()
      return got
    },
    gives: 'fine',
  },
]
