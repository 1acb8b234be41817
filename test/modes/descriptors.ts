/**
 * Scenarios of descriptors that are passed over Unix sockets, for every mode that has I/O. That none stays open is counted in
 * test/child, too; here the other end of a pair says that all copies of its peer are closed.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import {
  type BrokenError,
  connect,
  listen,
  moveOn,
  type Operation,
  type Stream,
  scope,
  sleep,
  socketPair,
  spawn,
  type TimeoutError,
  using,
} from 'drupe'
import * as io from 'drupe/lowlevel'
import { thrownBy } from '../kit.js'
import { bytes, codeSoon, firstWrong, pattern, text } from './net-kit.js'
import type { Scenario } from './scenarios.js'

const { receiveDescriptors, sendDescriptors } = io
const LARGE = 3_000_000

function* withPairs<T>(n: number, body: (...pairs: (readonly [Stream, Stream])[]) => Operation<T>): Operation<T> {
  const pairs: (readonly [Stream, Stream])[] = []
  for (let i = 0; i < n; i++) {
    const [a, b] = yield* socketPair()
    pairs.push([yield* using(a), yield* using(b)])
  }
  return yield* body(...pairs)
}

/** What is received, in short: the bytes and the descriptors. */
function* receive(socket: number | Stream, options?: io.ReceiveDescriptorsOptions): Operation<[string, number[]]> {
  const buffer = new Uint8Array(100)
  const { bytes: count, descriptors } = yield* receiveDescriptors(socket, buffer, options)
  return [text(buffer.subarray(0, count)), [...descriptors]]
}

function* closeAll(fds: readonly number[]): Operation<void> {
  for (const fd of fds) yield* io.close(fd)
}

