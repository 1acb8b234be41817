/**
 * A pool of two threads in Drupe: many calls at once, one after the other, and how long a cancel takes there and back.
 */
import {
  clock,
  Kernel,
  map,
  type Operation,
  sleep,
  spawn,
  threadPool,
  UniversalEvent,
  UniversalResult,
  use,
  type WorkerPool,
} from 'drupe'
import { now, perItem, print } from './measure.js'
import { ALONE, isJob, JOBS } from './threads-jobs.js'

const module = new URL('./threads-work.js', import.meta.url)
const [part = ''] = process.argv.slice(2)
const CANCELS = 100

function* atOnce(pool: WorkerPool, name: string, argument: number, calls: number): Operation<number> {
  const begin = now()
  yield* map(Array.from({ length: calls }), () => pool.run(name, argument))
  return now() - begin
}

function* alone(pool: WorkerPool, calls: number): Operation<number> {
  const begin = now()
  for (let i = 0; i < calls; i++) yield* pool.run('nothing', i)
  return now() - begin
}

/** From the cancel to the end of the wait here, cleanup there included; the slowest but one of a hundred. */
function* cancels(pool: WorkerPool): Operation<Record<string, number>> {
  const times: number[] = []
  for (let i = 0; i < CANCELS; i++) {
    const task = yield* spawn(() => pool.run('everyPrime', 1_000_000_007))
    yield* sleep(5)
    const begin = yield* clock()
    yield* task.cancel()
    times.push((yield* clock()) - begin)
  }
  times.sort((a, b) => a - b)
  return { cancelMs: times[CANCELS >> 1] ?? Number.NaN, cancelP99Ms: times.at(-2) ?? Number.NaN }
}

const kernel = new Kernel()
const done = new UniversalEvent()
const ready = new UniversalResult<WorkerPool>()
const holder = kernel.run(() =>
  use(threadPool({ module, size: 2 }), function* (pool) {
    ready.set(pool)
    yield* done.wait()
  }),
)
const pool = await ready.join()
if (isJob(part)) {
  const { name, argument, calls } = JOBS[part]
  const ns = await perItem(calls, (n) => kernel.run(() => atOnce(pool, name, argument, n)))
  print({ [part]: ns / 1000 })
} else if (part === 'alone') {
  print({ alone: (await perItem(ALONE, (n) => kernel.run(() => alone(pool, n)))) / 1000 })
} else {
  await kernel.run(() => cancels(pool))
  print(await kernel.run(() => cancels(pool)))
}
done.set()
await holder
await kernel.close()
