/**
 * Files and names on real drivers: many at once, cancelled, in a blocking run and as a guest, in kernels that close meanwhile; and
 * that a guest's thread is not taken.
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  open as openFrom,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { access } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import {
  all,
  checkpoint,
  chmod,
  connect,
  copyFile,
  each,
  type File,
  Kernel,
  listen,
  map,
  moveOn,
  type Operation,
  open,
  readDir,
  SystemError,
  sleep,
  spawn,
  timeout,
  until,
} from 'drupe'
import { chooseDriver, close, openFile, park, read, stat, sync, WaitQueue, write, writeAll } from 'drupe/lowlevel'
import { thrownBy } from '../kit.js'
import { PATIENCE_MS } from '../patience.js'

/** How many descriptors of this process are of files in a directory. */
const descriptors = (directory: string): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(directory)
    } catch {
      return false
    }
  }).length

/**
 * Keeps the host's threads busy: what they are given next waits until the function that comes back
 * is called, and is done when its promise is settled. Nothing may wait for them in between.
 */
function occupyThreads(t: ExecutionContext): () => Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'drupe-'))
  const path = join(directory, 'fifo')
  execFileSync('mkfifo', [path])
  const opening = (): Promise<number> =>
    new Promise((resolve, reject) => openFrom(path, 'r', (error, fd) => (error === null ? resolve(fd) : reject(error))))
  const readers = Promise.all([1, 2, 3, 4].map(opening))
  let released: Promise<void> | null = null
  const end = async (): Promise<void> => {
    const writer = openSync(path, 'w')
    for (const fd of [writer, ...(await readers)]) closeSync(fd)
    // Each thread has come back for more, and for more again.
    for (let i = 0; i < 2; i++) await Promise.all([1, 2, 3, 4].map(() => access(directory)))
    rmSync(directory, { recursive: true })
  }
  const release = (): Promise<void> => {
    released ??= end()
    return released
  }
  t.teardown(release)
  return release
}

/** What changes a file, given its path and the file, open; and what it must not do later on. */
interface Change {
  readonly what: string
  begin(path: string, file: File): Operation<unknown>
  /** Newer data. */
  change(path: string): void
  seen(path: string): unknown
  readonly gives: unknown
}

const CHANGES: readonly Change[] = [
  {
    what: 'an open that empties its file',
    begin: (path) => openFile(path, 'w'),
    change: (path) => writeFileSync(path, 'new'),
    seen: (path) => readFileSync(path, 'utf8'),
    gives: 'new',
  },
  {
    what: 'an open that makes its file',
    begin: (path) => openFile(`${path}-2`, 'a'),
    change: (path) => rmSync(`${path}-2`),
    seen: (path) => existsSync(`${path}-2`),
    gives: false,
  },
  {
    what: 'a truncate',
    begin: (_path, file) => file.truncate(0),
    change: (path) => writeFileSync(path, 'new'),
    seen: (path) => readFileSync(path, 'utf8'),
    gives: 'new',
  },
  {
    what: 'a change of permissions',
    begin: (path) => chmod(path, 0o600),
    change: (path) => chmodSync(path, 0o640),
    seen: (path) => statSync(path).mode & 0o777,
    gives: 0o640,
  },
]

function inDirectory(body: (directory: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const directory = mkdtempSync(join(tmpdir(), 'drupe-'))
    try {
      await body(directory)
    } finally {
      rmSync(directory, { recursive: true })
    }
  }
}

