/**
 * Scenarios of Unix listeners, for every mode that has I/O: whose file it is, and when it goes.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  all,
  connect,
  type Listener,
  listen,
  moveOn,
  type Operation,
  scope,
  serve,
  shield,
  sleep,
  spawn,
  use,
  using,
} from 'drupe'
import * as io from 'drupe/lowlevel'
import {
  bytes,
  codeOf,
  codeSoon,
  echo,
  firstWrong,
  inDirectory,
  pattern,
  text,
  wholeBesideCancelled,
} from './net-kit.js'
import type { Scenario } from './scenarios.js'

const STARTERS = 20

/** What a server leaves that was killed. */
function* leave(path: string): Operation<void> {
  const fd = yield* io.socket('unix')
  yield* io.bind(fd, { family: 'unix', path })
  yield* io.listen(fd)
  yield* io.close(fd)
}

/** Is there a server? */
function* answers(path: string): Operation<boolean> {
  try {
    const stream = yield* connect({ path })
    yield* stream.close()
    return true
  } catch {
    return false
  }
}

/** What is sent to this listener and comes back. */
function* echoed(listener: Listener, path: string): Operation<string> {
  const server = yield* spawn(serve(listener, echo))
  const stream = yield* connect({ path })
  yield* stream.write(bytes('hello'))
  yield* stream.end()
  const back = text(yield* stream.readAll())
  yield* stream.close()
  yield* server.cancel()
  return back
}

