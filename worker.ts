/**
 * What a thread of `thread` and `threadPool` runs: a kernel that works for another one.
 *
 * It takes calls as soon as its driver is there, and ends when it is told to. It never lets go of
 * its thread with something open: what it cannot close by itself, the driver does when the thread
 * exits. What is thrown outside of a call ends the thread as an uncaught exception, which carries
 * it to the thread that asked.
 */
import type { MessagePort, Transferable } from 'node:worker_threads'
import { Kernel } from './doors.js'
import { setTimeout } from './kernel/protocol/host-functions.js'
import { EXIT, LEFT, UP } from './traps/bridge/host-worker.js'
import { RemoteCalls } from './traps/os/remote-calls.js'
import type { Request } from './traps/os/remote-messages.js'
import { BEGUN, PHASE, type ThreadData } from './traps/os/remote-thread.js'
import { checkpoint } from './traps/raw/call.js'

/** How long the thread's other timers and handles may go on when its tasks are out. */
const REST_MS = 100

const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads')
const port = parentPort as MessagePort
const { state } = workerData as ThreadData
const kernel = new Kernel()

const calls = new RemoteCalls({
  spawn: (op, options) => kernel.spawn(op, options),
  post: (answer, transfer) => port.postMessage(answer, transfer as readonly Transferable[]),
  copy: (value) => structuredClone(value),
  begin: (id) => void Atomics.store(state, BEGUN, id),
  end: () => void end(),
})

function hear(request: Request | typeof EXIT): void {
  if (request === EXIT) process.exit()
  calls.receive(request)
}

async function end(): Promise<void> {
  try {
    await kernel.run(() => calls.leave())
    await kernel.close()
  } finally {
    port.off('message', hear)
    setTimeout(() => process.exit(), REST_MS).unref()
  }
}

function become(phase: number): void {
  Atomics.store(state, PHASE, phase)
  Atomics.notify(state, PHASE)
}

// One that ends while it starts has let go, too.
const early = (): void => become(LEFT)
process.on('exit', early)
await kernel.run(checkpoint())
process.off('exit', early)
port.on('message', hear)
// Such as a buffer that was handed over before. Nobody knows whose call it is, so it ends all.
port.on('messageerror', (error) => {
  throw error
})
// After the driver's own listener, which came with the first task.
process.on('exit', () => become(LEFT))
become(UP)
port.postMessage({ up: true })
