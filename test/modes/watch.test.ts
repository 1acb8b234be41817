/**
 * Watching files, by the driver and by the host: the same scenarios on the host's timers and on the driver of this
 * platform. What happens to the files is done with Node, since the host driver has no files of its own.
 */
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import {
  BusyError,
  type FileEvent,
  Kernel,
  KernelStateError,
  moveOn,
  nursery,
  type Operation,
  run,
  SystemError,
  timeout,
  UnsupportedError,
  watch,
} from 'drupe'
import { HostDriver } from 'drupe/lowlevel'
import { VirtualDriver } from 'drupe/testing'
import { MODES, thrownBy } from '../kit.js'
import { PATIENCE_MS } from '../patience.js'

interface Events {
  next(): Operation<IteratorResult<FileEvent, unknown>>
}

/** Reads on until all of these have come; how often each came. Names are told without the directory. */
function* until(events: Events, root: string, ...wanted: readonly string[]): Operation<number[]> {
  const counts = new Map<string, number>(wanted.map((event) => [event, 0]))
  while ([...counts.values()].includes(0)) {
    const { value } = (yield* events.next()) as { value: FileEvent }
    const event = `${value.type} ${value.path.slice(root.length)}`
    if (counts.has(event)) counts.set(event, (counts.get(event) as number) + 1)
  }
  return [...counts.values()]
}

