/**
 * fork and pools of processes: as threads, in guest mode and in blocking runs, with nothing left of them afterwards.
 */
import { execFile, spawn as spawnProcess } from 'node:child_process'
import { once } from 'node:events'
import test from 'ava'
import {
  BrokenError,
  fork,
  map,
  moveOn,
  type Operation,
  processPool,
  race,
  run,
  runSync,
  scope,
  sleep,
  spawn,
  TimeoutError,
  TooLargeError,
  timeout,
  UniversalQueue,
  use,
} from 'drupe'
import { covers } from '../../covers.js'
import { thrownBy } from '../../kit.js'
import { PATIENCE_MS } from '../../patience.js'
import { user } from './work.js'

const module = new URL('./work.js', import.meta.url)
const inProcess = <T>(name: string, ...args: unknown[]): Operation<T> => fork<T>(module, name, ...args)

const WINDOWS = process.platform === 'win32'

/** Does it run? One that has ended and was not reaped counts. */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const MODES: Readonly<Record<string, <T>(op: () => Operation<T>) => Promise<T>>> = {
  'as a guest': (op) => run(op),
  'in a blocking run': async (op) => runSync(op),
}

for (const [mode, runIn] of Object.entries(MODES)) {
  test(`${mode}: functions run in another process, and nothing is left of it`, async (t) => {
    covers(t, 'curio workers: cpu, blocking')
    await runIn(function* () {
      const results = yield* map(['sum', 'later', 'slowly', 'asOperation', 'same'], (name) => inProcess(name, 7), {
        concurrency: 2,
      })
      t.deepEqual(results, [7, 7, 7, undefined, 7])
      const value = {
        map: new Map([[1, new Set(['a'])]]),
        date: new Date(5),
        big: 5n,
        bytes: new Uint8Array(100_000).fill(3),
      }
      t.deepEqual(yield* inProcess('same', value), value)
      const pid = yield* inProcess<number>('pid')
      t.not(pid, process.pid)
      t.false(exists(pid))
    })
  })

  test(`${mode}: errors, and what cannot be copied`, async (t) => {
    covers(t, 'curio workers: bad_cpu, exception')
    await runIn(function* () {
      yield* use(processPool({ module, size: 1 }), function* (pool) {
        const large = yield* thrownBy(pool.run('fails', 'TooLargeError'))
        t.true(large instanceof TooLargeError)
        t.is((large as TooLargeError).maxBytes, 5)
        t.is(yield* thrownBy(pool.run('fails', 'text')), 'only text')
        t.regex(
          String(yield* thrownBy(pool.run('uncloneable'))),
          /^TypeError: Cannot return the result of uncloneable: /,
        )
        t.regex(String(yield* thrownBy(pool.run('same', () => {}))), /^TypeError: Cannot run same: its arguments, or /)
        const { port1, port2 } = new MessageChannel()
        t.true((yield* thrownBy(pool.run('same', port1))) instanceof TypeError)
        port2.close()
        t.regex(String(yield* thrownBy(pool.run('missing'))), /has no such export$/)
        t.deepEqual([pool.statistics().started, pool.statistics().lost], [1, 0])
      })
    })
  })

  test(`${mode}: a cancel travels, deadlines and contexts too, and a process that never waits is ended`, async (t) => {
    covers(t, 'curio workers: worker_cancel, worker_timeout')
    await runIn(function* () {
      yield* use(processPool({ module, size: 1 }), function* (pool) {
        const pid = yield* pool.run<number>('pid')
        const left = yield* timeout(PATIENCE_MS, pool.run<number>('timeLeft'))
        t.true(left > 0 && left <= PATIENCE_MS)
        t.is(yield* user.with('Ada', () => pool.run('getUser')), 'Ada')
        t.true((yield* thrownBy(timeout(20, pool.run('forever')))) instanceof TimeoutError)
        t.is(yield* pool.run('pid'), pid, 'it is the same one')
        const begin = pool.run('spinsAtOnce')
        yield* scope({ grace: 20 }, function* (own) {
          yield* spawn(function* () {
            yield* sleep(100)
            yield* own.cancel()
          })
          yield* begin
        })
        t.false(exists(pid))
        t.not(yield* pool.run('pid'), pid)
        t.is(pool.statistics().lost, 1)
      })
    })
  })

  test(`${mode}: a process that ends by itself is a BrokenError, and is replaced`, async (t) => {
    await runIn(function* () {
      yield* use(processPool({ module, size: 1 }), function* (pool) {
        const exited = (yield* thrownBy(pool.run('exits', 4))) as Error
        t.true(exited instanceof BrokenError)
        t.is(exited.message, 'Cannot run exits: process 1 of the pool has ended by itself, with exit code 4')
        const killed = (yield* thrownBy(pool.run('killsItself'))) as Error
        const how = WINDOWS ? 'with exit code 1' : 'by SIGKILL'
        t.is(killed.message, `Cannot run killsItself: process 2 of the pool has ended by itself, ${how}`)
        t.is(yield* pool.run('sum', 1), 1)
      })
    })
  })

  test(`${mode}: a process that dies while a program of its own has the line is a BrokenError all the same`, async (t) => {
    if (WINDOWS) {
      t.log('skipped: there nothing that it starts outlives it, and it has no line as its input')
      return t.pass()
    }
    await runIn(function* () {
      const error = (yield* thrownBy(inProcess('leavesOne'))) as Error
      t.true(error instanceof BrokenError)
      t.is(error.message, 'Cannot run leavesOne: the process of leavesOne has ended by itself, by SIGKILL')
    })
  })

  test(`${mode}: the end of the pool cancels what is under way, and reaps all`, async (t) => {
    await runIn(function* () {
      const pids: number[] = []
      yield* use(processPool({ module, size: 2 }), function* (pool) {
        for (const pid of yield* map([1, 2], () => pool.run<number>('pidSlowly'))) pids.push(pid)
        yield* spawn(() => pool.run('forever'), { daemon: true })
        yield* sleep(20)
      })
      t.deepEqual(pids.filter(exists), [])
      t.true(pids.length === 2 && pids[0] !== pids[1])
    })
  })
}

