/**
 * Kernels in worker threads; the first argument says what happens to them. The same file is the
 * worker.
 */
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { Kernel, type Operation, run, runSync, sleep, spawn } from 'drupe'
import { notify, type WakerToken } from 'drupe/lowlevel'
import { bytes, connectTo, echo, listenLocally, text, withServer } from '../../modes/net-kit.js'

interface Job {
  readonly job: string
  readonly token?: WakerToken
}

const here = new URL(import.meta.url)
const start = (job: Job): Worker => new Worker(here, { workerData: job })
const say = (line: string): void => console.log(line)
const exitOf = (worker: Worker): Promise<number> => new Promise((resolve) => worker.on('exit', resolve))

function* talk(): Operation<string> {
  return yield* withServer(echo, function* (listener) {
    const stream = yield* connectTo(listener)
    yield* stream.write(bytes('hello'))
    const got = text(yield* stream.readExactly(5))
    yield* stream.close()
    return got
  })
}

/** Keeps a timer that ticks, a listener and a connection alive for ever. */
function* live(tickMs: number): Operation<void> {
  const listener = yield* listenLocally()
  yield* spawn(function* () {
    for (;;) yield* sleep(tickMs)
  })
  const accepting = yield* spawn(listener.accept())
  const stream = yield* connectTo(listener)
  yield* spawn(stream.read())
  yield* accepting.join()
}

const JOBS: Readonly<Record<string, (token?: WakerToken) => unknown>> = {
  guest: () => run(talk),
  blocking: () => runSync(talk),
  idle: () => {
    new Kernel().spawn(() => live(3_600_000))
    setTimeout(() => parentPort?.postMessage('idle'), 20)
  },
  'live and exit': () => {
    new Kernel().spawn(() => live(1))
    setTimeout(() => process.exit(7), 20)
  },
  'live and throw': () => {
    new Kernel().spawn(() => live(1))
    setTimeout(() => {
      throw new Error('on purpose')
    }, 20)
  },
  async notifications(token) {
    for (let i = 0; i < 10_000; i++) {
      notify(token as WakerToken)
      if (i % 1000 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    }
  },
  notify(token) {
    parentPort?.postMessage('ready')
    setTimeout(() => notify(token as WakerToken), 30)
  },
}

/** Listens for so many notifications; how many wake-ups that took. */
function* listenFor(waker: ReturnType<Kernel['waker']>, notifications: number): Operation<string> {
  let received = 0
  let wakeUps = 0
  while (received < notifications) {
    received += yield* waker.wait()
    wakeUps++
  }
  return `${received} notifications in ${wakeUps <= received ? 'as many wake-ups or fewer' : 'too many wake-ups'}`
}

const PROGRAMS: Readonly<Record<string, () => unknown>> = {
  async 'a worker works and ends'() {
    for (const job of ['guest', 'blocking']) say(`${job} ${await exitOf(start({ job }))}`)
  },
  async 'a worker with a live kernel exits, throws, or is terminated while it waits'() {
    for (const job of ['live and exit', 'live and throw']) {
      const worker = start({ job })
      worker.on('error', () => {})
      say(`${job} ${await exitOf(worker)}`)
    }
    // Only while it waits: a worker that is terminated in the middle of a call of koffi's, or while
    // it loads koffi, may take the process down before any code of ours could prevent it.
    for (let i = 0; i < 3; i++) {
      const worker = start({ job: 'idle' })
      await once(worker, 'message')
      await worker.terminate()
    }
    say('terminated three')
  },
  async 'ten workers at once'() {
    const codes = await Promise.all(Array.from({ length: 10 }, () => exitOf(start({ job: 'guest' }))))
    say(codes.join(' '))
  },
  async 'notifications reach a guest'() {
    const kernel = new Kernel()
    const waker = kernel.waker()
    const exit = exitOf(start({ job: 'notifications', token: waker.token }))
    say(await kernel.run(() => listenFor(waker, 10_000)))
    await exit
    await kernel.close()
  },
  'notifications reach a blocking run'() {
    const kernel = new Kernel()
    const waker = kernel.waker()
    // The worker needs this thread's event loop to start, so the blocking run begins when it has.
    start({ job: 'notify', token: waker.token }).once('message', () => {
      say(kernel.runSync(() => listenFor(waker, 1)))
      kernel.closeSync()
    })
  },
  async 'a notification that came before anybody waited is heard'() {
    const kernel = new Kernel()
    const waker = kernel.waker()
    for (let i = 0; i < 3; i++) notify(waker.token)
    say(await kernel.run(() => listenFor(waker, 3)))
    await kernel.close()
  },
  async 'two tasks cannot wait at one waker'() {
    const kernel = new Kernel()
    const waker = kernel.waker()
    await kernel
      .run(function* () {
        yield* spawn(waker.wait(), { daemon: true })
        yield* sleep(1)
        yield* waker.wait()
      })
      .catch((error) => say(error.code))
    await kernel.close()
  },
  async 'a cancelled wait hears later notifications'() {
    const kernel = new Kernel()
    const waker = kernel.waker()
    const received = await kernel.run(function* () {
      const first = yield* spawn(waker.wait())
      yield* sleep(1)
      yield* first.cancel()
      notify(waker.token)
      yield* sleep(1)
      notify(waker.token)
      return yield* waker.wait()
    })
    say(String(received))
    await kernel.close()
  },
}

if (isMainThread) {
  await PROGRAMS[process.argv[2] ?? '']?.()
} else {
  const { job, token } = workerData as Job
  await JOBS[job]?.(token)
}
