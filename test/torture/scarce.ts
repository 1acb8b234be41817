/**
 * Every call that opens something, with no descriptor left, with one, with two, until there are enough: it says EMFILE or
 * works, and leaves nothing open either way.
 *
 * main.ts starts this program with a low limit (RLIMIT_NOFILE), so that taking all descriptors is quick.
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  appendFile,
  BrokenError,
  clock,
  connect,
  copyFile,
  each,
  exec,
  fork,
  Kernel,
  listen,
  lookup,
  mkdir,
  moveOn,
  nursery,
  type Operation,
  open,
  processPool,
  readDir,
  readFile,
  realpath,
  remove,
  SystemError,
  sleep,
  socketPair,
  spawn,
  startProcess,
  stat,
  tempDir,
  thread,
  udp,
  use,
  watch,
  writeFile,
} from 'drupe'
import { CAN_WATCH, complain, drive, type Figures, openBesides } from './kit.js'

/** With so many left every call works. */
const ENOUGH = 24
const HANG_MS = 20_000
/** What another thread was doing when it was withdrawn has its file until it is done. */
const SETTLE_MS = 5000
const CODES = new Set(['EMFILE', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_SYSTEM', 'EAI_NONAME', 'ENOTFOUND'])

type Squeeze = <T>(op: () => Operation<T>) => Operation<T>
type Call = (squeezed: Squeeze, directory: string) => Operation<unknown>

const module = new URL('./remote-work.js', import.meta.url)
const here = { host: '127.0.0.1', port: 0 }
const nothing = function* (): Operation<void> {}

const CALLS: Record<string, Call> = {
  open: (squeezed, d) => squeezed(() => use(open(`${d}/file`), nothing)),
  'open, new': (squeezed, d) => squeezed(() => use(open(`${d}/new`, 'w'), nothing)),
  'open of a FIFO': (squeezed, d) => squeezed(() => moveOn(5, open(`${d}/fifo`))),
  'write to an open file': (squeezed, d) =>
    use(open(`${d}/written`, 'a'), (file) => squeezed(() => file.write(new Uint8Array(9)))),
  'read of an open file': (squeezed, d) => use(open(`${d}/file`), (file) => squeezed(() => file.readAll())),
  readFile: (squeezed, d) => squeezed(() => readFile(`${d}/file`)),
  writeFile: (squeezed, d) => squeezed(() => writeFile(`${d}/file`, 'content')),
  appendFile: (squeezed, d) => squeezed(() => appendFile(`${d}/appended`, 'content')),
  copyFile: (squeezed, d) => squeezed(() => copyFile(`${d}/file`, `${d}/copy`)),
  stat: (squeezed, d) => squeezed(() => stat(`${d}/file`)),
  realpath: (squeezed, d) => squeezed(() => realpath(`${d}/file`)),
  readDir: (squeezed, d) => squeezed(() => each(readDir(d), nothing)),
  *remove(squeezed, d) {
    yield* mkdir(`${d}/tree/a/b`, { recursive: true })
    try {
      yield* squeezed(() => remove(`${d}/tree`, { recursive: true }))
    } finally {
      yield* remove(`${d}/tree`, { recursive: true, force: true })
    }
  },
  tempDir: (squeezed) => squeezed(() => nursery(() => tempDir())),
  startProcess: (squeezed) => squeezed(() => use(startProcess('sleep', ['1000']), nothing)),
  'startProcess, ignoring': (squeezed) =>
    squeezed(() =>
      use(startProcess('true', [], { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' }), (child) => child.wait()),
    ),
  exec: (squeezed) => squeezed(() => exec('cat', [], { input: new Uint8Array(200_000) })),
  listen: (squeezed) => squeezed(() => use(listen(here), nothing)),
  'listen, path': (squeezed, d) => squeezed(() => use(listen({ path: `${d}/socket` }), nothing)),
  connect: (squeezed) => use(listen(here), ({ port }) => squeezed(() => use(connect({ ...here, port }), nothing))),
  'connect, path': (squeezed, d) =>
    use(listen({ path: `${d}/socket` }), () => squeezed(() => use(connect({ path: `${d}/socket` }), nothing))),
  'connect, name': (squeezed) =>
    use(listen(here), ({ port }) => squeezed(() => use(connect({ host: 'localhost', port }), nothing))),
  // It waits for a descriptor.
  accept: (squeezed) =>
    use(listen(here), (listener) =>
      use(connect({ ...here, port: listener.port }), () =>
        squeezed(() => moveOn(5, () => use(listener.accept(), nothing))),
      ),
    ),
  'accept, waiting': (squeezed) =>
    use(listen(here), (listener) =>
      nursery(function* () {
        const accepting = yield* spawn(() => use(listener.accept(), nothing))
        yield* sleep(1)
        yield* squeezed(() => use(connect({ ...here, port: listener.port }), () => sleep(1)))
        yield* accepting.join()
      }),
    ),
  socketPair: (squeezed) =>
    squeezed(function* () {
      for (const stream of yield* socketPair()) yield* stream.close()
    }),
  udp: (squeezed) => squeezed(() => use(udp(here), nothing)),
  lookup: (squeezed) => squeezed(() => lookup('localhost')),
  kernel: (squeezed) =>
    squeezed(function* () {
      const { DRUPE_DRIVER } = process.env
      delete process.env['DRUPE_DRIVER']
      try {
        const kernel = new Kernel()
        kernel.runSync(() => sleep(1))
        kernel.closeSync()
      } finally {
        process.env['DRUPE_DRIVER'] = DRUPE_DRIVER
      }
    }),
}

if (CAN_WATCH) {
  CALLS['watch'] = (squeezed, d) => squeezed(() => nursery(() => watch(d)))
  CALLS['watch, recursive'] = (squeezed, d) => squeezed(() => nursery(() => watch(d, { recursive: true })))
}

/** They take long. */
const REMOTE: Readonly<Record<string, Call>> = {
  fork: (squeezed) => squeezed(() => fork(module, 'sum', 1, 2)),
  processPool: (squeezed) => squeezed(() => use(processPool({ module, size: 1 }), (pool) => pool.run('sum', 1, 2))),
}
const THREAD: Readonly<Record<string, Call>> = { thread: (squeezed) => squeezed(() => thread(module, 'sum', 1, 2)) }

export async function torture(seconds: number): Promise<Figures> {
  const figures = { calls: 0, refused: 0, fell: 0 }
  const directory = mkdtempSync(join(tmpdir(), 'drupe-torture-'))
  writeFileSync(`${directory}/file`, 'content')
  const guest = process.env['TORTURE_MODE'] !== 'blocking'

  function* attempt(name: string, call: Call, free: number): Operation<void> {
    figures.calls++
    const squeezed: Squeeze = function* (op) {
      const taken = takeAllBut(free)
      try {
        return yield* op()
      } finally {
        for (const fd of taken) closeSync(fd)
      }
    }
    try {
      const late = yield* moveOn<unknown, string>(HANG_MS, call(squeezed, directory), 'late')
      if (late === 'late') figures.fell += complain(`${name} with ${free} descriptors hung`)
    } catch (error) {
      figures.refused++
      if (process.env['TORTURE_VERBOSE'] !== undefined) console.error(name, free, String(error))
      const code = error instanceof SystemError ? error.code : ''
      const ended = error instanceof BrokenError && name === 'thread'
      if (!CODES.has(code) && !ended) figures.fell += complain(`${name} with ${free} descriptors`, error)
      if (free >= ENOUGH) figures.fell += complain(`${name} with ${free} descriptors is refused`)
    }
  }

  function* round(calls: Readonly<Record<string, Call>>, counts: readonly number[]): Operation<void> {
    for (const [name, call] of Object.entries(calls)) {
      const before = openBesides()
      for (const free of counts) yield* attempt(name, call, free)
      const until = (yield* clock()) + SETTLE_MS
      while (openBesides() > before && (yield* clock()) < until) yield* sleep(5)
      const more = openBesides() - before
      if (more > 0) figures.fell += complain(`${name}: ${more} descriptors more`)
    }
  }

  const left = await drive(function* () {
    const end = (yield* clock()) + seconds * 1000
    yield* exec('mkfifo', [`${directory}/fifo`])
    const counts = Array.from({ length: 9 }, (_, i) => i)
    // What is opened once and for all, as by the host, is open then.
    for (const call of Object.values(CALLS)) yield* call((op) => op(), directory)
    do yield* round(CALLS, [...counts, ENOUGH])
    while ((yield* clock()) < end)
    yield* round(REMOTE, [0, 1, 3, ENOUGH])
    // With one to three Node loses one when it cannot start a worker; with more, its loader fails.
    if (guest) yield* round(THREAD, [0])
  })
  rmSync(directory, { recursive: true })
  figures.fell += left
  return figures
}

function takeAllBut(free: number): number[] {
  const taken: number[] = []
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'))
  } catch {
    for (let i = 0; i < free; i++) {
      const fd = taken.pop()
      if (fd !== undefined) closeSync(fd)
    }
  }
  return taken
}
