/**
 * Universal objects: one call that tasks wait for with `yield*` and host code with `await`, across kernels and threads.
 */

import { Worker } from 'node:worker_threads'
import test from 'ava'
import {
  BrokenError,
  ClosedError,
  Kernel,
  KernelStateError,
  moveOn,
  nursery,
  run,
  runSync,
  sleep,
  spawn,
  TimeoutError,
  timeout,
  until,
} from 'drupe'
import { VirtualDriver, virtual } from 'drupe/testing'
import type { LinkPort } from '../../../traps/sync/link.js'
import { type LinkedEvent, type LinkedQueue, linkedEvent, linkedQueue } from '../../../traps/sync/linked.js'
import { UniversalEvent } from '../../../traps/sync/universal-event.js'
import { UniversalQueue } from '../../../traps/sync/universal-queue.js'
import { UniversalResult } from '../../../traps/sync/universal-result.js'
import { covers } from '../../covers.js'
import { thrown, thrownBy } from '../../kit.js'

/** The host's other work. */
const turns = async (count = 3): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

test('host code waits for an event that a task sets', async (t) => {
  covers(t, 'curio sync: uevent_get_twait, uevent_get_asyncio_wait')
  const event = new UniversalEvent()
  const waiting = event.wait().then(() => event.isSet)
  await turns()
  t.is(event.statistics().waiting, 1)
  await run(function* () {
    yield* sleep(1)
    event.set()
  })
  t.true(await waiting)
  await event.wait()
})

test('a task waits for an event that host code sets', async (t) => {
  covers(t, 'curio sync: uevent_get_asyncio_set')
  const event = new UniversalEvent()
  const task = run(function* () {
    yield* event.wait()
    return event.isSet
  })
  await turns()
  event.set()
  t.true(await task)
  event.clear()
  t.false(event.isSet)
})

test('tasks of two kernels and host code wait for one event', async (t) => {
  const event = new UniversalEvent()
  const kernels = [new Kernel(), new Kernel({ driver: new VirtualDriver() })]
  const waits = [...kernels.map((kernel) => kernel.run(() => event.wait())), event.wait().then()]
  while (event.statistics().waiting < 3) await turns()
  event.set()
  await Promise.all(waits)
  for (const kernel of kernels) await kernel.close()
  t.is(event.statistics().waiting, 0)
})

test('a wait for a universal event that takes too long leaves nothing behind', (t) => {
  covers(t, 'curio sync: uevent_get_wait_timeout')
  const event = new UniversalEvent()
  virtual({}, function* () {
    t.true((yield* thrownBy(timeout(5, event.wait()))) instanceof TimeoutError)
    t.is(event.statistics().waiting, 0)
  })
})

test('a universal event works in a blocking run', (t) => {
  covers(t, 'curio sync: uevent_get_wait')
  const event = new UniversalEvent()
  t.true(
    runSync(function* () {
      yield* spawn(function* () {
        yield* sleep(1)
        event.set()
      })
      yield* event.wait()
      return event.isSet
    }),
  )
})

test('a universal result gives its value to tasks and host code', async (t) => {
  covers(t, 'curio sync: universal_value')
  const result = new UniversalResult<number>()
  const waits = [result.join().then(), run(() => result.join())]
  await turns()
  t.false(result.done)
  result.set(42)
  t.deepEqual(await Promise.all(waits), [42, 42])
  t.is(await result.join(), 42)
  t.regex(String(thrown(() => result.set(1))), /Cannot settle the universal result: it is done already/)
})

test('a universal result gives its error to tasks and host code', async (t) => {
  covers(t, 'curio sync: universal_error')
  const result = new UniversalResult<number>()
  const boom = new Error('boom')
  const early = run(() => thrownBy(result.join()))
  await turns()
  result.fail(boom)
  t.is(await early, boom)
  t.is(await t.throwsAsync(async () => await result.join()), boom)
})

test('a universal queue between tasks keeps order and capacity', (t) => {
  covers(t, 'curio queue: univ_queue_basic')
  const queue = new UniversalQueue<number>(2)
  const log = virtual({}, function* () {
    const log: string[] = []
    yield* spawn(function* () {
      for (let i = 0; i < 4; i++) {
        yield* queue.put(i)
        log.push(`put ${i}`)
      }
    })
    yield* sleep(10)
    t.deepEqual(queue.statistics(), { size: 2, capacity: 2, getting: 0, putting: 1, closed: false })
    for (let i = 0; i < 4; i++) {
      log.push(`got ${yield* queue.get()}`)
      yield* sleep(10)
    }
    return log
  })
  t.deepEqual(log, ['put 0', 'put 1', 'got 0', 'put 2', 'got 1', 'put 3', 'got 2', 'got 3'])
})

