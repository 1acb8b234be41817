/**
 * The host's watching under a host that is made up: what it tells and when is for the test to say.
 */
import test from 'ava'
import { moveOn, type Operation, run, SystemError, spawn } from 'drupe'
import { HostDriver } from 'drupe/lowlevel'
import { waitAllBlocked } from 'drupe/testing'
import { type HostFiles, HostWatcher } from '../../../traps/os/host-watch.js'
import { thrownBy } from '../../kit.js'

type Listener = (event: string, name: string | null) => void
type Back = (error: unknown, value: never) => void

/** Directories and files by path; a directory is a name with a slash at its end. */
class MadeUp {
  readonly files = new Map<string, bigint>()
  readonly listeners = new Map<string, Listener[]>()
  readonly errors = new Map<string, () => void>()
  closed = 0
  /** Answers wait here until the test gives them. */
  held: (() => void)[] | null = null

  constructor(...paths: readonly string[]) {
    for (const path of paths) this.make(path)
  }

  make(path: string): void {
    this.files.set(path, BigInt(this.files.size + 1))
  }

  tell(path: string, name: string | null, event = 'rename'): void {
    for (const listener of this.listeners.get(path) ?? []) listener(event, name)
  }

  get host(): HostFiles {
    const status = (path: string, _options: unknown, back: Back): void => {
      this.answer(() => {
        const inode = this.files.get(path) ?? this.files.get(`${path}/`)
        if (inode === undefined) return back(missing('stat', path), undefined as never)
        back(null, { ino: inode, isDirectory: () => this.files.has(`${path}/`) } as never)
      })
    }
    return {
      watch: (path, listener) => {
        if (!this.files.has(path) && !this.files.has(`${path}/`)) throw missing('watch', path)
        this.listeners.set(path, [...(this.listeners.get(path) ?? []), listener])
        return {
          on: (_event, told) => this.errors.set(path, told),
          close: () => {
            this.closed++
            this.listeners.set(
              path,
              (this.listeners.get(path) ?? []).filter((one) => one !== listener),
            )
          },
        }
      },
      stat: status,
      lstat: status,
      readdir: (path, _options, back) => {
        this.answer(() => {
          if (!this.files.has(`${path}/`)) return back(missing('scandir', path), [])
          const names = [...this.files.keys()].filter((one) => one.startsWith(`${path}/`) && one !== `${path}/`)
          const entries = names.map((one) => one.slice(path.length + 1)).filter((name) => /^[^/]+\/?$/.test(name))
          back(
            null,
            entries.map((name) => ({ name: name.replace('/', ''), isDirectory: () => name.endsWith('/') })),
          )
        })
      },
    }
  }

  private answer(give: () => void): void {
    if (this.held === null) setImmediate(give)
    else this.held.push(give)
  }
}

function missing(syscall: string, path: string): Error {
  const text = `ENOENT: no such file or directory, ${syscall} '${path}'`
  return Object.assign(new Error(text), { code: 'ENOENT', errno: -2, syscall, path })
}

const onHost = (op: () => Operation<unknown>): Promise<unknown> => run(op, { driver: new HostDriver() })

/** News as text. */
function* told(watcher: HostWatcher): Operation<string[]> {
  const news = yield* watcher.news()
  return news.map(({ change, name }) => `${change} ${name}`)
}

test('one name is one entry however often it is told, and a look says what has happened', async (t) => {
  await onHost(function* () {
    const host = new MadeUp('/d/', '/d/old')
    const watcher = new HostWatcher(host.host)
    yield* watcher.add('/d', false)
    for (let i = 0; i < 1000; i++) host.tell('/d', 'old', 'change')
    host.make('/d/new')
    host.tell('/d', 'new')
    host.tell('/d', 'new', 'change')
    host.tell('/d', 'short-lived')
    t.deepEqual(yield* told(watcher), ['changed old'])
    t.deepEqual(yield* told(watcher), ['created new'])
    t.deepEqual(yield* told(watcher), [])
    host.files.delete('/d/old')
    host.tell('/d', 'old')
    t.deepEqual(yield* told(watcher), ['removed old'])
    t.is(yield* moveOn(1, watcher.news(), 'nothing'), 'nothing')
    watcher.close()
    t.is(host.closed, 1)
  })
})

test('without a name the directory is compared with what was in it', async (t) => {
  await onHost(function* () {
    const host = new MadeUp('/d/', '/d/a', '/d/b')
    const watcher = new HostWatcher(host.host)
    yield* watcher.add('/d', false)
    host.files.delete('/d/a')
    host.make('/d/c')
    host.tell('/d', null)
    t.deepEqual(yield* told(watcher), ['removed a', 'created c'])
    host.files.clear()
    // As Windows does it: an error, and no name.
    host.errors.get('/d')?.()
    t.deepEqual(yield* told(watcher), ['removed '])
    t.is(host.closed, 1)
    watcher.close()
    watcher.close()
    t.is(host.closed, 1)
  })
})

test('more names than are kept are an overflow, after which everything is known anew', async (t) => {
  await onHost(function* () {
    const host = new MadeUp('/d/', '/d/a')
    const watcher = new HostWatcher(host.host)
    yield* watcher.add('/d', false)
    host.make('/d/b')
    for (let i = 0; i <= 16_384; i++) host.tell('/d', `${i}`)
    t.deepEqual(yield* told(watcher), ['overflow '])
    host.tell('/d', 'b', 'change')
    host.make('/d/c')
    host.tell('/d', 'c')
    t.deepEqual(yield* told(watcher), ['changed b'])
    t.deepEqual(yield* told(watcher), ['created c'])
    watcher.close()
  })
})

test('a look that is cancelled, also in the pass of its answer, is done again', async (t) => {
  await onHost(function* () {
    for (const late of [false, true]) {
      const host = new MadeUp('/d/')
      const watcher = new HostWatcher(host.host)
      yield* watcher.add('/d', false)
      host.held = []
      host.make('/d/f')
      host.tell('/d', 'f')
      const reader = yield* spawn(() => told(watcher))
      yield* waitAllBlocked()
      t.is(host.held.length, 1)
      if (late) host.held[0]?.()
      yield* reader.cancel()
      host.held = null
      const news = reader.state === 'done' ? yield* reader.join() : yield* told(watcher)
      t.deepEqual(news, ['created f'], `${late}`)
      watcher.close()
    }
  })
})

test('closing ends the wait', async (t) => {
  await onHost(function* () {
    const host = new MadeUp('/d/')
    const watcher = new HostWatcher(host.host)
    yield* watcher.add('/d', false)
    const reader = yield* spawn(() => told(watcher))
    yield* waitAllBlocked()
    watcher.close()
    t.deepEqual(yield* reader.join(), [])
    host.tell('/d', 'late')
    t.deepEqual(yield* told(watcher), [])
  })
})

test('a watch that could not begin leaves none behind, and errors are those of the system', async (t) => {
  await onHost(function* () {
    const host = new MadeUp('/d/', '/d/f')
    const watcher = new HostWatcher(host.host)
    const error = yield* thrownBy(watcher.add('/none', false))
    t.true(error instanceof SystemError)
    t.is((error as Error).message, 'Cannot watch /none: no such file or directory (ENOENT)')
    t.is(((yield* thrownBy(watcher.add('/d/f', true))) as SystemError).code, 'ENOTDIR')
    t.is(host.closed, 1)
    host.held = []
    t.is(yield* moveOn(1, watcher.add('/d', false), 'cancelled'), 'cancelled')
    t.is(host.closed, 2)
    watcher.close()
  })
})