test('work is shared out by a queue here', async (t) => {
  await run(() =>
    use(processPool({ module, size: 2 }), function* (pool) {
      const numbers = new UniversalQueue<number>()
      for (let n = 1; n <= 20; n++) numbers.tryPut(n)
      const sums = yield* map([1, 2], function* () {
        let sum = 0
        for (let n = numbers.tryGet(); n !== undefined; n = numbers.tryGet()) sum += yield* pool.run<number>('sum', n)
        return sum
      })
      t.is((sums[0] ?? 0) + (sums[1] ?? 0), 210)
    }),
  )
})

test('a race of calls ends the losers', async (t) => {
  const first = await run(() => race([inProcess('forever'), inProcess('sum', 1)]))
  t.is(first, 1)
  t.is(await run(() => moveOn(0, inProcess('sum', 1), 'late')), 'late')
})

test('when this process is killed, the other one cleans up and ends', async (t) => {
  const program = `
    import { fork, run } from 'drupe'
    await run(() => fork(new URL(${JSON.stringify(String(module))}), 'tellsAndWaits', process.argv[1]))`
  const args = ['--input-type=module', '-e', program]
  const child = spawnProcess(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (/^\d+\n/.test(output)) child.kill('SIGKILL')
  })
  // Its output is closed when both have ended.
  await once(child, 'close')
  // On Windows its job ends with this process.
  t.regex(output, WINDOWS ? /^\d+\n$/ : /^\d+\ncleaned up\n$/)
  t.is(child.signalCode, 'SIGKILL')
})

test('no flags and no input of the program are in its way', async (t) => {
  const program = `
    import { fork, run } from 'drupe'
    console.log(await run(() => fork(new URL(${JSON.stringify(String(module))}), 'sum', 1, 2)))`
  const args = ['--input-type=module', '-e', program]
  const stdout = await new Promise((resolve, reject) =>
    execFile(process.execPath, args, (error, text) => (error === null ? resolve(text) : reject(error))),
  )
  t.is(stdout, '3\n')
})