test('tasks put, host code gets', async (t) => {
  covers(t, 'curio queue: univ_queue_async_sync', 'curio queue: uqueue_asyncio_consumer')
  const queue = new UniversalQueue<number>(1)
  const producer = run(function* () {
    for (let i = 0; i < 5; i++) yield* queue.put(i)
  })
  const got: number[] = []
  for (let i = 0; i < 5; i++) got.push(await queue.get())
  await producer
  t.deepEqual(got, [0, 1, 2, 3, 4])
})

test('host code puts, tasks get', async (t) => {
  covers(t, 'curio queue: univ_queue_sync_async', 'curio queue: uqueue_asyncio_prod')
  const queue = new UniversalQueue<number>(1)
  const consumer = run(function* () {
    const got: number[] = []
    for (let i = 0; i < 5; i++) got.push(yield* queue.get())
    return got
  })
  for (let i = 0; i < 5; i++) await queue.put(i)
  t.deepEqual(await consumer, [0, 1, 2, 3, 4])
})

test('a cancelled get takes nothing', async (t) => {
  covers(t, 'curio queue: univ_queue_cancel')
  const queue = new UniversalQueue<string>()
  t.is(await run(() => moveOn(2, queue.get(), 'nothing')), 'nothing')
  t.is(queue.statistics().getting, 0)
  t.true(queue.tryPut('kept'))
  t.is(queue.tryGet(), 'kept')
  t.is(queue.tryGet(), undefined)
})

test('a cancelled put has put nothing', (t) => {
  covers(t, 'curio queue: uqueue_put_cancel')
  virtual({}, function* () {
    const queue = new UniversalQueue<number>(1)
    yield* queue.put(0)
    t.is(yield* moveOn(2, queue.put(1), 'full'), 'full')
    t.false(queue.tryPut(1))
    t.is(yield* queue.get(), 0)
    t.is(queue.size, 0)
  })
})

test('several consumers share the items', (t) => {
  covers(t, 'curio queue: univ_queue_multiple_consumer')
  virtual({}, function* () {
    const queue = new UniversalQueue<number>(3)
    const got: number[] = []
    for (let i = 0; i < 3; i++) {
      yield* spawn(
        function* () {
          for (;;) {
            got.push(yield* queue.get())
            yield* sleep(1)
          }
        },
        { daemon: true },
      )
    }
    for (let i = 0; i < 12; i++) yield* queue.put(i)
    yield* sleep(100)
    t.deepEqual(
      got.sort((a, b) => a - b),
      Array.from({ length: 12 }, (_, i) => i),
    )
  })
})

test('a queue between two kernels of one thread', async (t) => {
  covers(t, 'curio queue: univ_queue_multiple_kernels')
  const queue = new UniversalQueue<number>(2)
  const [got] = await Promise.all([
    run(function* () {
      const got: number[] = []
      for (let i = 0; i < 6; i++) got.push(yield* queue.get())
      return got
    }),
    run(function* () {
      for (let i = 0; i < 6; i++) yield* queue.put(i)
    }),
  ])
  t.deepEqual(got, [0, 1, 2, 3, 4, 5])
})

test('a universal queue that is shut down gives what it has, and then an error', async (t) => {
  const queue = new UniversalQueue<number>(1, { name: 'jobs' })
  await queue.put(1)
  const putter = queue.put(2).then(null, (error: unknown) => error)
  await turns()
  queue.shutdown()
  const error = (await putter) as Error
  t.true(error instanceof ClosedError)
  t.is(error.message, 'Cannot put an item into the universal queue jobs: it has been shut down; it was full (1)')
  t.is(await queue.get(), 1)
  t.true(thrown(() => queue.tryGet()) instanceof ClosedError)
  t.true(thrown(() => queue.tryPut(1)) instanceof ClosedError)
  await t.throwsAsync(async () => await queue.get(), { instanceOf: ClosedError })
  t.true(queue.closed)
})

/** Both ends of a link in one thread: the messages travel all the same. */
function linked(queue: UniversalQueue<unknown>): LinkedQueue<unknown> {
  return linkedQueue(queue.link())
}

test('a linked queue puts and gets, and hears of a shutdown', async (t) => {
  const queue = new UniversalQueue<unknown>(1)
  const there = linked(queue)
  await there.put({ deep: [1, 2] })
  t.deepEqual(await queue.get(), { deep: [1, 2] })
  const getting = run(() => there.get())
  await queue.put('back')
  t.is(await getting, 'back')
  queue.shutdown()
  await t.throwsAsync(async () => await there.get(), { instanceOf: ClosedError })
  there.close()
})