const FILES: readonly Scenario[] = [
  {
    name: 'a Unix listener has a file with the given permissions, which goes when it is closed',
    peers: [
      'curio network: unix_echo',
      'trio open_unix_stream: open_unix_socket',
      'trio socket: unix_domain_socket',
      'uvloop unix: create_unix_server_1, create_unix_connection_open_unix_con_addr',
    ],
    op: () =>
      inDirectory(function* (path) {
        const listener = yield* listen({ path, mode: 0o600, backlog: 5 })
        const { mode } = lstatSync(path)
        const { address, port } = listener
        const back = yield* echoed(listener, path)
        return [(mode & 0o777).toString(8), address.family, port, back, existsSync(path)]
      }),
    gives: ['600', 'unix', 0, 'hello', false],
  },
  {
    name: 'a stale file is replaced, also under another name of its directory',
    peers: ['uvloop unix: create_unix_server_existing_path_sock'],
    op: () =>
      inDirectory(function* (path, directory) {
        yield* leave(path)
        const refused = yield* codeSoon('ECONNREFUSED', () => use(connect({ path }), () => sleep(0)))
        const listener = yield* listen({ path })
        const back = yield* echoed(listener, path)
        mkdirSync(join(directory, 'in'))
        const roundabout = `${directory}/in/../socket`
        yield* leave(path)
        yield* (yield* listen({ path: roundabout })).close()
        return [refused, back, readdirSync(directory)]
      }),
    gives: ['ECONNREFUSED', 'hello', ['in']],
  },
  {
    name: 'where somebody listens, or has a full queue, the name is taken, and stays theirs',
    op: () =>
      inDirectory(function* (path) {
        const first = yield* listen({ path, backlog: 0 })
        const second = yield* codeOf(listen({ path }))
        // The look of the second one fills the queue.
        const third = yield* codeOf(listen({ path }))
        const stream = yield* first.accept()
        yield* stream.close()
        const reached = yield* answers(path)
        yield* first.close()
        return [second, third, reached, existsSync(path)]
      }),
    gives: ['EADDRINUSE', 'EADDRINUSE', true, false],
  },
  {
    name: 'a file, a directory and a link are never removed',
    peers: ['uvloop unix: create_unix_server_2'],
    op: () =>
      inDirectory(function* (path, directory) {
        writeFileSync(join(directory, 'file'), 'precious')
        mkdirSync(join(directory, 'directory'))
        yield* leave(path)
        symlinkSync(path, join(directory, 'link'))
        symlinkSync(join(directory, 'nowhere'), join(directory, 'dangling'))
        const codes = []
        for (const name of ['file', 'directory', 'link', 'dangling'])
          codes.push(yield* codeOf(listen({ path: join(directory, name) })))
        const missing = yield* codeOf(listen({ path: join(directory, 'nowhere', 'socket') }))
        return [new Set(codes), missing, readdirSync(directory).sort()]
      }),
    gives: [new Set(['EADDRINUSE']), 'ENOENT', ['dangling', 'directory', 'file', 'link', 'socket']],
  },
  {
    name: 'of many starters at once on a stale file one listens, and that one is reached',
    op: () =>
      inDirectory(function* (path) {
        yield* leave(path)
        const listeners: Listener[] = []
        const codes = new Set<string>()
        const start = function* (): Operation<void> {
          try {
            listeners.push(yield* listen({ path }))
          } catch (error) {
            codes.add((error as { code: string }).code)
          }
        }
        yield* all(Array.from({ length: STARTERS }, () => start))
        const [only] = listeners
        const back = only === undefined ? '' : yield* echoed(only, path)
        return [listeners.length, codes, back, existsSync(path)]
      }),
    gives: [1, new Set(['EADDRINUSE']), 'hello', false],
  },
  {
    name: 'a file that has taken the place of a listener’s is not removed, nor one that was moved away',
    op: () =>
      inDirectory(function* (path, directory) {
        const listener = yield* listen({ path })
        renameSync(path, join(directory, 'moved'))
        const other = yield* listen({ path })
        yield* listener.close()
        const reached = yield* answers(path)
        yield* other.close()
        return [reached, readdirSync(directory)]
      }),
    gives: [true, ['moved']],
  },
  {
    name: 'a listener whose file is gone already is closed without an error, twice, and by two at once',
    op: () =>
      inDirectory(function* (path) {
        const listener = yield* listen({ path })
        rmSync(path)
        yield* listener.close()
        yield* listener.close()
        const another = yield* listen({ path })
        const gone: boolean[] = []
        const close = function* (): Operation<void> {
          yield* another.close()
          gone.push(existsSync(path))
        }
        yield* all([close, close])
        return gone
      }),
    gives: [false, false],
  },
  {
    name: 'the file goes at the end of use and using, and in cleanup whose grace is over',
    op: () =>
      inDirectory(function* (path) {
        const there = [
          yield* use(listen({ path }), function* () {
            return existsSync(path)
          }),
        ]
        there.push(existsSync(path))
        const child = yield* spawn(function* () {
          yield* using(yield* listen({ path }))
          there.push(existsSync(path))
        })
        yield* child.join()
        there.push(existsSync(path))
        yield* scope({ grace: 0 }, function* (s) {
          const listener = yield* listen({ path })
          try {
            yield* s.cancel()
            yield* sleep(1000)
          } finally {
            yield* listener.close()
          }
        })
        there.push(existsSync(path))
        return there
      }),
    gives: [true, false, true, false, false],
  },
  {
    name: 'a task that waits to accept on a path hears of the close',
    op: () =>
      inDirectory(function* (path) {
        const listener = yield* listen({ path })
        const accepting = yield* spawn(codeOf(listener.accept()))
        yield* sleep(1)
        yield* listener.close()
        return [yield* accepting.join(), existsSync(path)]
      }),
    gives: ['DRUPE_CLOSED', false],
  },
  {
    name: 'what a peer has written before it closed is read to its end, in small pieces, and then the end',
    peers: ['uvloop unix: epollhup'],
    op: () =>
      inDirectory(function* (path) {
        const listener = yield* listen({ path })
        const client = yield* connect({ path })
        const server = yield* listener.accept()
        yield* server.write('hello')
        const greeting = text(yield* client.readExactly(5))
        yield* client.write(pattern(51))
        yield* client.close()
        // The server hears of all of it at once.
        yield* sleep(5)
        const pieces = [yield* server.read(50), yield* server.read(50)]
        const end = yield* server.read(50)
        yield* server.close()
        yield* listener.close()
        return [
          greeting,
          pieces.map((piece) => piece?.length),
          firstWrong(Buffer.concat(pieces.map((it) => it ?? bytes('')))),
          end,
        ]
      }),
    gives: ['hello', [50, 1], -1, null],
  },
  {
    name: 'a connect to a path that is cancelled closes its socket once, too',
    peers: ['uvloop unix: create_unix_connection_sock_cancel_detaches, create_unix_connection_sock_cancel_fd_leak'],
    op: () =>
      inDirectory(function* (path) {
        const server = yield* spawn(serve(yield* listen({ path }), echo))
        const whole = yield* wholeBesideCancelled(() => connect({ path }))
        yield* server.cancel()
        return whole
      }),
    gives: true,
  },
  {
    name: 'whenever a listen is cancelled, it leaves no file behind that was not there',
    op: () =>
      inDirectory(function* (path, directory) {
        const left: string[] = []
        for (let ms = 0; ms < 4; ms += 0.2) {
          const listener = yield* moveOn(ms, listen({ path, mode: 0o600 }))
          if (listener !== undefined) yield* shield(listener.close())
          left.push(...readdirSync(directory))
        }
        return left
      }),
    gives: [],
  },
  {
    name: 'who may not read the directory listens, and takes no stale file away',
    op: () =>
      inDirectory(function* (path, directory) {
        if (process.getuid?.() === 0) return ['nothing', 'EADDRINUSE']
        execFileSync('chmod', ['300', directory])
        try {
          const first = yield* codeOf(use(listen({ path }), () => sleep(0)))
          yield* leave(path)
          return [first, yield* codeOf(listen({ path }))]
        } finally {
          execFileSync('chmod', ['700', directory])
        }
      }),
    gives: ['nothing', 'EADDRINUSE'],
  },
]

const NAMES: readonly Scenario[] = [
  {
    name: 'an abstract name has no file, is taken while somebody has it, and free afterwards',
    lacking: ['darwin', 'freebsd'],
    op: function* () {
      const path = `\0drupe-${process.pid}-${Math.random()}`
      const listener = yield* listen({ path })
      const second = yield* codeOf(listen({ path }))
      const back = yield* echoed(listener, path)
      const third = yield* codeSoon('nothing', () => use(listen({ path }), () => sleep(0)))
      const refused = yield* codeSoon('ECONNREFUSED', () => use(connect({ path }), () => sleep(0)))
      return [second, back, third, refused]
    },
    gives: ['EADDRINUSE', 'hello', 'nothing', 'ECONNREFUSED'],
  },
]

/** Windows has named pipes of its own (test/native/windows). */
export const UNIX_SCENARIOS: readonly Scenario[] = [...FILES, ...NAMES].map((scenario) => ({
  ...scenario,
  lacking: [...(scenario.lacking ?? []), 'win32'] as NodeJS.Platform[],
}))