interface Scenario {
  readonly name: string
  readonly gives: unknown
  op(directory: string): Operation<unknown>
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'what is made and removed in a tree is told once, in directories that come later, too',
    *op(d) {
      mkdirSync(join(d, 'a'))
      const events = yield* watch(d, { recursive: true })
      mkdirSync(join(d, 'b/c'), { recursive: true })
      writeFileSync(join(d, 'b/c/f'), 'x')
      writeFileSync(join(d, 'a/f'), 'x')
      const made = yield* until(events, d, 'created /b', 'created /b/c', 'created /b/c/f', 'created /a/f')
      writeFileSync(join(d, 'b/c/g'), 'x')
      rmSync(join(d, 'a/f'))
      const later = yield* until(events, d, 'created /b/c/g', 'removed /a/f')
      rmSync(join(d, 'b'), { recursive: true })
      return [made, later, yield* until(events, d, 'removed /b')]
    },
    gives: [[1, 1, 1, 1], [1, 1], [1]],
  },
  {
    name: 'a directory that another one has taken the place of is watched again',
    *op(d) {
      mkdirSync(join(d, 'a'))
      const events = yield* watch(d, { recursive: true })
      renameSync(join(d, 'a'), join(d, 'b'))
      mkdirSync(join(d, 'a'))
      writeFileSync(join(d, 'a/f'), 'x')
      yield* until(events, d, 'created /b', 'created /a/f')
      writeFileSync(join(d, 'b/g'), 'x')
      writeFileSync(join(d, 'a/h'), 'x')
      return yield* until(events, d, 'created /b/g', 'created /a/h')
    },
    gives: [1, 1],
  },
  {
    name: 'what is moved out of a tree tells nothing any more, also if its name is another one’s then',
    *op(d) {
      const root = join(d, 'root')
      mkdirSync(join(root, 'a/b'), { recursive: true })
      const events = yield* watch(root, { recursive: true })
      const told: string[] = []
      const listening = {
        *next() {
          const step = yield* events.next()
          if (!step.done) told.push(step.value.path)
          return step
        },
      }
      renameSync(join(root, 'a'), join(d, 'away'))
      writeFileSync(join(d, 'away/secret'), 'x')
      yield* until(listening, root, 'removed /a')
      // Bun tells once of a name that changes twice within a millisecond, unless there is another one between.
      writeFileSync(join(root, 'between'), 'x')
      yield* until(listening, root, 'created /between')
      writeFileSync(join(d, 'away/b/secret'), 'x')
      mkdirSync(join(root, 'a/b'), { recursive: true })
      writeFileSync(join(d, 'away/secret2'), 'x')
      yield* until(listening, root, 'created /a/b')
      writeFileSync(join(d, 'away/b/secret3'), 'x')
      writeFileSync(join(root, 'a/b/own'), 'x')
      yield* until(listening, root, 'created /a/b/own')
      return told.filter((path) => path.includes('secret'))
    },
    gives: [],
  },
  {
    name: 'a directory that is moved within its tree is told of under its new name, and so is what is deep in it',
    *op(d) {
      mkdirSync(join(d, 'a/b/c'), { recursive: true })
      mkdirSync(join(d, 'z'))
      const events = yield* watch(d, { recursive: true })
      renameSync(join(d, 'a'), join(d, 'z/y'))
      const moved = yield* until(events, d, 'removed /a', 'created /z/y/b/c')
      writeFileSync(join(d, 'z/y/b/c/f'), 'x')
      const told = yield* until(events, d, 'created /z/y/b/c/f')
      renameSync(join(d, 'z/y/b'), join(d, 'b'))
      yield* until(events, d, 'created /b/c/f')
      writeFileSync(join(d, 'b/c/g'), 'x')
      return [moved, told, yield* until(events, d, 'created /b/c/g')]
    },
    gives: [[1, 1], [1], [1]],
  },
  {
    name: 'when what is watched is gone, moved, or another file has its place, that is the last event',
    *op(d) {
      const ends: unknown[] = []
      const doings: readonly ((path: string) => void)[] = [
        (path) => rmSync(path, { recursive: true }),
        (path) => renameSync(path, join(d, 'elsewhere')),
        (path) => {
          writeFileSync(join(d, 'new'), 'x')
          renameSync(join(d, 'new'), path)
        },
      ]
      for (const [i, doing] of doings.entries()) {
        const path = join(d, `${i}`)
        if (i === 1) mkdirSync(path)
        else writeFileSync(path, '')
        const events = yield* watch(path, { recursive: i === 1 })
        doing(path)
        yield* until(events, path, 'removed ')
        ends.push((yield* events.next()).done, (yield* events.next()).done)
      }
      return ends
    },
    gives: [true, true, true, true, true, true],
  },
  {
    name: 'a file tells of changes and of its end, and waiting can be called off',
    *op(d) {
      const path = join(d, 'f')
      writeFileSync(path, 'x')
      const events = yield* watch(path)
      const called = yield* moveOn(5, events.next(), 'nothing')
      appendFileSync(path, 'y')
      const { value } = yield* events.next()
      rmSync(path)
      const ended = yield* until(events, path, 'removed ')
      yield* events.close()
      return [called, (value as FileEvent).type, ended, (yield* events.next()).done]
    },
    gives: ['nothing', 'changed', [1], true],
  },
  {
    name: 'without recursive it is what is right in the directory, and the end of that',
    *op(d) {
      const path = join(d, 'a')
      mkdirSync(join(path, 'deep'), { recursive: true })
      writeFileSync(join(path, 'old'), 'x')
      const events = yield* watch(path)
      writeFileSync(join(path, 'deep/f'), 'x')
      appendFileSync(join(path, 'old'), 'y')
      writeFileSync(join(path, 'g'), 'x')
      const seen = yield* until(events, path, 'changed /old', 'created /g')
      rmSync(path, { recursive: true })
      return [seen.every((count) => count >= 1), yield* until(events, path, 'removed /g', 'removed ')]
    },
    gives: [true, [1, 1]],
  },
  {
    name: 'a reader that is cancelled at any wait loses nothing',
    *op(d) {
      const events = yield* watch(d)
      const seen = new Set<string>()
      for (let i = 0; seen.size < 50; i++) {
        if (i < 50) writeFileSync(join(d, `${i}`), '')
        const step = yield* moveOn(i % 3, events.next(), null)
        const event = step?.value as FileEvent | undefined
        if (event?.type === 'created') seen.add(event.path)
      }
      return seen.size
    },
    gives: 50,
  },
  {
    name: 'one task at a time asks, also while directories are looked into, and a close ends its wait',
    *op(d) {
      const events = yield* watch(d, { recursive: true })
      const seen: string[] = []
      const refused = new Set<unknown>()
      function* reader(): Operation<unknown> {
        try {
          for (;;) {
            const { done, value } = yield* events.next()
            if (done) return 'closed'
            if ((value as FileEvent).type === 'created') seen.push((value as FileEvent).path)
          }
        } catch (error) {
          if (!(error instanceof BusyError)) throw error
          refused.add(error)
          return 'refused'
        }
      }
      return yield* nursery(function* (n) {
        for (let i = 0; i < 20; i++) {
          mkdirSync(join(d, `${i}/a/b`), { recursive: true })
          writeFileSync(join(d, `${i}/a/b/f`), '')
        }
        const first = yield* n.spawn(reader)
        while (seen.length < 80) {
          const second = yield* n.spawn(reader)
          if ((yield* second.join()) !== 'refused') return 'two were let in'
        }
        yield* events.close()
        return [new Set(seen).size, seen.length, yield* first.join(), refused.size > 0]
      })
    },
    gives: [80, 80, 'closed', true],
  },
  {
    name: 'links are not followed, and what is not there is said',
    *op(d) {
      mkdirSync(join(d, 'there'))
      mkdirSync(join(d, 'root'))
      symlinkSync('../there', join(d, 'root/link'))
      const events = yield* watch(join(d, 'root'), { recursive: true })
      symlinkSync('../there', join(d, 'root/later'))
      writeFileSync(join(d, 'there/f'), 'x')
      writeFileSync(join(d, 'root/last'), 'x')
      const paths = new Set<string>()
      for (;;) {
        const { value } = (yield* events.next()) as { value: FileEvent }
        paths.add(value.path.slice(d.length))
        if (value.path.endsWith('last')) break
      }
      const error = yield* thrownBy(watch(join(d, 'none')))
      return [[...paths], error instanceof SystemError && error.code]
    },
    gives: [['/root/later', '/root/last'], 'ENOENT'],
  },
]