test('what is no message of a link is ignored, and a call that there is not is refused by name', async (t) => {
  const queue = new UniversalQueue<unknown>(1)
  const port = queue.link()
  const answers: unknown[] = []
  port.addEventListener('message', (event: object) => answers.push((event as { data: unknown }).data))
  port.start()
  const forged = [null, undefined, 7, 'call', [], {}, { cast: '__proto__' }, { cast: 'toString' }, { cast: null }]
  for (const message of forged) port.postMessage(message)
  port.postMessage({ call: 'get', id: 'x' })
  port.postMessage({ cancel: {} })
  port.postMessage({ got: null })
  for (const [id, call] of ['toString', '__proto__', 'fetch', null].entries()) port.postMessage({ call, id })
  port.postMessage({ call: 'get', id: 4 })
  port.postMessage({ call: 'get', id: 4 })
  while (queue.statistics().getting === 0) await new Promise((resolve) => setImmediate(resolve))
  await queue.put('whole')
  while (answers.length < 5) await new Promise((resolve) => setImmediate(resolve))
  t.is(queue.statistics().getting, 0, 'one number is one call')
  t.deepEqual(
    answers.map((answer) => (answer as { error?: string }).error?.replace(/^Cannot do | at a link.*$/g, '')),
    ['"toString"', '"__proto__"', '"fetch"', 'null', undefined],
  )
  port.close()
})

test('the far end of a link ignores what is no answer', async (t) => {
  const { port1, port2 } = new MessageChannel()
  const there = linkedQueue<string>(port1)
  for (const message of [null, 7, 'news', {}, { id: 99, value: 1 }, { id: '__proto__', value: 1 }])
    port2.postMessage(message)
  port2.once('message', ({ id }) => port2.postMessage({ id, value: 'true' }))
  t.is(await run(() => there.get()), 'true')
  there.close()
  port2.close()
})

test('a cancelled get over a link leaves the item, or has it; never both, never neither', async (t) => {
  const ends = new Set<string>()
  for (let patience = 0; patience < 12; patience++) {
    const queue = new UniversalQueue<unknown>()
    const there = linked(queue)
    const got: unknown[] = []
    const getting = run(() =>
      nursery(function* (n) {
        const getter = yield* n.spawn(function* () {
          got.push(yield* there.get())
        })
        for (let i = 0; i < patience; i++) {
          if (i === 3) queue.tryPut('item')
          yield* until(turns(1))
        }
        if (patience <= 3) queue.tryPut('item')
        yield* getter.cancel()
      }),
    )
    await getting
    // What is on its way arrives, or goes back where it came from.
    for (let i = 0; i < 1000 && got.length + queue.size !== 1; i++) await turns(1)
    await turns(10)
    t.is(got.length + queue.size, 1, `after ${patience} turns: got ${got.length}, left ${queue.size}`)
    t.is(queue.statistics().getting, 0)
    ends.add(got.length === 1 ? 'had' : 'left')
    there.close()
  }
  t.deepEqual([...ends].sort(), ['had', 'left'])
})

test('a cancelled put over a link that is full has put nothing', async (t) => {
  const queue = new UniversalQueue<unknown>(1)
  const there = linked(queue)
  await queue.put(0)
  t.is(await run(() => moveOn(5, there.put(1), 'full')), 'full')
  t.deepEqual(queue.statistics(), { size: 1, capacity: 1, getting: 0, putting: 0, closed: false })
  there.close()
})

test('an item that cannot be copied is an error for who asked, and stays where it is', async (t) => {
  const queue = new UniversalQueue<unknown>()
  const there = linked(queue)
  const item = (): void => {}
  await queue.put(item)
  await t.throwsAsync(async () => await there.get(), { message: /be cloned/ })
  t.is(queue.tryGet(), item)
  t.regex(String(await there.put(item).then(null, (error: unknown) => error)), /DataCloneError/)
  there.close()
})

test('closing a link fails what waits there, and frees what it had asked for', async (t) => {
  const queue = new UniversalQueue<unknown>()
  const there = linked(queue)
  const waiting = there.get().then(null, (error: unknown) => error)
  await turns()
  there.close()
  t.true((await waiting) instanceof BrokenError)
  await turns(10)
  t.is(queue.statistics().getting, 0)
  await t.throwsAsync(async () => await there.get(), { instanceOf: BrokenError })
})

test('a linked event is set, cleared and waited for from both sides', async (t) => {
  const event = new UniversalEvent()
  const there: LinkedEvent = linkedEvent(event.link())
  const waiting = run(() => there.wait())
  await turns()
  event.set()
  await waiting
  await turns(5)
  t.true(there.isSet)
  there.clear()
  await turns(10)
  t.false(event.isSet)
  t.false(there.isSet)
  const here = event.wait()
  there.set()
  await here
  there.close()
})

