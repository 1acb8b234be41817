/**
 * A thread of a server: what a worker that `serve` has started runs.
 *
 * It loads the handler, listens, and serves with a kernel of its own until it is told to end. It
 * never lets go of its thread with something open: what it cannot close by itself, the driver does
 * when the thread exits. An error leaves as an uncaught exception, which carries it to the thread
 * that asked. It loads before it listens, since a listener that nobody accepts from would swallow
 * its share of connections.
 */
import type { MessagePort } from 'node:worker_threads'
import { Kernel } from './doors.js'
import { ClosedError, KernelStateError, TaskCancelledError } from './kernel/protocol/errors.js'
import { setTimeout } from './kernel/protocol/host-functions.js'
import type { Operation } from './kernel/protocol/trap.js'
import { LEFT, UP } from './traps/bridge/host-worker.js'
import { load, serve } from './traps/net/server.js'
import { type Listener, listen } from './traps/net/tcp.js'
import type { ThreadJob, ThreadOrder } from './traps/net/threads.js'
import type { Connection } from './traps/net/tls-stream.js'

/**
 * How much longer than the grace a task may take to leave; less than the patience of who waits for
 * the thread.
 */
const PATIENCE_MS = 250
/** How long the thread's other timers and handles may go on when its tasks are out. */
const REST_MS = 100

const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads')
const port = parentPort as MessagePort
const { place, module, data, limits, grace, state } = workerData as ThreadJob
const kernel = new Kernel({ grace })
let listener: Listener<Connection> | null = null
let asked = false

// Its first step, in which it loads the module, comes when this file waits: by then it hears.
const main = kernel.spawn(function* server(): Operation<never> {
  const url = new URL(module)
  yield* load(url)
  listener = yield* listen(place)
  report()
  return yield* serve(listener, url, { data, ...limits })
})

function* obey(order: ThreadOrder): Operation<void> {
  if (listener !== null) {
    yield* listener.close()
  }
  if (order === 'close' && listener !== null) return
  kernel.cancel(main, 'the server ends')
  if (grace < Number.POSITIVE_INFINITY) setTimeout(giveUp, grace + PATIENCE_MS).unref()
}

function giveUp(): never {
  throw new KernelStateError('end the thread of a server', `${kernel.statistics.tasks} task(s) would not leave`)
}

function report(): void {
  port.postMessage(null)
}

function hear(order: ThreadOrder): void {
  if (order === 'exit') process.exit()
  asked = true
  kernel.spawn(() => obey(order))
}

function become(next: number): void {
  Atomics.store(state, 0, next)
  Atomics.notify(state, 0)
}

port.on('message', hear)
// After the driver's own listener, which came with the first task.
process.on('exit', () => become(LEFT))
become(UP)
report()
try {
  await kernel.run(() => main.join())
} catch (error) {
  if (!asked || !(error instanceof ClosedError || error instanceof TaskCancelledError)) throw error
} finally {
  port.off('message', hear)
}
await kernel.close()
setTimeout(() => process.exit(), REST_MS).unref()
