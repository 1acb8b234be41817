/**
 * Scenarios of Unix datagrams, for every mode that has I/O: whom they come from, whose file it is, and who waits for whom.
 */
import { existsSync, lstatSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  all,
  connect,
  type Datagram,
  moveOn,
  type Operation,
  scope,
  sleep,
  socketPair,
  spawn,
  type UnixDatagramSocket,
  unixDatagram,
  use,
  using,
} from 'drupe'
import * as io from 'drupe/lowlevel'
import { thrownBy } from '../kit.js'
import { codeOf, codeSoon, inDirectory, text } from './net-kit.js'
import type { Scenario } from './scenarios.js'

const STARTERS = 20

/** What a program leaves that was killed. */
function* leave(path: string): Operation<void> {
  const fd = yield* io.socket('unixDatagram')
  yield* io.bind(fd, { family: 'unix', path })
  yield* io.close(fd)
}

const told = ({ bytes, from }: Datagram<string | null>): readonly [string, string | null] => [text(bytes), from]

/** Sends until there is no room, without an address or to one; how many went. */
function* fill(socket: UnixDatagramSocket, path?: string): Operation<number> {
  for (let sent = 0; ; sent++) {
    if ((yield* moveOn(30, socket.send(String(sent), path))) === undefined) return sent
  }
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'Unix datagrams come from a path, or from nobody, and can be answered',
    peers: ['uvloop udp: create_datagram_endpoint_sock_unix_domain'],
    op: () =>
      inDirectory(function* (path) {
        const server = yield* using(yield* unixDatagram({ path, mode: 0o600 }))
        const client = yield* using(yield* unixDatagram({ path: `${path}-client` }))
        const nobody = yield* using(yield* unixDatagram({ remote: path }))
        yield* client.send('ping', path)
        yield* nobody.send(new Uint8Array())
        const first = yield* server.receive()
        const second = told(yield* server.receive())
        yield* server.send('pong', first.from)
        const back = told(yield* client.receive())
        const mode = (lstatSync(path).mode & 0o777).toString(8)
        return [told(first)[0], second, back[0], back[1] === path, nobody.remote === path, nobody.path, mode]
      }),
    gives: ['ping', ['', null], 'pong', true, true, null, '600'],
  },
  {
    name: 'a connected socket hears its peer alone, and everybody when it is disconnected',
    op: () =>
      inDirectory(function* (path) {
        const a = yield* using(yield* unixDatagram({ path }))
        const b = yield* using(yield* unixDatagram({ path: `${path}-b` }))
        const stranger = yield* using(yield* unixDatagram())
        const early = yield* codeOf(a.connect(`${path}-none`))
        yield* a.connect(`${path}-b`)
        const refused = yield* codeOf(stranger.send('x', path))
        yield* b.send('from b', path)
        const heard = text((yield* a.receive()).bytes)
        yield* a.send('to b')
        const there = text((yield* b.receive()).bytes)
        yield* a.disconnect()
        const { remote } = a
        const aimless = (yield* thrownBy(() => a.send('x'))) as Error
        yield* stranger.send('from a stranger', path)
        return [early, refused, heard, there, remote, aimless.name, text((yield* a.receive()).bytes)]
      }),
    gives: ['ENOENT', 'EPERM', 'from b', 'to b', null, 'TypeError', 'from a stranger'],
  },
  {
    name: 'the file of a socket that nobody has open is replaced, that of a living one is not, and it goes at close',
    op: () =>
      inDirectory(function* (path, directory) {
        yield* leave(path)
        const stranger = yield* using(yield* unixDatagram())
        const refused = yield* codeSoon('ECONNREFUSED', () => stranger.send('x', path))
        const first = yield* unixDatagram({ path })
        const taken = [yield* codeOf(unixDatagram({ path })), yield* codeOf(connect({ path }))]
        yield* first.close()
        yield* first.close()
        const left = readdirSync(directory)
        writeFileSync(path, 'precious')
        const precious = yield* codeOf(unixDatagram({ path }))
        return [refused, taken, left, precious, readdirSync(directory)]
      }),
    gives: ['ECONNREFUSED', ['EADDRINUSE', 'EPROTOTYPE'], [], 'EADDRINUSE', ['socket']],
  },
  {
    name: 'of many starters of datagram sockets on a stale file one has it',
    op: () =>
      inDirectory(function* (path) {
        yield* leave(path)
        const sockets: UnixDatagramSocket[] = []
        const codes = new Set<string>()
        const start = function* (): Operation<void> {
          try {
            sockets.push(yield* unixDatagram({ path }))
          } catch (error) {
            codes.add((error as { code: string }).code)
          }
        }
        yield* all(Array.from({ length: STARTERS }, () => start))
        const stranger = yield* using(yield* unixDatagram())
        yield* stranger.send('hello', path)
        const heard = text((yield* (sockets[0] as UnixDatagramSocket).receive()).bytes)
        for (const socket of sockets) yield* socket.close()
        return [sockets.length, codes, heard, existsSync(path)]
      }),
    gives: [1, new Set(['EADDRINUSE']), 'hello', false],
  },
  {
    name: 'a file that has taken the place of a datagram socket’s is not removed',
    op: () =>
      inDirectory(function* (path, directory) {
        const one = yield* unixDatagram({ path })
        renameSync(path, join(directory, 'moved'))
        const other = yield* unixDatagram({ path })
        yield* one.close()
        const there = existsSync(path)
        yield* other.close()
        return [there, readdirSync(directory)]
      }),
    gives: [true, ['moved']],
  },
  {
    name: 'the file of a datagram socket goes at the end of use, and in cleanup whose grace is over',
    op: () =>
      inDirectory(function* (path) {
        const there = [
          yield* use(unixDatagram({ path }), function* () {
            return existsSync(path)
          }),
        ]
        there.push(existsSync(path))
        yield* scope({ grace: 0 }, function* (s) {
          const socket = yield* unixDatagram({ path })
          try {
            yield* s.cancel()
            yield* sleep(1000)
          } finally {
            yield* socket.close()
          }
        })
        there.push(existsSync(path))
        return there
      }),
    gives: [true, false, false],
  },
  {
    name: 'whenever a datagram socket’s opening is cancelled, it leaves no file behind',
    op: () =>
      inDirectory(function* (path, directory) {
        const left: string[] = []
        for (let ms = 0; ms < 4; ms += 0.2) {
          const socket = yield* moveOn(ms, unixDatagram({ path, mode: 0o600 }))
          if (socket !== undefined) yield* socket.close()
          left.push(...readdirSync(directory))
        }
        return left
      }),
    gives: [],
  },
  {
    name: 'a sender waits while the queue of its peer is full, connected or not, and all arrive in order',
    op: () =>
      inDirectory(function* (path) {
        const receiver = yield* using(yield* unixDatagram({ path }))
        const aimed = yield* using(yield* unixDatagram({ remote: path }))
        const free = yield* using(yield* unixDatagram())
        const seen: string[] = []
        const send = function* (socket: UnixDatagramSocket, name: string, to?: string): Operation<void> {
          for (let i = 0; i < 300; i++) yield* socket.send(`${name}${i}`, to)
        }
        // What the sender itself has sent would tell it, once that is received.
        const first = yield* fill(yield* using(yield* unixDatagram({ remote: path })))
        const senders = [yield* spawn(send(aimed, 'a')), yield* spawn(send(free, 'b', path))]
        yield* sleep(5)
        for (let i = 0; i < first; i++) yield* receiver.receive()
        while (seen.length < 600) seen.push(text((yield* receiver.receive()).bytes))
        for (const sender of senders) yield* sender.join()
        const inOrder = (name: string): boolean => {
          const own = seen.filter((one) => one.startsWith(name))
          return own.length === 300 && own.every((one, i) => one === `${name}${i}`)
        }
        return [first > 2, inOrder('a'), inOrder('b')]
      }),
    gives: [true, true, true],
  },
  {
    name: 'a send that waits is cancelled, times out, hears of the close and of the peer’s, and was not sent',
    op: () =>
      inDirectory(function* (path) {
        const receiver = yield* unixDatagram({ path })
        const free = yield* unixDatagram()
        const other = yield* using(yield* unixDatagram({ path: `${path}-other` }))
        const sent = yield* fill(free, path)
        const late = (yield* thrownBy(free.send('late', path, { timeout: 5 }))) as Error
        const waiting = yield* spawn(codeOf(free.send('closed', path)))
        yield* sleep(5)
        // Whom one peer keeps waiting, another does not.
        yield* free.send('other', `${path}-other`)
        const beside = text((yield* other.receive()).bytes)
        yield* free.close()
        const closed = yield* waiting.join()
        const again = yield* using(yield* unixDatagram())
        const left = yield* spawn(codeOf(again.send('gone', path)))
        yield* sleep(5)
        for (let i = 0; i < sent; i++) yield* receiver.receive()
        const arrived = text((yield* receiver.receive()).bytes)
        const result = yield* left.join()
        yield* fill(again, path)
        const gone = yield* spawn(codeOf(again.send('gone', path)))
        yield* sleep(5)
        yield* receiver.close()
        return [late.name, beside, closed, arrived, result, yield* gone.join()]
      }),
    gives: ['TimeoutError', 'other', 'DRUPE_CLOSED', 'gone', 'nothing', 'ENOENT'],
  },
  {
    name: 'a pair of datagram sockets: large ones come whole, those that do not fit are cut off, and told',
    peers: ['uvloop udp: socketpair'],
    op: function* () {
      const [a, b] = yield* socketPair({ datagrams: true })
      const large = new Uint8Array(100_000).fill(7)
      yield* a.send(large)
      const whole = yield* b.receive()
      yield* b.send('answer')
      const { truncated, bytes, from } = yield* a.receive({ maxBytes: 3 })
      const nothing = yield* moveOn(5, a.receive(), 'passed')
      yield* b.send('kept')
      const kept = text((yield* a.receive()).bytes)
      yield* a.close()
      const refused = yield* codeSoon('ECONNREFUSED', () => b.send('x'))
      yield* b.close()
      const after = [yield* codeOf(thrower(() => b.send('x'))), yield* codeOf(thrower(() => b.receive()))]
      return [whole.bytes.length, whole.truncated, text(bytes), truncated, from, nothing, kept, refused, after]
    },
    gives: [100_000, false, 'ans', true, null, 'passed', 'kept', 'ECONNREFUSED', ['DRUPE_CLOSED', 'DRUPE_CLOSED']],
  },
  {
    name: 'an abstract name of a datagram socket has no file, and is free afterwards',
    lacking: ['darwin', 'freebsd'],
    op: function* () {
      const path = `\0drupe-${process.pid}-${Math.random()}`
      const first = yield* unixDatagram({ path })
      const second = yield* codeOf(unixDatagram({ path }))
      const free = yield* using(yield* unixDatagram({ path: `${path}-free` }))
      yield* free.send('hello', path)
      const [heard, from] = told(yield* first.receive())
      yield* first.close()
      const refused = yield* codeSoon('ECONNREFUSED', () => free.send('x', path))
      yield* (yield* unixDatagram({ path })).close()
      return [second, heard, from === `${path}-free`, refused]
    },
    gives: ['EADDRINUSE', 'hello', true, 'ECONNREFUSED'],
  },
]

/** What throws at the call, as an operation. */
function* thrower(call: () => Operation<unknown>): Operation<unknown> {
  return yield* call()
}

/** Windows has no such sockets. */
export const UNIX_DATAGRAM_SCENARIOS: readonly Scenario[] = SCENARIOS.map((scenario) => ({
  ...scenario,
  lacking: [...(scenario.lacking ?? []), 'win32'] as NodeJS.Platform[],
}))