/** A worker with a kernel of its own that has both ends of an echo: it gets from one queue and puts into another. */
const ECHO = `
import { workerData } from 'node:worker_threads'
const { run } = await import(workerData.door)
const { linkedEvent, linkedQueue } = await import(workerData.linked)
const requests = linkedQueue(workerData.requests)
const answers = linkedQueue(workerData.answers)
const ready = linkedEvent(workerData.ready)
await run(function* () {
  ready.set()
  for (;;) {
    const n = yield* requests.get()
    if (n === 'stop') break
    yield* answers.put(n * n)
  }
})
requests.close()
answers.close()
ready.close()
`

function startWorker(code: string, ports: Readonly<Record<string, ReturnType<UniversalEvent['link']>>>): Worker {
  const door = new URL('../../../index.js', import.meta.url).href
  const linked = new URL('../../../traps/sync/linked.js', import.meta.url).href
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
    workerData: { ...ports, door, linked },
    transferList: Object.values(ports),
  })
}

test('tasks here and tasks in a worker share queues and an event', async (t) => {
  const requests = new UniversalQueue<number | 'stop'>(2)
  const answers = new UniversalQueue<number>(2)
  const ready = new UniversalEvent()
  const worker = startWorker(ECHO, { requests: requests.link(), answers: answers.link(), ready: ready.link() })
  const ended = new Promise<number>((resolve, reject) => worker.on('exit', resolve).on('error', reject))
  const got = await run(function* () {
    yield* ready.wait()
    yield* spawn(function* () {
      for (let i = 0; i < 10; i++) yield* requests.put(i)
      yield* requests.put('stop')
    })
    const got: number[] = []
    for (let i = 0; i < 10; i++) got.push(yield* answers.get())
    return got
  })
  t.deepEqual(got, [0, 1, 4, 9, 16, 25, 36, 49, 64, 81])
  t.is(await ended, 0)
})

test('a worker that ends while it waits leaves the line', async (t) => {
  const queue = new UniversalQueue<number>()
  const code = `
import { workerData } from 'node:worker_threads'
const { linkedQueue } = await import(workerData.linked)
await linkedQueue(workerData.queue).get()`
  const worker = startWorker(code, { queue: queue.link() })
  while (queue.statistics().getting === 0) await turns()
  await worker.terminate()
  while (queue.statistics().getting > 0) await turns()
  queue.tryPut(1)
  t.is(queue.tryGet(), 1)
})

test('an item sent to a worker that ends before it says that it has it is the next again', async (t) => {
  const queue = new UniversalQueue<number>()
  // Speaks the protocol of links, and dies with the item in its hand.
  const code = `
import { workerData } from 'node:worker_threads'
workerData.queue.on('message', () => process.exit(0))
workerData.queue.postMessage({ call: 'get', id: 1 })`
  const worker = startWorker(code, { queue: queue.link() })
  while (queue.statistics().getting === 0) await turns()
  queue.tryPut(1)
  queue.tryPut(2)
  t.is(queue.size, 1)
  await new Promise((resolve) => worker.on('exit', resolve))
  while (queue.size < 2) await turns()
  t.is(queue.tryGet(), 1)
  t.is(queue.tryGet(), 2)
})

test('who waits at an object of a worker that ends gets an error', async (t) => {
  const code = `
import { parentPort, workerData } from 'node:worker_threads'
const { UniversalQueue } = await import(workerData.queues)
const port = new UniversalQueue().link()
parentPort.postMessage(port, [port])
setInterval(() => {}, 1000)`
  const queues = new URL('../../../traps/sync/universal-queue.js', import.meta.url).href
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { workerData: { queues } })
  const port = await new Promise<LinkPort>((resolve) => worker.on('message', resolve))
  const there = linkedQueue<number>(port)
  await there.put(1)
  t.is(await there.get(), 1)
  const waiting = run(() => thrownBy(there.get()))
  await turns()
  await worker.terminate()
  const error = (await waiting) as Error
  t.true(error instanceof BrokenError)
  t.is(error.message, 'Cannot wait at the linked queue: the thread that has it has ended, or the link was closed')
})

test('a blocking run, which hears no messages, says so instead of waiting for them', (t) => {
  const queue = new UniversalQueue<unknown>()
  const there = linked(queue)
  const event = linkedEvent(new UniversalEvent().link())
  for (const wait of [() => there.get(), () => there.put(1), () => event.wait()]) {
    const error = thrown(() => runSync<unknown>(() => timeout(1000, wait()))) as Error
    t.true(error instanceof KernelStateError)
    t.is(
      error.message,
      "Cannot wait for another thread: its messages come through the host's loop; use run, not runSync",
    )
  }
  there.close()
  event.close()
})
