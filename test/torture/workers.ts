/**
 * Worker threads terminated at random moments: no abort, no hang, no descriptor left behind.
 *
 * Each batch is a process of its own. It starts workers whose kernels are busy or idle, as guests and in blocking runs, stuck in
 * JavaScript or out of memory, and terminates each after a random time. At the end it exits beside workers that live.
 * The seed decides what is started and when it is ended; the rest is the machine's doing.
 *
 * One moment is left out. koffi aborts the process if a worker is terminated while it loads koffi (koffi-abort.ts),
 * which nobody can prevent from inside; so who would terminate a worker then waits until it has loaded. And a worker that has
 * no memory left may abort the process in Node 24, or collect garbage for ever in Node 26, without Drupe, too.
 */
import { spawn as spawnProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { connect, Kernel, type Listener, listen, type Operation, sleep, spawn } from 'drupe'

const BATCH = 25
const AT_ONCE = 4
const AT_EXIT = 3
const EXIT_CODE = 7
/** From the start of a worker, which takes about a third of it, to its end. */
const LIFE_MS = 250
/** A worker that is not gone by then hangs. */
const HANG_MS = 10_000
const BATCH_MS = 120_000
/** How long the OS may take to let go of the files of a ring. */
const SETTLE_MS = 3000

const here = fileURLToPath(import.meta.url)
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** What the descriptors of a process are: `socket:[1234]`, `anon_inode:[timerfd]`, a path. */
function targetsOf(pid: string): string[] {
  try {
    const folder = `/proc/${pid}/fd`
    return readdirSync(folder).flatMap((fd) => {
      try {
        return [readlinkSync(`${folder}/${fd}`)]
      } catch {
        return []
      }
    })
  } catch {
    // It has ended, or is another user's.
    return []
  }
}

/** Those that are no files: Node's loader leaves the modules open that it was reading. */
const descriptors = (): string[] => targetsOf('self').filter((target) => !target.startsWith('/'))

/** Sockets that listen and that no other process has: a ring that is left keeps them without a descriptor. */
function listeners(): number {
  const lines = readFileSync('/proc/self/net/tcp', 'utf8').trim().split('\n').slice(1)
  const inodes = lines.map((line) => line.trim().split(/\s+/)).filter((field) => field[3] === '0A')
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  const others = new Set(pids.flatMap(targetsOf))
  return inodes.filter((field) => !others.has(`socket:[${field[9]}]`)).length
}

function generator(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A listener, a connection whose both ends wait, and a timer. */
function* idle(): Operation<Listener> {
  const listener = yield* listen({ host: '127.0.0.1', port: 0 })
  const accepting = yield* spawn(listener.accept())
  const stream = yield* connect({ host: '127.0.0.1', port: listener.port })
  const accepted = yield* accepting.join()
  yield* spawn(accepted.read())
  yield* spawn(stream.read())
  yield* spawn(listener.accept())
  yield* spawn(sleep(3_600_000))
  return listener
}

function* busy(): Operation<void> {
  const listener = yield* listen({ host: '127.0.0.1', port: 0 })
  yield* spawn(function* server() {
    for (;;) {
      const stream = yield* listener.accept()
      yield* spawn(function* echo() {
        for (let got = yield* stream.read(); got !== null; got = yield* stream.read()) yield* stream.write(got)
        yield* stream.close()
      })
    }
  })
  for (let i = 0; i < 3; i++) {
    yield* spawn(function* client() {
      for (;;) {
        const stream = yield* connect({ host: '127.0.0.1', port: listener.port })
        for (let turn = 0; turn < 20; turn++) {
          yield* stream.write(new Uint8Array(100))
          yield* stream.readExactly(100)
        }
        yield* stream.close()
      }
    })
  }
}

function hold(): never {
  for (;;);
}

function fill(): never {
  const kept: unknown[] = []
  for (;;) kept.push(new Array(1000).fill(kept.length))
}

/** After the kernel has something open. */
function* idleThen(end: () => never): Operation<void> {
  yield* idle()
  yield* sleep(5)
  end()
}

const JOBS: readonly ((kernel: Kernel) => unknown)[] = [
  (kernel) => kernel.spawn(idle),
  (kernel) => kernel.spawn(busy),
  (kernel) => kernel.runSync(idle),
  (kernel) => kernel.runSync(busy),
  (kernel) => kernel.spawn(() => idleThen(hold)),
  (kernel) => kernel.runSync(() => idleThen(hold)),
  (kernel) => [kernel.spawn(busy), new Kernel().spawn(idle)],
  (kernel) => kernel.spawn(() => idleThen(fill)),
  (kernel) => kernel.runSync(() => idleThen(fill)),
]

/** Without the two that fill their memory, where that is Node's own undoing. */
const KINDS = Number.parseInt(process.versions.node, 10) < 24 ? JOBS.length : JOBS.length - 2

/** What a worker is doing, in its one shared number. */
const LOADING = 1
const LOADED = 2

interface Started {
  readonly worker: Worker
  readonly state: Int32Array
}

interface Job {
  readonly job: number
  readonly state: Int32Array
}

const start = (job: number): Started => {
  const state = new Int32Array(new SharedArrayBuffer(4))
  const workerData: Job = { job, state }
  const worker = new Worker(here, { workerData, resourceLimits: { maxOldGenerationSizeMb: 24 } })
  // Out of memory, as ordered.
  worker.on('error', (error: Error & { code?: string }) => {
    if (error.code !== 'ERR_WORKER_OUT_OF_MEMORY') console.error(error)
  })
  return { worker, state }
}

/** In the worker. */
function work({ job, state }: Job): void {
  Atomics.store(state, 0, LOADING)
  const kernel = new Kernel()
  Atomics.store(state, 0, LOADED)
  Atomics.notify(state, 0)
  JOBS[job]?.(kernel)
}

/** Says whether the worker could be ended. */
async function terminate(job: number, ms: number): Promise<boolean> {
  const { worker, state } = start(job)
  // Not `once` of node:events, which is rejected if the worker has no memory left.
  const gone = new Promise((resolve) => worker.once('exit', resolve))
  await pause(ms)
  Atomics.wait(state, 0, LOADING, HANG_MS)
  const ended = worker.terminate().then(() => gone)
  return await Promise.race([ended.then(() => true), pause(HANG_MS).then(() => false)])
}

/** Says what is left. Those of one kind may all have one name. */
function complain(before: readonly string[], listening: number): void {
  const known = [...before]
  const more = descriptors().filter((target) => {
    const at = known.indexOf(target)
    if (at >= 0) known.splice(at, 1)
    return at < 0
  })
  console.error(`left: ${more.join(', ')}; ${listening} listeners more`)
}

async function batch(seed: number): Promise<void> {
  const random = generator(seed)
  const draw = (): [job: number, ms: number] => [Math.floor(random() * KINDS), random() * LIFE_MS]
  const kernel = new Kernel()
  await kernel.run(() => sleep(1))
  // The first load what stays for good.
  for (let job = 0; job < 4; job++) await terminate(job, LIFE_MS)
  const before = descriptors()
  const listening = listeners()
  let due = BATCH
  let hangs = 0
  const line = async (): Promise<void> => {
    while (due-- > 0) if (!(await terminate(...draw()))) hangs++
  }
  await Promise.all(Array.from({ length: AT_ONCE }, line))
  const left = (): number => Math.max(descriptors().length - before.length, 0) + Math.max(listeners() - listening, 0)
  for (let ms = 0; ms < SETTLE_MS && left() > 0; ms += 20) await pause(20)
  const leaks = left()
  if (leaks > 0) complain(before, listeners() - listening)
  console.log(JSON.stringify({ workers: BATCH, hangs, leaks }))
  if (hangs > 0) process.kill(process.pid, 'SIGKILL')
  const living = Array.from({ length: AT_EXIT }, () => start(draw()[0]))
  setTimeout(() => {
    for (const { state } of living) Atomics.wait(state, 0, LOADING, HANG_MS)
    if (seed % 2 === 0) process.exit(EXIT_CODE)
    process.exitCode = EXIT_CODE
    process.once('uncaughtException', () => process.exit(EXIT_CODE))
    throw new Error('on purpose')
  }, random() * LIFE_MS)
}

/** Runs batches for so long; what fell, by kind. */
export async function torture(seconds: number, seed: number): Promise<Record<string, number>> {
  const sum = { batches: 0, workers: 0, aborts: 0, hangs: 0, leaks: 0, fell: 0 }
  const end = performance.now() + seconds * 1000
  for (let i = 0; i === 0 || performance.now() < end; i++) {
    const child = spawnProcess(process.execPath, [here, '--batch', String(seed + i)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: BATCH_MS,
      killSignal: 'SIGKILL',
    })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
    const { workers, hangs, leaks } = output === '' ? { workers: 0, hangs: 0, leaks: 0 } : JSON.parse(output)
    sum.batches++
    sum.workers += workers
    sum.leaks += leaks
    sum.hangs += hangs
    if (signal === 'SIGKILL' && hangs === 0) sum.hangs++
    else if (signal !== 'SIGKILL' && code !== EXIT_CODE) {
      sum.aborts++
      console.error(`batch ${seed + i}: code ${code}, signal ${signal}`)
    }
  }
  sum.fell = sum.aborts + sum.hangs + sum.leaks
  return sum
}

if (!isMainThread) {
  if (workerData?.state instanceof Int32Array) work(workerData)
} else if (process.argv[1] === here) {
  if (process.argv[2] === '--batch') await batch(Number(process.argv[3]))
  else {
    const [seconds, seed] = [Number(process.argv[2] ?? 10), Number(process.argv[3] ?? 1)]
    const sum = await torture(seconds, seed)
    console.log(JSON.stringify(sum))
    if (sum['fell']) process.exitCode = 1
  }
}
