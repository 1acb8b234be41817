/**
 * Another thread waits: how the host's loop hears of a completion port, which it cannot watch.
 *
 * The thread is a worker of Node's without anything else in it. It takes packets from the port as
 * soon as there are any, puts them into shared memory and sends a message; the driver's thread has
 * its turn, in which it takes them and all that has come meanwhile; then the other one may wait
 * again. So a packet is never on two threads, and a busy driver, which polls by itself, is not told
 * of each.
 *
 * A thread in a call of Windows cannot be ended from outside: it is woken by a packet and leaves,
 * also when the process exits. In a worker's worker it waits in slices, because a thread that is
 * terminated runs nothing that could wake it. Nor can one that loads koffi be ended: a call of
 * Node-API in a thread that ends takes the process with it. So the driver waits for that, too.
 */
import type { Worker } from 'node:worker_threads'
import type { News, Watch } from '../host/guest.js'
import { requiredFrom } from '../koffi.js'
import { INFINITE } from './constants.js'
import { BATCH, hand, KEY_QUIT, PACKET_WORDS, type Port, type TakePacket } from './port.js'

/** Words of shared memory: what the thread does, whether there are packets, how many. */
const PHASE = 0
const FULL = 1
const COUNT = 2
const CONTROL_WORDS = 4
/** Its phases: not there yet; it loads koffi; it waits, or will; it is to leave; it has left. */
const STARTING = 0
const LOADING = 1
const RUNNING = 2
const LEAVING = 3
const LEFT = 4

/** How long a worker's worker waits at a time. */
const SLICE_MS = 100
/** How long it may take to leave; with a busy machine, to load koffi first. */
const LEAVE_MS = 5000
/** How often it is told to. */
const POST_MS = 50

interface Job {
  readonly require: string
  readonly port: number
  readonly shared: SharedArrayBuffer
  readonly ms: number
}

/**
 * What the thread runs, as text: a bundled program has no file for it. It can use nothing of this
 * module.
 */
function program(constants: typeof CONSTANTS): void {
  const { PHASE, FULL, COUNT, CONTROL_WORDS, STARTING, LOADING, RUNNING, LEFT, BATCH, PACKET_WORDS } = constants
  const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads')
  const job = workerData as Job
  const control = new Int32Array(job.shared, 0, CONTROL_WORDS)
  if (Atomics.compareExchange(control, PHASE, STARTING, LOADING) !== STARTING) return
  const koffi = process.getBuiltinModule('node:module').createRequire(job.require)('koffi') as typeof import('koffi')
  const types = ['intptr_t', 'uintptr_t', 'uint', 'uintptr_t', 'uint', 'int']
  const take = koffi.load('kernel32.dll').func('GetQueuedCompletionStatusEx', 'int', types)
  const addressOf = (view: ArrayBufferView): number => {
    void view.buffer
    return Number(koffi.address(view))
  }
  const shared = new Uint32Array(job.shared, CONTROL_WORDS * 4)
  const packets = new Uint32Array(BATCH * PACKET_WORDS)
  const count = new Uint32Array(1)
  const packetsAt = addressOf(packets)
  const countAt = addressOf(count)
  if (Atomics.compareExchange(control, PHASE, LOADING, RUNNING) === LOADING) {
    while (Atomics.load(control, PHASE) === RUNNING) {
      if (take(job.port, packetsAt, BATCH, countAt, job.ms, 0) === 0) continue
      const words = (count[0] as number) * PACKET_WORDS
      shared.set(packets.subarray(0, words))
      Atomics.store(control, COUNT, count[0] as number)
      Atomics.store(control, FULL, 1)
      // What woke it last was the packet that tells it to leave; the rest is the driver's.
      if (Atomics.load(control, PHASE) !== RUNNING) break
      parentPort?.postMessage(null)
      Atomics.wait(control, FULL, 1)
    }
  }
  Atomics.store(control, PHASE, LEFT)
  Atomics.notify(control, PHASE)
  parentPort?.close()
}

const CONSTANTS = { PHASE, FULL, COUNT, CONTROL_WORDS, STARTING, LOADING, RUNNING, LEFT, BATCH, PACKET_WORDS }

/** The thread that waits for one driver. */
export class Waiter implements Watch {
  private readonly shared = new SharedArrayBuffer((CONTROL_WORDS + BATCH * PACKET_WORDS) * 4)
  private readonly control = new Int32Array(this.shared, 0, CONTROL_WORDS)
  private readonly packets = new Uint32Array(this.shared, CONTROL_WORDS * 4)
  private readonly worker: Worker
  /** What it had was taken; it may wait again after the turn. */
  private taken = false

  /** @throws Error if the host allows no workers. */
  constructor(
    private readonly port: Port,
    isMainThread: boolean,
    news: News,
  ) {
    const { Worker } = process.getBuiltinModule('node:worker_threads')
    const ms = isMainThread ? INFINITE : SLICE_MS
    const job: Job = { require: requiredFrom(), port: port.handle, shared: this.shared, ms }
    const text = `(${program.toString()})(${JSON.stringify(CONSTANTS)})`
    this.worker = new Worker(text, { eval: true, name: 'drupe waits', workerData: job, execArgv: [] })
    this.worker.unref()
    this.worker.on('message', () => news.inside())
  }

  /** Has the thread something that was not taken yet? */
  get hasNews(): boolean {
    return !this.taken && Atomics.load(this.control, FULL) === 1
  }

  /** Hands on what the thread has taken; true if there was any. */
  take(sink: TakePacket): boolean {
    if (!this.hasNews) return false
    this.taken = true
    hand(this.packets.slice(0, Atomics.load(this.control, COUNT) * PACKET_WORDS), sink)
    return true
  }

  resume(): void {
    if (!this.taken) return
    this.taken = false
    Atomics.store(this.control, FULL, 0)
    Atomics.notify(this.control, FULL)
  }

  ref(): void {
    this.worker.ref()
  }

  unref(): void {
    this.worker.unref()
  }

  /** It takes nothing any more when this returns. What it had can still be taken. */
  close(): void {
    const { control } = this
    if (Atomics.exchange(control, PHASE, LEAVING) === STARTING) return
    this.port.post(KEY_QUIT)
    Atomics.notify(control, FULL)
    const end = performance.now() + LEAVE_MS
    while (Atomics.load(control, PHASE) === LEAVING && performance.now() < end) {
      Atomics.wait(control, PHASE, LEAVING, POST_MS)
      // It may have been at the packets when it was woken, and they may have been another's.
      if (Atomics.load(control, FULL) === 1 && Atomics.load(control, PHASE) === LEAVING) Atomics.notify(control, FULL)
      this.port.post(KEY_QUIT)
    }
  }
}