function* inDirectory({ op }: Scenario): Operation<unknown> {
  const directory = mkdtempSync(join(tmpdir(), 'drupe-watch-'))
  try {
    return yield* nursery(() => op(directory))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const native = MODES.filter(({ io }) => io)

/** Whether the driver of this platform brings the news itself, so that they come in blocking runs, too. */
function watcherHere(): boolean {
  const kernel = new Kernel()
  const has = ['io_uring', 'epoll'].includes(kernel.driver)
  kernel.closeSync()
  return has
}

for (const scenario of SCENARIOS) {
  test(`the host: ${scenario.name}`, async (t) => {
    const result = await run(timeout(PATIENCE_MS, inDirectory(scenario)), { driver: new HostDriver() })
    t.deepEqual(result, scenario.gives)
  })

  for (const mode of native) {
    test(`${mode.name}: ${scenario.name}`, async (t) => {
      if (!mode.hosted && !watcherHere()) {
        t.log('skipped: where the host watches there are no blocking runs of it')
        return t.pass()
      }
      if (process.platform === 'win32') {
        t.log('skipped: not on Windows yet')
        return t.pass()
      }
      t.deepEqual(await mode.run(() => timeout(PATIENCE_MS, inDirectory(scenario))), scenario.gives)
    })
  }
}

test('where the host would have to watch, a blocking run says so; virtual time has no files', async (t) => {
  const kernel = new Kernel()
  if (kernel.driver === 'kqueue') {
    const error = kernel.runSync(() => thrownBy(watch(tmpdir())))
    t.true(error instanceof KernelStateError)
    t.regex((error as Error).message, /^Cannot watch files: .*use run, not runSync$/)
  }
  await kernel.close()
  const virtual = new Kernel({ driver: new VirtualDriver() })
  t.true(virtual.runSync(() => thrownBy(watch(tmpdir()))) instanceof UnsupportedError)
  virtual.closeSync()
})
