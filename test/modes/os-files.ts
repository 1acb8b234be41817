/**
 * Scenarios of the files of traps/os, for every mode that has I/O. Each has a directory of its own, which is a resource.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import {
  appendFile,
  BusyError,
  ClosedError,
  checkpoint,
  chmod,
  copyFile,
  each,
  type File,
  flow,
  link,
  lstat,
  mkdir,
  moveOn,
  nursery,
  type Operation,
  open,
  pipe,
  readDir,
  readFile,
  readlink,
  realpath,
  remove,
  rename,
  SystemError,
  scope,
  sleep,
  socketPair,
  spawn,
  stat,
  symlink,
  TooLargeError,
  tempDir,
  use,
  watch,
  writeFile,
} from 'drupe'
import { give } from '../kit.js'
import { bytes, text } from './net-kit.js'
import type { Scenario } from './scenarios.js'

export const inDirectory = (body: (directory: string) => Operation<unknown>) => () =>
  nursery(function* () {
    return yield* body(yield* realpath(yield* tempDir()))
  })

function* codeOf(op: Operation<unknown>): Operation<unknown> {
  try {
    yield* op
    return 'none'
  } catch (error) {
    if (error instanceof SystemError) return `${error.syscall} ${error.code}`
    return (error as Error).name
  }
}

function* namesIn(path: string): Operation<string[]> {
  const names: string[] = []
  yield* each(readDir(path), function* ({ name, type }) {
    names.push(`${name} ${type}`)
  })
  return names.sort()
}

const utf8 = { encoding: 'utf8' } as const

export const OS_SCENARIOS: readonly Scenario[] = [
  {
    name: 'a file that is written at once and called off, whenever that is, leaves the old one alone and nothing beside it',
    op: inDirectory(function* (d) {
      const seen = new Set<string>()
      yield* writeFile(`${d}/f`, 'old')
      for (const grace of [0, 1000]) {
        for (let ms = 0; ms < 8; ms += 0.5) {
          yield* scope({ grace }, (own) =>
            nursery(function* (n) {
              yield* n.spawn(() => writeFile(`${d}/f`, new Uint8Array(4_000_000)))
              yield* sleep(ms)
              yield* own.cancel()
            }),
          )
          seen.add(readdirSync(d).join())
        }
      }
      return [...seen]
    }),
    gives: ['f'],
  },
  {
    name: 'a file is piped into a stream, and what a cancel leaves is read on from there',
    op: inDirectory(function* (d) {
      const content = new Uint8Array(900_000).map((_, i) => i * 7 + (i >> 8))
      writeFileSync(`${d}/f`, content)
      const parts: Uint8Array[] = []
      yield* use(open(`${d}/f`), function* (file) {
        const [from, to] = yield* socketPair()
        yield* scope({}, (own) =>
          nursery(function* (n) {
            yield* n.spawn(() => pipe(file, to))
            parts.push(yield* from.readExactly(100_001))
            yield* own.cancel()
          }),
        )
        yield* to.end()
        parts.push(yield* from.readAll())
        yield* from.close()
        yield* to.close()
        yield* use(open(`${d}/copy`, 'w+'), function* (copy) {
          yield* pipe(file, copy)
          yield* copy.seek(0)
          parts.push(yield* copy.readAll())
        })
      })
      return Buffer.compare(Buffer.concat(parts), content)
    }),
    gives: 0,
  },
  {
    name: 'a tree is removed although its directories become files meanwhile',
    op: inDirectory(function* (d) {
      yield* mkdir(`${d}/tree/a/b`, { recursive: true })
      for (let i = 0; i < 200; i++) writeFileSync(`${d}/tree/a/b/${i}`, '')
      yield* nursery(function* (n) {
        yield* n.spawn(
          function* () {
            while (readdirSync(`${d}/tree/a/b`).length === 200) yield* sleep(0)
            renameSync(`${d}/tree/a`, `${d}/other`)
            writeFileSync(`${d}/tree/a`, '')
          },
          { daemon: true },
        )
        yield* remove(`${d}/tree`, { recursive: true })
      })
      return existsSync(`${d}/tree`)
    }),
    gives: false,
  },
  {
    name: 'a file is read and written at a position that both move, and at others that do not move it',
    peers: [
      'curio file: seek_tell',
      'curio file: read',
      'curio file: write',
      'curio file: readinto',
      'trio file_io: open, open_context_manager',
    ],
    op: inDirectory((d) =>
      use(open(`${d}/f`, 'w+'), function* (file) {
        yield* file.write([bytes('hello '), bytes('world')])
        const at = [file.position, yield* file.seek(0)]
        const first = text((yield* file.read(5)) as Uint8Array)
        yield* file.write(bytes('_'))
        const buffer = new Uint8Array(4)
        const count = yield* file.readAt(buffer, 9)
        yield* file.writeAt(bytes('H'), 0)
        const rest = text(yield* file.readAll())
        const end = [yield* file.read(), file.position, yield* file.seek(-3, 'end'), yield* file.seek(1, 'current')]
        yield* file.truncate(4)
        yield* file.sync()
        return [at, first, count, rest, end, (yield* file.stat()).bytes, yield* readFile(`${d}/f`, utf8)]
      }),
    ),
    gives: [[11, 0], 'hello', 2, 'world', [null, 11, 8, 9], 4, 'Hell'],
  },
  {
    name: 'lines come one by one, and a write goes where the last line ended, not where was read ahead',
    peers: [
      'curio file: readline',
      'curio file: readlines',
      'curio file: readiter',
      'curio file: writelines',
      'trio file_io: async_iter',
    ],
    op: inDirectory((d) =>
      use(open(`${d}/f`, 'w+'), function* (file) {
        yield* file.write(['one\n', 'two\r\n', '3'].map(bytes))
        yield* file.seek(0)
        const first = yield* file.readLine()
        const at = file.position
        yield* file.write(bytes('TWO'))
        yield* file.seek(0)
        const lines: string[] = []
        yield* each(file.lines(), function* (line) {
          lines.push(line)
        })
        return [first, at, lines, file.closed]
      }),
    ),
    gives: ['one', 4, ['one', 'TWO', '3'], false],
  },
  {
    name: 'what is appended goes to the end, whatever the position',
    op: inDirectory(function* (d) {
      yield* appendFile(`${d}/f`, 'ab')
      yield* use(open(`${d}/f`, 'a+'), function* (file) {
        yield* file.read(1)
        yield* file.write(bytes('c'))
      })
      yield* appendFile(`${d}/f`, bytes('d'))
      return yield* readFile(`${d}/f`, utf8)
    }),
    gives: 'abcd',
  },
  {
    name: 'a file is closed by a task that is cancelled',
    peers: ['trio file_io: aclose_cancelled'],
    op: inDirectory(function* (d) {
      yield* writeFile(`${d}/f`, 'x')
      const file = yield* open(`${d}/f`)
      yield* scope(function* (s) {
        try {
          s.cancel()
          yield* sleep(0)
        } finally {
          yield* file.close()
        }
      })
      return file.closed
    }),
    gives: true,
  },
  {
    name: 'a file that is closed, ended, or too large for its reader says so',
    peers: ['curio file: bad_usage'],
    op: inDirectory(function* (d) {
      yield* writeFile(`${d}/f`, 'hello')
      const file = yield* open(`${d}/f`, 'r+')
      yield* file.end()
      const ended = yield* codeOf(
        (function* () {
          yield* file.write(bytes('x'))
        })(),
      )
      yield* file.close()
      yield* file.close()
      let closed: unknown
      try {
        yield* file.read()
      } catch (error) {
        closed = error instanceof ClosedError
      }
      let large: unknown
      try {
        yield* readFile(`${d}/f`, { maxBytes: 4 })
      } catch (error) {
        large = error instanceof TooLargeError
      }
      return [ended, closed, large, text(yield* readFile(`${d}/f`, { maxBytes: 5 }))]
    }),
    gives: ['ClosedError', true, true, 'hello'],
  },
  {
    lacking: ['win32', 'darwin'],
    name: 'a file that says that it is empty is read to its end',
    op: function* () {
      return (yield* readFile('/proc/self/status', utf8)).includes('VmRSS')
    },
    gives: true,
  },
  {
    lacking: ['win32'],
    name: 'writeFile changes the content at once, keeps the permissions, follows links and leaves nothing beside',
    op: inDirectory(function* (d) {
      yield* writeFile(`${d}/f`, 'old')
      yield* chmod(`${d}/f`, 0o640)
      yield* symlink('f', `${d}/l`)
      yield* use(open(`${d}/f`), function* (file) {
        yield* writeFile(`${d}/l`, 'new and longer')
        yield* writeFile('/dev/null', 'gone')
        // Whoever had it open still has the old one.
        if (text(yield* file.readAll()) !== 'old') throw new Error('not at once')
      })
      const failed = yield* codeOf(writeFile(`${d}/none/f`, 'x'))
      yield* symlink('made', `${d}/dangling`)
      yield* writeFile(`${d}/dangling`, 'there')
      return [yield* readFile(`${d}/f`, utf8), (yield* stat(`${d}/f`)).mode, failed, yield* namesIn(d)]
    }),
    gives: ['new and longer', 0o640, 'open ENOENT', ['dangling link', 'f file', 'l link', 'made file']],
  },
  {
    name: 'a writeFile that is cancelled at any moment leaves the old content or the new, and nothing beside',
    op: inDirectory(function* (d) {
      const seen = new Set<string>()
      const large = 'n'.repeat(200_000)
      for (let round = 0; round < 40; round++) {
        yield* writeFile(`${d}/f`, 'old')
        yield* moveOn(round / 8, writeFile(`${d}/f`, large), null)
        const content = yield* readFile(`${d}/f`, utf8)
        seen.add(content === large ? 'new' : content)
      }
      return [[...seen].every((content) => content === 'old' || content === 'new'), yield* namesIn(d)]
    }),
    gives: [true, ['f file']],
  },
  {
    name: 'an open that makes its file is over when it was cancelled: nothing appears afterwards',
    op: inDirectory(function* (d) {
      for (let round = 0; round < 50; round++) {
        const opening = yield* spawn(() => use(open(`${d}/f${round}`, 'a'), () => sleep(0)))
        yield* checkpoint()
        yield* opening.cancel()
        yield* remove(`${d}/f${round}`, { force: true })
      }
      yield* sleep(20)
      return yield* namesIn(d)
    }),
    gives: [],
  },
  {
    name: 'names are made, changed and removed, and errors name the call',
    op: inDirectory(function* (d) {
      yield* mkdir(`${d}/a/b/c`, { recursive: true })
      yield* mkdir(`${d}/a/b/c`, { recursive: true })
      const errors = [yield* codeOf(mkdir(`${d}/a`)), yield* codeOf(mkdir(`${d}/x/y`))]
      yield* writeFile(`${d}/a/f`, 'hello')
      yield* link(`${d}/a/f`, `${d}/a/g`)
      yield* copyFile(`${d}/a/f`, `${d}/a/h`)
      errors.push(yield* codeOf(copyFile(`${d}/a/f`, `${d}/a/h`, { exclusive: true })))
      yield* rename(`${d}/a/g`, `${d}/a/b/g`)
      errors.push(yield* codeOf(mkdir(`${d}/a/f`, { recursive: true })))
      errors.push(yield* codeOf(remove(`${d}/none`)), yield* codeOf(each(readDir(`${d}/none`), () => sleep(0))))
      yield* remove(`${d}/none`, { force: true, recursive: true })
      const found = [...(yield* namesIn(`${d}/a`)), ...(yield* namesIn(`${d}/a/b`))]
      yield* remove(`${d}/a`, { recursive: true })
      return [errors, found, yield* namesIn(d)]
    }),
    gives: [
      ['mkdir EEXIST', 'mkdir ENOENT', 'copyfile EEXIST', 'mkdir EEXIST', 'unlink ENOENT', 'opendir ENOENT'],
      ['b directory', 'f file', 'h file', 'c directory', 'g file'],
      [],
    ],
  },
  {
    lacking: ['win32'],
    name: 'a removal does not follow links, and two of the same tree are both content',
    op: inDirectory(function* (d) {
      yield* mkdir(`${d}/keep`)
      yield* writeFile(`${d}/keep/f`, 'x')
      yield* mkdir(`${d}/tree/sub`, { recursive: true })
      for (let i = 0; i < 600; i++) writeFileSync(`${d}/tree/sub/${i}`, '')
      symlinkSync('../keep', `${d}/tree/link`)
      const where = [yield* readlink(`${d}/tree/link`), (yield* lstat(`${d}/tree/link`)).kind]
      yield* nursery(function* () {
        yield* spawn(remove(`${d}/tree`, { recursive: true }))
        yield* remove(`${d}/tree`, { recursive: true, force: true })
      })
      return [where, yield* namesIn(d), yield* namesIn(`${d}/keep`)]
    }),
    gives: [['../keep', 'link'], ['keep directory'], ['f file']],
  },
  {
    name: 'a directory of many entries is read in pieces, and left in the middle',
    op: inDirectory(function* (d) {
      for (let i = 0; i < 1000; i++) writeFileSync(`${d}/${i}`, '')
      let count = 0
      const stopped = yield* each(readDir(d), function* () {
        if (++count === 300) return 'stopped'
      })
      return [stopped, (yield* namesIn(d)).length]
    }),
    gives: ['stopped', 1000],
  },
  {
    name: 'a read of a directory that is given up loses nothing, and flows can wait for one with a limit',
    op: inDirectory(function* (d) {
      for (const name of ['a', 'b']) yield* mkdir(`${d}/${name}`)
      for (let i = 0; i < 900; i++) writeFileSync(`${d}/${i % 3 === 0 ? 'b' : 'a'}/${i}`, '')
      const names = new Set<string>()
      const cursor = readDir(`${d}/a`).open()
      for (;;) {
        const { done, value } = (yield* moveOn(0, cursor.next(), null)) ?? (yield* cursor.next())
        if (done) break
        names.add((value as { name: string }).name)
      }
      const both = flow(readDir(`${d}/a`))
        .merge(readDir(`${d}/b`))
        .buffer(1000)
      return [names.size, yield* each(both, ({ length }) => give(length))]
    }),
    gives: [600, 900],
  },
  {
    name: 'what was asked of a file that is closed by then touches no file that got its descriptor',
    op: inDirectory(function* (d) {
      const asks: readonly ((file: File) => Operation<unknown>)[] = [
        (file) => file.writeAt('EVIL', 0),
        (file) => file.readAt(new Uint8Array(4), 0),
        (file) => file.truncate(0),
        (file) => file.stat(),
      ]
      const answers: unknown[] = []
      for (const ask of asks) {
        yield* writeFile(`${d}/other`, 'precious')
        const file = yield* open(`${d}/own`, 'w+')
        const op = ask(file)
        yield* file.close()
        answers.push(yield* use(open(`${d}/other`, 'r+'), () => codeOf(op)), yield* readFile(`${d}/other`, utf8))
      }
      return answers
    }),
    gives: Array(4).fill(['ClosedError', 'precious']).flat(),
  },
  {
    name: 'a temporary directory goes with its nursery, also when that is cancelled',
    op: function* () {
      const paths: string[] = []
      yield* nursery(function* () {
        paths.push(yield* tempDir())
        yield* writeFile(`${paths[0]}/f`, 'x')
      })
      yield* moveOn(
        20,
        nursery(function* () {
          paths.push(yield* tempDir())
          yield* mkdir(`${paths[1]}/d/e`, { recursive: true })
          yield* sleep(Number.POSITIVE_INFINITY)
        }),
        null,
      )
      return [yield* codeOf(stat(paths[0] as string)), yield* codeOf(stat(paths[1] as string))]
    },
    gives: ['stat ENOENT', 'stat ENOENT'],
  },
  {
    lacking: ['win32'],
    name: 'a FIFO is a stream: its reader waits, is alone, can be cancelled and loses nothing',
    op: inDirectory(function* (d) {
      execFileSync('mkfifo', [`${d}/fifo`])
      return yield* use(open(`${d}/fifo`, 'r+'), function* (file) {
        const log: unknown[] = [yield* moveOn(5, file.read(), 'waited')]
        const reading = yield* spawn(file.read())
        yield* sleep(1)
        try {
          yield* file.read()
        } catch (error) {
          log.push(error instanceof BusyError)
        }
        yield* file.write(bytes('hello'))
        log.push(text((yield* reading.join()) as Uint8Array), yield* codeOf(file.seek(1)))
        const waiting = yield* spawn(codeOf(file.read()))
        yield* sleep(1)
        yield* file.close()
        log.push(yield* waiting.join())
        return log
      })
    }),
    gives: ['waited', true, 'hello', 'UnsupportedError', 'ClosedError'],
  },
  {
    name: 'a large file comes back as it was written',
    peers: ['curio file: readall', 'curio file: truncate'],
    op: inDirectory(function* (d) {
      const large = new Uint8Array(3_000_001).map((_, i) => i % 251)
      yield* writeFile(`${d}/f`, large)
      const back = yield* readFile(`${d}/f`)
      return [back.length, back.every((byte, i) => byte === i % 251), readdirSync(d)]
    }),
    gives: [3_000_001, true, ['f']],
  },
  {
    lacking: ['win32', 'darwin'],
    name: 'a watched tree tells what is made, changed and removed, in directories that come later, too',
    op: inDirectory(function* (d) {
      yield* mkdir(`${d}/a`)
      const events: string[] = []
      const changes = yield* watch(d, { recursive: true })
      yield* mkdir(`${d}/b/c`, { recursive: true })
      yield* writeFile(`${d}/b/c/f`, 'x', { atomic: false })
      yield* writeFile(`${d}/a/f`, 'x', { atomic: false })
      yield* remove(`${d}/a/f`)
      yield* each(changes, function* ({ type, path }) {
        events.push(`${type} ${path.slice(d.length)}`)
        if (path === `${d}/a/f` && type === 'removed') return 'seen'
      })
      const told = (event: string) => events.filter((one) => one === event).length
      return ['created /b', 'created /b/c', 'created /b/c/f', 'created /a/f', 'removed /a/f'].map(told)
    }),
    gives: [1, 1, 1, 1, 1],
  },
  {
    lacking: ['win32', 'darwin'],
    name: 'a watched file tells of changes; waiting for the next can be called off, and what is not there says so',
    op: inDirectory(function* (d) {
      yield* writeFile(`${d}/f`, 'x')
      const changes = yield* watch(`${d}/f`)
      const log: unknown[] = [yield* moveOn(5, changes.next(), 'nothing')]
      yield* appendFile(`${d}/f`, 'y')
      log.push((yield* changes.next()).value)
      yield* changes.close()
      log.push((yield* changes.next()).done, yield* codeOf(watch(`${d}/none`)))
      return JSON.stringify(log).replaceAll(d, '')
    }),
    gives: '["nothing",{"type":"changed","path":"/f"},true,"inotify_add_watch ENOENT"]',
  },
]