for (const name of process.platform === 'linux' ? (['io_uring', 'epoll'] as const) : []) {
  const kernelOn = (): Kernel =>
    new Kernel({ driver: chooseDriver(name) as NonNullable<ReturnType<typeof chooseDriver>> })

  const both = (title: string, body: (t: ExecutionContext, directory: string) => Operation<void>): void => {
    for (const mode of ['guest', 'blocking']) {
      test.serial(`${name}, ${mode}: ${title}`, (t) =>
        inDirectory(async (directory) => {
          const kernel = kernelOn()
          const op = (): Operation<void> => timeout(PATIENCE_MS, () => body(t, directory))
          if (mode === 'guest') await kernel.run(op)
          else kernel.runSync(op)
          t.deepEqual(Object.values(kernel.statistics), [0, 0, 0, 0, 0, 0])
          await kernel.close()
        })(),
      )
    }
  }

  both('a file is written, flushed, read back and asked about', function* (t, directory) {
    const path = join(directory, 'file')
    const fd = yield* openFile(path, 'w+')
    const bytes = new Uint8Array(3_000_000).map((_, i) => (i * 31) >> 3)
    t.is(yield* writeAll(fd, bytes), bytes.length)
    yield* sync(fd)
    t.is((yield* stat(path)).bytes, bytes.length)
    yield* close(fd)
    const again = yield* openFile(path)
    const found = new Uint8Array(bytes.length)
    let length = 0
    for (let count = -1; count !== 0; length += count) count = yield* read(again, found.subarray(length))
    t.is(length, bytes.length)
    t.is(Buffer.compare(found, bytes), 0)
    yield* close(again)
  })

  both('a file that is appended to grows by each piece once', function* (t, directory) {
    const path = join(directory, 'log')
    const fd = yield* openFile(path, 'a')
    for (let i = 0; i < 20; i++) yield* write(fd, new TextEncoder().encode(`${i},`))
    yield* close(fd)
    t.is(readFileSync(path, 'utf8'), Array.from({ length: 20 }, (_, i) => `${i},`).join(''))
  })

  both('a thousand requests at once each have their own answer', function* (t, directory) {
    for (let i = 0; i < 10; i++) writeFileSync(join(directory, String(i)), 'x'.repeat(i))
    const sizes = yield* map([...Array(1000).keys()], function* (i) {
      const fd = yield* openFile(join(directory, String(i % 10)))
      try {
        return (yield* stat(fd)).bytes
      } finally {
        yield* close(fd)
      }
    })
    t.deepEqual(
      sizes,
      [...Array(1000).keys()].map((i) => i % 10),
    )
    t.is(descriptors(directory), 0)
  })

  both('what cannot be done says why, with the path or the name', function* (t, directory) {
    const nowhere = join(directory, 'nowhere')
    const missing = yield* thrownBy(openFile(nowhere))
    t.true(missing instanceof SystemError)
    t.like(missing, { code: 'ENOENT', syscall: 'open', path: nowhere })
    t.like(yield* thrownBy(stat(nowhere)), { code: 'ENOENT', syscall: 'stat', path: nowhere })
    t.like(yield* thrownBy(sync(999_999)), { code: 'EBADF', syscall: 'sync' })
    const unknown = yield* thrownBy(connect({ host: 'no-such-name.invalid', port: 1 }))
    t.like(unknown, { syscall: 'getaddrinfo', address: 'no-such-name.invalid' })
    t.true(['ENOTFOUND', 'EAI_AGAIN'].includes((unknown as SystemError).code))
  })

  both('a name is looked up', function* (t) {
    const listener = yield* listen({ host: '127.0.0.1', port: 0 })
    // The machine's own name stands in its hosts file, or is one that its resolver makes up.
    const stream = yield* connect({ host: 'localhost', port: listener.port })
    const own = yield* thrownBy(connect({ host: 'localhost.localdomain', port: listener.port, timeout: 5000 }))
    if (own instanceof SystemError) t.true(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED'].includes(own.code), own.code)
    yield* stream.close()
    yield* listener.close()
    t.pass()
  })

  both('opens that are cancelled leave no descriptor', function* (t, directory) {
    const path = join(directory, 'file')
    writeFileSync(path, '')
    for (let round = 0; round < 50; round++) {
      const tasks = []
      for (let i = 0; i < 8; i++) tasks.push(yield* spawn(() => openFile(path)))
      if (round % 2 === 0) yield* sleep(0)
      for (const task of tasks) {
        yield* task.cancel()
        if (task.state === 'done') yield* close(task.result as number)
      }
    }
    yield* sleep(50)
    t.is(descriptors(directory), 0)
  })

  both('a write that is cut short stops: what is written after it stays as it is', function* (t, directory) {
    const path = join(directory, 'file')
    const fd = yield* openFile(path, 'w')
    const large = new Uint8Array(16_000_000).fill(1)
    for (let round = 0; round < 5; round++) {
      yield* moveOn(1, writeAll(fd, large))
      yield* writeAll(fd, new Uint8Array(1000).fill(2))
      // Another thread that still wrote would be done by then.
      yield* sleep(20)
      const bytes = readFileSync(path)
      t.true(bytes.subarray(-1000).every((byte) => byte === 2))
      t.is((yield* stat(fd)).bytes, bytes.length)
    }
    yield* close(fd)
  })

  both(
    'a read that is cut short has taken nothing: the next one goes on where the last one ended',
    function* (t, directory) {
      const path = join(directory, 'file')
      writeFileSync(path, 'abcdefgh')
      const fd = yield* openFile(path)
      const buffer = new Uint8Array(2)
      let seen = ''
      for (let i = 0; i < 40 && seen.length < 8; i++) {
        const count = yield* moveOn(0, read(fd, buffer))
        seen += new TextDecoder().decode(buffer.subarray(0, count ?? 0))
      }
      for (let count = yield* read(fd, buffer); count > 0; count = yield* read(fd, buffer)) {
        seen += new TextDecoder().decode(buffer.subarray(0, count))
      }
      t.is(seen, 'abcdefgh')
      yield* close(fd)
    },
  )

  test.serial(`${name}: a blocking run ends though a guest appends to a file, or makes one, meanwhile`, (t) =>
    inDirectory(async (directory) => {
      const kernel = kernelOn()
      const append = kernel.spawn(function* () {
        const fd = yield* openFile(join(directory, 'log'), 'a')
        for (let i = 0; i < 5; i++) yield* write(fd, new TextEncoder().encode('x'))
        yield* close(fd)
      })
      const make = kernel.spawn(function* () {
        yield* close(yield* openFile(join(directory, 'new'), 'wx'))
      })
      await new Promise(setImmediate)
      kernel.runSync(function* () {
        yield* append.join()
        yield* make.join()
      })
      t.is(readFileSync(join(directory, 'log'), 'utf8'), 'xxxxx')
      await kernel.close()
    })(),
  )

  test.serial(`${name}: a kernel that closes while files are opened leaves nothing open, and ends what waits`, (t) =>
    inDirectory(async (directory) => {
      const path = join(directory, 'file')
      writeFileSync(path, 'x')
      for (let round = 0; round < 20; round++) {
        const kernel = kernelOn()
        const runs = Array.from({ length: 20 }, () => kernel.run(() => openFile(path)).then(closeSync, () => {}))
        await kernel.close()
        await Promise.all(runs)
      }
      for (let i = 0; descriptors(directory) !== 0 && i < 100; i++)
        await new Promise((resolve) => setTimeout(resolve, 20))
      t.is(descriptors(directory), 0)
    })(),
  )

  for (const { what, begin, change, seen, gives } of CHANGES)
    test.serial(`${name}: ${what} that a guest has begun and a blocking run has ended is not done again later`, (t) =>
      inDirectory(async (directory) => {
        const path = join(directory, 'file')
        writeFileSync(path, 'old')
        const kernel = kernelOn()
        const file = await kernel.run(() => open(path, 'r+'))
        const release = occupyThreads(t)
        const task = kernel.spawn(() => begin(path, file))
        await new Promise(setImmediate)
        const fd = kernel.runSync(() => task.join())
        change(path)
        await release()
        t.deepEqual(seen(path), gives)
        if (what.startsWith('an open')) await kernel.run(() => close(fd as number))
        await kernel.run(() => file.close())
        await kernel.close()
      })(),
    )

  test.serial(`${name}: a copy that another thread may have begun is not made twice, and a blocking run says so`, (t) =>
    inDirectory(async (directory) => {
      const [from, to] = [join(directory, 'from'), join(directory, 'to')]
      writeFileSync(from, 'content')
      const kernel = kernelOn()
      const release = occupyThreads(t)
      const copying = kernel.spawn(() => copyFile(from, to))
      await new Promise(setImmediate)
      t.like(
        kernel.runSync(() => thrownBy(copying.join())),
        { code: 'EBUSY', syscall: 'copyfile', path: from },
      )
      t.false(existsSync(to))
      await release()
      // It was not to be stopped.
      t.is(readFileSync(to, 'utf8'), 'content')
      await kernel.close()
    })(),
  )

  test.serial(`${name}: a truncate that has begun cuts no other file that gets its number`, (t) =>
    inDirectory(async (directory) => {
      const [own, other] = [join(directory, 'own'), join(directory, 'other')]
      writeFileSync(own, 'own')
      writeFileSync(other, 'precious')
      const kernel = kernelOn()
      await kernel.run(function* () {
        const file = yield* open(own, 'r+')
        const release = occupyThreads(t)
        const cutting = yield* spawn(() => file.truncate(0))
        yield* checkpoint()
        const { fd } = file
        yield* file.close()
        const numbers: number[] = []
        do numbers.push(openSync(other, 'r+'))
        while ((numbers.at(-1) as number) < fd)
        // AVA's threads have one table of descriptors: another may have taken it.
        if (numbers.at(-1) !== fd) t.log('skipped: the number was taken')
        yield* until(release())
        yield* cutting.join()
        for (const number of numbers) closeSync(number)
      })
      t.is(readFileSync(own, 'utf8'), '')
      t.is(readFileSync(other, 'utf8'), 'precious')
      await kernel.close()
    })(),
  )

  test.serial(`${name}: a directory that a guest reads is read on by a blocking run`, (t) =>
    inDirectory(async (directory) => {
      for (let i = 0; i < 600; i++) writeFileSync(join(directory, String(i)), '')
      const kernel = kernelOn()
      let count = 0
      let release = async (): Promise<void> => {}
      const reading = kernel.spawn(() =>
        each(readDir(directory), function* () {
          if (count++ === 0) release = occupyThreads(t)
        }),
      )
      while (count === 0) await new Promise(setImmediate)
      kernel.runSync(() => reading.join())
      t.is(count, 600)
      await release()
      await kernel.close()
    })(),
  )

  test.serial(`${name}: a blocking run does not wait for ever for what the host has under way`, (t) =>
    inDirectory(async (directory) => {
      const path = join(directory, 'file')
      writeFileSync(path, 'x'.repeat(100))
      const kernel = kernelOn()
      const queue = new WaitQueue('wait for the go')
      const sizes = kernel.run(() => all([1, 2, 3, 4, 5, 6].map(() => () => stat(path))))
      // The requests are with the host by now.
      await new Promise(setImmediate)
      t.is(kernel.runSync(() => stat(path)).bytes, 100)
      t.is(
        kernel.runSync(() => moveOn(1, park(queue), 'nobody came')),
        'nobody came',
      )
      t.deepEqual(
        (await sizes).map(({ bytes }) => bytes),
        Array(6).fill(100),
      )
      await kernel.close()
    })(),
  )
}
