/**
 * Workers that are terminated, or whose process ends; the first argument says when, the second which driver. The same file is
 * the worker. It says when its kernel is there, because koffi allows no termination while it is being loaded.
 */
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { Kernel, type Operation, run, spawn } from 'drupe'
import { connectTo, echo, listenLocally, withServer } from '../../modes/net-kit.js'

const here = new URL(import.meta.url)
const say = (line: string): void => console.log(line)
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

function ready(port: number): void {
  parentPort?.postMessage(port)
}

/** A listener, and a connection of which nobody says anything. */
function* idle(then: () => void = () => {}): Operation<void> {
  const listener = yield* listenLocally()
  const accepting = yield* spawn(listener.accept())
  const stream = yield* connectTo(listener)
  const accepted = yield* accepting.join()
  yield* spawn(accepted.read())
  yield* spawn(stream.read())
  ready(listener.port)
  then()
  yield* listener.accept()
}

function hold(): never {
  for (;;);
}

/** Its fd is ready at nearly any moment. */
function* busy(): Operation<void> {
  yield* withServer(echo, function* (listener) {
    ready(listener.port)
    const stream = yield* connectTo(listener)
    for (;;) {
      yield* stream.write(new Uint8Array(100))
      yield* stream.readExactly(100)
    }
  })
}

const JOBS: Readonly<Record<string, (kernel: Kernel) => unknown>> = {
  'idle guest': (kernel) => kernel.spawn(() => idle()),
  'idle blocking run': (kernel) => kernel.runSync(() => idle()),
  'busy guest': (kernel) => kernel.spawn(busy),
  'busy blocking run': (kernel) => kernel.runSync(busy),
  'stuck guest': (kernel) => kernel.spawn(() => idle(hold)),
}

/** A worker that has begun, and its port. */
async function begin(job: string): Promise<{ worker: Worker; port: number }> {
  const worker = new Worker(here, { workerData: job })
  const [port] = await once(worker, 'message')
  return { worker, port }
}

/** All but files: Node keeps some of those open. */
function descriptors(): string[] {
  const names: string[] = []
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const name = readlinkSync(`/proc/self/fd/${fd}`)
      if (!name.startsWith('/')) names.push(`${fd} ${name}`)
    } catch {}
  }
  return names
}

/** Waits until so many are left, or it is certain that there are more. */
async function leftOf(before: readonly string[]): Promise<string> {
  const left = (): string[] => descriptors().filter((name) => !before.includes(name))
  for (let i = 0; i < 200 && left().length > 0; i++) await pause(10)
  return left().join() || 'nothing'
}

/** How a port answers, at the latest after two seconds: a ring that goes lets go of it in the background. */
async function answerOf(port: number): Promise<string> {
  for (let i = 0; ; i++) {
    const socket = connect(port, '127.0.0.1')
    const answer = await once(socket, 'connect').then(
      () => 'connected',
      (error) => error.code,
    )
    socket.destroy()
    if (answer === 'ECONNREFUSED' || i === 100) return answer
    await pause(20)
  }
}

const PROGRAMS: Readonly<Record<string, () => Promise<void>>> = {
  async 'in the middle of work'() {
    for (let i = 0; i < 20; i++) {
      const { worker } = await begin(i % 4 === 3 ? 'busy blocking run' : 'busy guest')
      await pause(i / 2)
      await worker.terminate()
    }
    say('20 ended')
  },
  async 'in a wait'() {
    for (const job of ['idle guest', 'idle blocking run']) {
      const { worker } = await begin(job)
      await pause(50)
      await worker.terminate()
      say(`${job}: ended`)
    }
  },
  async 'with something open'() {
    await run(listenLocally)
    // The first loads what stays.
    for (const job of ['idle guest', ...Object.keys(JOBS)]) {
      const before = descriptors()
      const { worker, port } = await begin(job)
      await pause(10)
      await worker.terminate()
      const answer = await answerOf(port)
      // A busy one may be ended between the call that makes a descriptor and the line that knows it.
      if (job.startsWith('busy')) say(`${job}: ${answer}`)
      else say(`${job}: ${await leftOf(before)} left, ${answer}`)
    }
  },
  async 'the process exits'() {
    for (const job of ['idle guest', 'idle blocking run', 'busy guest', 'busy blocking run']) await begin(job)
    process.exit(5)
  },
  async 'the process throws'() {
    for (const job of ['idle guest', 'idle blocking run', 'busy guest', 'busy blocking run']) await begin(job)
    setTimeout(() => {
      throw new Error('on purpose')
    }, 1)
  },
}

if (isMainThread) {
  const [name = '', driver] = process.argv.slice(2)
  process.env['DRUPE_DRIVER'] = driver
  await PROGRAMS[name]?.()
} else {
  JOBS[workerData]?.(new Kernel())
}