const nameOf = (error: unknown): string => (error as Error).name
const codeOf = (error: unknown): string => (error as { code: string }).code

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'a descriptor arrives with its bytes, is one of its own, and is closed in programs that are started',
    op: () =>
      withPairs(2, function* ([here, there], [near, far]) {
        yield* sendDescriptors(here, 'take it', [far])
        yield* far.close()
        const [said, fds] = yield* receive(there)
        const [fd] = fds as [number]
        yield* io.writeAll(fd, 'through it')
        const heard = text(yield* near.read())
        let inherited = false
        if (process.platform === 'linux') {
          inherited = !/^flags:\s+0?2\d{6}$/m.test(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))
          execFileSync('true')
        }
        yield* io.close(fd)
        return [said, fds.length, heard, inherited, yield* near.read()]
      }),
    gives: ['take it', 1, 'through it', false, null],
  },
  {
    name: 'a receiver waits, and one that is cancelled or times out has taken nothing',
    op: () =>
      withPairs(2, function* ([here, there], [near, far]) {
        const late = (yield* thrownBy(receiveDescriptors(there, new Uint8Array(9), { timeout: 5 }))) as TimeoutError
        const passed = yield* moveOn(5, receiveDescriptors(there, new Uint8Array(9)), 'passed')
        const waiting = yield* spawn(receive(there))
        yield* sleep(5)
        const busy = nameOf(yield* thrownBy(receive(there)))
        yield* sendDescriptors(here, 'x', [near, far])
        const [said, fds] = yield* waiting.join()
        yield* closeAll(fds)
        return [late.name, passed, busy, said, fds.length]
      }),
    gives: ['TimeoutError', 'passed', 'BusyError', 'x', 2],
  },
  {
    name: 'a cancel in the pass in which descriptors come loses none of them',
    op: () =>
      withPairs(2, function* ([here, there], [near, far]) {
        let got = 0
        const take = function* (): Operation<void> {
          const [, fds] = yield* receive(there)
          got += fds.length
          yield* closeAll(fds)
        }
        for (let i = 0; i < 100; i++) {
          yield* scope(function* (s) {
            const taker = yield* spawn(() => moveOn(1000, take))
            if (i % 2 === 0) yield* sleep(0)
            yield* sendDescriptors(here, 'x', [far])
            if (i % 3 === 0) yield* sleep(0)
            yield* taker.cancel()
            yield* s.cancel()
          })
          // What the cancelled one has not taken is still there.
          while (got <= i) yield* take()
        }
        yield* far.close()
        return [got, yield* near.read()]
      }),
    gives: [100, null],
  },
  {
    name: 'more descriptors than were to come are an error, and closed; so are those that a plain read drops',
    op: () =>
      withPairs(2, function* ([here, there], [near, far]) {
        yield* sendDescriptors(here, 'three', [far, far, far])
        const three = (yield* thrownBy(receive(there, { maxDescriptors: 2 }))) as BrokenError
        yield* sendDescriptors(here, 'one', [far])
        const one = (yield* thrownBy(receive(there, { maxDescriptors: 0 }))) as BrokenError
        yield* here.write('none')
        const none = yield* receive(there, { maxDescriptors: 0 })
        yield* sendDescriptors(here, 'two', [far, far])
        const [, two] = yield* receive(there, { maxDescriptors: 2 })
        yield* closeAll(two)
        yield* sendDescriptors(here, 'dropped', [far])
        const dropped = text(yield* there.read())
        yield* far.close()
        const told = [three, one].map((error) => [error.name, text(error.partial ?? null)])
        return [told, none, two.length, dropped, yield* near.read()]
      }),
    gives: [
      [
        ['BrokenError', 'three'],
        ['BrokenError', 'one'],
      ],
      ['none', []],
      2,
      'dropped',
      null,
    ],
  },
  {
    name: 'what was read ahead comes first and in order, and from then on nothing is lost',
    op: () =>
      withPairs(2, function* ([here, there], [near, far]) {
        yield* here.write('line\nrest')
        const line = yield* there.readLine()
        const rest = (yield* receive(there))[0]
        // A ring may receive this before anybody asks.
        yield* here.write('early')
        yield* sleep(5)
        const early = (yield* receive(there))[0]
        yield* sendDescriptors(here, 'with it', [far])
        yield* far.close()
        const [said, fds] = yield* receive(there)
        yield* closeAll(fds)
        yield* here.write('read')
        const read = text(yield* there.read())
        yield* sendDescriptors(here, 'again', [near])
        yield* sleep(5)
        const [again, more] = yield* receive(there)
        yield* closeAll(more)
        yield* here.end()
        return [line, rest, early, said, fds.length, read, again, more.length, yield* receive(there)]
      }),
    gives: ['line', 'rest', 'early', 'with it', 1, 'read', 'again', 1, ['', []]],
  },
  {
    name: 'a large message arrives whole, its descriptors with the beginning; a sender that waits is cancelled',
    op: () =>
      withPairs(2, function* ([here, there], [, far]) {
        const sending = yield* spawn(sendDescriptors(here, pattern(LARGE), [far, far]))
        const content = new Uint8Array(LARGE)
        let came = 0
        const counts: number[] = []
        while (came < LARGE) {
          const { bytes: count, descriptors } = yield* receiveDescriptors(there, content.subarray(came))
          came += count
          if (descriptors.length > 0) counts.push(descriptors.length)
          yield* closeAll(descriptors)
        }
        yield* sending.join()
        while ((yield* moveOn(20, here.write(pattern(LARGE)), 'full')) !== 'full');
        const late = nameOf(yield* thrownBy(sendDescriptors(here, 'x', [far], { timeout: 5 })))
        return [firstWrong(content), counts, late]
      }),
    gives: [-1, [2], 'TimeoutError'],
  },
  {
    name: 'descriptors go with datagrams, too, and a datagram that is cut off is told',
    op: () =>
      withPairs(1, function* ([near, far]) {
        const path = `/tmp/drupe-${process.pid}-${Math.random()}`
        const server = yield* io.socket('unixDatagram')
        yield* io.bind(server, { family: 'unix', path })
        const client = yield* io.socket('unixDatagram')
        yield* io.connect(client, { family: 'unix', path })
        yield* sendDescriptors(client, 'datagram', [far])
        yield* far.close()
        const buffer = new Uint8Array(4)
        const { bytes: count, descriptors, truncated } = yield* receiveDescriptors(server, buffer)
        yield* closeAll([...descriptors, server, client])
        execFileSync('rm', [path])
        return [text(buffer.subarray(0, count)), truncated, descriptors.length, yield* near.read()]
      }),
    gives: ['data', true, 1, null],
  },
  {
    name: 'what cannot carry descriptors, or is none, is refused, and a close is heard',
    op: () =>
      withPairs(1, function* ([here, there]) {
        const listener = yield* listen({ host: '127.0.0.1', port: 0 })
        const tcp = yield* using(yield* connect({ host: '127.0.0.1', port: listener.port }))
        const codes = [
          codeOf(yield* thrownBy(sendDescriptors(tcp, 'x', [1]))),
          codeOf(yield* thrownBy(receive(tcp))),
          codeOf(yield* thrownBy(sendDescriptors(here, 'x', [9999]))),
          codeOf(yield* thrownBy(sendDescriptors(9999, 'x', [1]))),
        ]
        yield* listener.close()
        const waiting = yield* spawn(thrownBy(receive(there)))
        yield* sleep(5)
        yield* there.close()
        codes.push(codeOf(yield* waiting.join()))
        codes.push(codeOf(yield* thrownBy(sendDescriptors(there, 'x', [1]))))
        codes.push(codeOf(yield* thrownBy(sendDescriptors(here, 'x', [there]))))
        codes.push(yield* codeSoon('EPIPE', () => sendDescriptors(here, 'x', [1])))
        const moved = bytes('moved')
        const op = sendDescriptors(here, moved, [1])
        structuredClone(moved.buffer, { transfer: [moved.buffer as ArrayBuffer] })
        codes.push(nameOf(yield* thrownBy(op)))
        return codes
      }),
    gives: [
      'ENOTSUP',
      'ENOTSUP',
      'EBADF',
      'EBADF',
      'DRUPE_CLOSED',
      'DRUPE_CLOSED',
      'DRUPE_CLOSED',
      'EPIPE',
      'BufferError',
    ],
  },
]

/** Windows passes handles by other means. */
export const DESCRIPTOR_SCENARIOS: readonly Scenario[] = SCENARIOS.map((scenario) => ({
  ...scenario,
  lacking: ['win32'],
}))
