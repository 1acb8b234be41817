/**
 * Programs that start Node itself, so that they run on every platform that starts processes; the first argument says which.
 * They print what is left over, or how it ended.
 */
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { exec, fork, map, moveOn, nursery, type Operation, run, runSync, sleep, startProcess } from 'drupe'
import { thrownBy } from '../../kit.js'
import { runs } from '../../modes/processes.js'
import { openDescriptors } from '../../open-descriptors.js'

const FOR_EVER = 'setInterval(() => {}, 1000)'
const say = (value: unknown): void => console.log(JSON.stringify(value))
const node = (script: string): Operation<unknown> => exec(process.execPath, ['-e', script])

/** Does it end, all by itself? */
function* gone(pid: number): Operation<boolean> {
  for (let i = 0; i < 1000 && runs(pid); i++) yield* sleep(10)
  return !runs(pid)
}

/** How many descriptors more there are afterwards. */
function* leftOver(op: () => Operation<unknown>): Operation<number> {
  yield* op()
  const before = openDescriptors()
  yield* op()
  yield* op()
  for (let i = 0; i < 300 && openDescriptors() > before; i++) yield* sleep(10)
  return openDescriptors() - before
}

function* much(): Operation<void> {
  yield* map([1, 2, 3, 4, 5, 6], () => node(''), { concurrency: 3 })
  for (const ms of [0, 1, 30]) yield* moveOn(ms, () => node(FOR_EVER))
  yield* thrownBy(exec('no-such-program'))
  yield* thrownBy(exec(process.execPath, [], { cwd: '/no/such/folder' }))
  yield* thrownBy(startProcess(process.execPath, [], { stderr: 9999 }))
}

/** A function elsewhere that returns, one that fails, and one that is cancelled. */
function* forks(): Operation<void> {
  const work = new URL('../../traps/os/work.js', import.meta.url)
  if ((yield* fork(work, 'sum', 1, 2)) !== 3) throw new Error('the sum is another one')
  yield* thrownBy(fork(work, 'fails', 'TypeError'))
  for (const ms of [1, 300]) yield* moveOn(ms, fork(work, 'forever'))
}

/** This file again, in a process of its own; what it has started is gone when it is. */
function* takesAlong(how: string): Operation<unknown> {
  const { stdout } = yield* exec(process.execPath, [fileURLToPath(import.meta.url), how], { ok: false })
  return yield* gone(JSON.parse(new TextDecoder().decode(stdout)))
}

/** Tells the number of one that runs for ever, and goes on. */
function* one(): Operation<void> {
  const child = yield* startProcess(process.execPath, ['-e', FOR_EVER], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
  })
  say(child.pid)
}

const CASES: Readonly<Record<string, () => unknown>> = {
  'nothing is left': async () => say(await run(() => leftOver(much))),
  'nothing is left, blocking': () => say(runSync(() => leftOver(much))),
  'an exit takes programs along': async () => say(await run(() => takesAlong('exits'))),
  'a crash takes programs along': async () => say(await run(() => takesAlong('crashes'))),
  exits: () =>
    run(() =>
      nursery(function* () {
        yield* one()
        process.exit(0)
      }),
    ),
  crashes: () =>
    run(() =>
      nursery(function* () {
        yield* one()
        setTimeout(() => {
          throw new Error('the crash')
        })
        yield* sleep(100_000)
      }),
    ),
  'in a worker': async () => {
    if (!isMainThread) return
    const worker = new Worker(new URL(import.meta.url), { argv: ['worker'] })
    worker.on('message', say)
    await once(worker, 'exit')
  },
  worker: async () => parentPort?.postMessage(await run(() => leftOver(much))),
  fork: async () => say(await run(() => leftOver(forks))),
  'fork, blocking': () => say(runSync(() => leftOver(forks))),
}

await CASES[process.argv[2] as string]?.()
