/**
 * Nothing of a wait that was withdrawn stays with what was waited for.
 *
 * Each wait of the table is withdrawn in rounds, once because a race was won by another task and
 * once because its time was up, while what it waits for lives on. Then the garbage is collected:
 * neither the winner's result nor what the waiting task had in hand may be left. A test reads the
 * sources: who adds a wait adds it to the table.
 */
import { EventEmitter } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import * as drupe from 'drupe'
import { Kernel, moveOn, type Operation, race, sleep, spawn } from 'drupe'
import { fromEffection } from 'drupe/effection'
import { SimNetwork } from 'drupe/testing'
import * as effection from 'effection'
import ts from 'typescript'
import { files, textOf } from '../../house/sources.js'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

type Wait = () => Operation<unknown>

interface Entry {
  /** The functions of the sources that it goes through, as the last test names them. */
  readonly covers: readonly string[]
  /**
   * Makes what is waited for, and lives as long as the test; what comes back waits for it without
   * an end.
   */
  make(kernel: Kernel): Wait | Operation<Wait>
}

const never = new Promise<never>(() => {})
const entry = (covers: string, make: Entry['make']): Entry => ({ covers: covers.split(' '), make })

/** Somebody holds it for as long as the test. */
function* held<T>(acquire: Operation<unknown>, wait: () => Operation<T>): Operation<Wait> {
  yield* acquire
  return wait
}

class Own<T> extends Promise<T> {
  override then<A = T, B = never>(
    done?: ((value: T) => A | PromiseLike<A>) | null,
    failed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return super.then(done, failed)
  }
}

const TABLE: Readonly<Record<string, Entry>> = {
  'until, a promise': entry('promise.until', () => () => drupe.until(never)),
  'until, a promise of another class': entry('promise.until', () => {
    const own = new Own(() => {})
    return () => drupe.until(own)
  }),
  'until, a function': entry('promise.until', () => () => drupe.until(() => never)),
  suspend: entry('call.suspend', () => {
    const callBacks: unknown[] = []
    return () => drupe.suspend((...both) => void callBacks.push(both))
  }),
  once: entry('events.once', () => {
    const emitter = new EventEmitter()
    return () => drupe.once(emitter, 'never')
  }),
  'a cursor of events': entry('events.EventCursor.take', () => {
    const cursor = drupe.events(new EventEmitter(), 'never').open()
    return () => cursor.next()
  }),
  'a cursor of an async iterable': entry('each.AsyncCursor.step', () => {
    const iterator = { next: () => never, [Symbol.asyncIterator]: () => iterator }
    return (function* () {
      const cursor = yield* drupe.subscribe<never>(iterator)
      return () => cursor.next()
    })()
  }),
  withSignal: entry('', () => {
    const { signal } = new AbortController()
    return () => drupe.withSignal(signal, sleep(Number.POSITIVE_INFINITY))
  }),
  signal: entry('', () => {
    const signals: AbortSignal[] = []
    return function* () {
      signals.push(yield* drupe.signal())
      yield* sleep(Number.POSITIVE_INFINITY)
    }
  }),
  'emit of an async iterable': entry('async-iterable.Emission.emit', (kernel) => {
    let emit: drupe.Emit<number> | undefined
    const values = drupe.toAsyncIterable<number>(kernel, function* (given) {
      emit = given
      yield* sleep(Number.POSITIVE_INFINITY)
    })
    return (function* () {
      const first = values.next()
      yield* sleep(1)
      yield* emit?.(1) as Operation<void>
      yield* drupe.until(first)
      return () => emit?.(2) as Operation<void>
    })()
  }),
  fromEffection: entry('agent.NurseryAgent.serve', () => () => fromEffection(() => effection.suspend())),
  sleep: entry('time.sleep', () => () => sleep(Number.POSITIVE_INFINITY)),
  sleepUntil: entry('time.sleepUntil', () => () => drupe.sleepUntil(Number.POSITIVE_INFINITY)),
  'joining a task': entry('task.Task.join task.Task.wait', function* () {
    const task = yield* spawn(sleep(Number.POSITIVE_INFINITY), { daemon: true })
    return function* () {
      yield* race([task.join(), task.wait()])
    }
  }),
  barrier: entry('barrier.Barrier.wait', () => {
    const barrier = new drupe.Barrier(5)
    return () => barrier.wait()
  }),
  'publishing to a slow reader': entry('broadcast.Broadcast.publish', () => {
    const all = drupe.broadcast<number>({ capacity: 1 })
    all.subscribe()
    return held(all.publish(1), () => all.publish(2))
  }),
  'a subscription': entry('subscription.Subscription.receive', () => {
    const reader = drupe.broadcast().subscribe()
    return () => reader.receive()
  }),
  'the ends of a channel': entry('channel.Sender.send channel.Receiver.receive', () => {
    const [sender] = drupe.channel<number>()
    const [, receiver] = drupe.channel<number>()
    return () => race([sender.send(1), receiver.receive()])
  }),
  condition: entry('condition.Condition.waiting', () => {
    const condition = new drupe.Condition()
    return () => condition.with(() => condition.wait())
  }),
  event: entry('event.Event.wait', () => {
    const event = new drupe.Event()
    return () => event.wait()
  }),
  limiter: entry('limiter.CapacityLimiter.acquire', () => {
    const limiter = new drupe.CapacityLimiter(0)
    return () => limiter.acquire()
  }),
  lock: entry('lock.Lock.acquire', function* () {
    const lock = new drupe.Lock()
    yield* spawn(() => lock.with(() => sleep(Number.POSITIVE_INFINITY)), { daemon: true })
    yield* sleep(1)
    return () => lock.acquire()
  }),
  queue: entry('queue.Queue.put queue.Queue.get queue.Queue.join', () => {
    const full = new drupe.Queue<number>(1)
    const empty = new drupe.Queue<number>()
    return held(full.put(1), () => race([full.put(2), empty.get(), full.join()]))
  }),
  result: entry('result.Result.join result.Result.wait', () => {
    const result = new drupe.Result()
    return () => race([result.join(), result.wait()])
  }),
  semaphore: entry('semaphore.Semaphore.acquire', () => {
    const semaphore = new drupe.Semaphore(0)
    return () => semaphore.acquire()
  }),
  'universal event': entry('universal-event.UniversalEvent.wait universal.Universal.[Symbol.iterator]', () => {
    const event = new drupe.UniversalEvent()
    return () => event.wait()
  }),
  'universal queue': entry('universal-queue.UniversalQueue.put universal-queue.UniversalQueue.get', () => {
    const full = new drupe.UniversalQueue<number>(1)
    full.tryPut(1)
    const empty = new drupe.UniversalQueue<number>()
    return () => race([full.put(2), empty.get()])
  }),
  'universal result': entry('universal-result.UniversalResult.join', () => {
    const result = new drupe.UniversalResult()
    return () => result.join()
  }),
  'a stream, a listener, a socket for datagrams': entry(
    'stream.Stream.prepareRead listener.Listener.acceptOperation datagram.DatagramSocket.receive',
    function* () {
      const listener = yield* drupe.listen({ host: '127.0.0.1', port: 0 })
      const stream = yield* drupe.connect({ host: '127.0.0.1', port: listener.port })
      yield* listener.accept()
      const socket = yield* drupe.udp({ host: '127.0.0.1' })
      return () => race([stream.read(), listener.accept(), socket.receive()])
    },
  ),
  'a stream of the host’s': entry('foreign-stream.ForeignStream.next', () => {
    const stream = drupe.fromWebStreams(new TransformStream<Uint8Array, Uint8Array>())
    return () => stream.read()
  }),
}

/** How many of the things that the withdrawn waits had to do with are still there. */
async function leftBy({ make }: Entry): Promise<number> {
  const kernel = new Kernel({ driver: new SimNetwork({ seed: 1 }).host('main').driver() })
  const left: WeakRef<object>[] = []
  const cargo = (): { bytes: Uint8Array } => {
    const made = { bytes: new Uint8Array(1000) }
    left.push(new WeakRef(made))
    return made
  }
  function* carrying(wait: Wait): Operation<unknown> {
    const mine = cargo()
    try {
      yield* wait()
    } finally {
      mine.bytes.fill(1)
    }
    return mine
  }
  function* job(): Operation<unknown> {
    yield* sleep(1)
    return cargo()
  }
  let wait: Wait | undefined
  await kernel.run(function* () {
    const made = make(kernel)
    wait = typeof made === 'function' ? made : yield* made
    for (let round = 0; round < 3; round++) {
      yield* race([carrying(wait), job()])
      yield* moveOn(1, carrying(wait))
    }
    yield* sleep(1)
    for (let i = 0; i < 3; i++) yield* drupe.until(new Promise((resolve) => setImmediate(resolve)))
    gc()
    if (left.length !== 9) throw new Error(`there are ${left.length} things to look for`)
    const alive = left.filter((ref) => ref.deref() !== undefined).length
    left.length = alive
  })
  // What was waited for has lived until here.
  if (wait === undefined) throw new Error('there is no wait')
  await kernel.close().catch(() => {})
  return left.length
}

for (const [name, one] of Object.entries(TABLE)) {
  test.serial(`nothing of a wait that was called off stays: ${name}`, async (t) => {
    t.is(await leftBy(one), 0)
  })
}

/**
 * Waits that are made of others, are the driver's to forget, or are one task's own for as long as
 * it waits.
 */
const ELSEWHERE = new Set([
  ...['openFile', 'stat', 'sync'].map((name) => `file.${name}`),
  ...['read', 'write', 'writeAll', 'accept', 'connect', 'readable', 'writable'].map((name) => `io.${name}`),
  ...['readAhead', 'readAheadInto', 'begin'].map((name) => `byte-reader.ByteReader.${name}`),
  ...['park', '(top)'].map((name) => `call.${name}`),
  ...['waitIn', 'waitWith'].map((name) => `atomic.${name}`),
  ...['deadline', 'parkUntil'].map((name) => `pipe.${name}`),
  'address.lookup',
  'call.suspendFor',
  'interval.Ticker.waitForNext',
  'listener.Listener.next',
  'stream.Stream.prepareWrite',
  'datagram.DatagramSocket.sending',
  ...['room', 'closeOperation'].map((name) => `foreign-stream.ForeignStream.${name}`),
  ...['both', 'reading', 'writing'].map((name) => `pumps.Pumps.${name}`),
  ...['converse', 'flush'].map((name) => `transport.Conversation.${name}`),
  ...['readAt', 'fillBuffer', 'prepareWrite'].map((name) => `file.File.${name}`),
  'signals.SignalCursor.settle',
  'host-cursor.HostCursor.step',
  'host-watch.onHost',
  'tls-later.change',
  'lock.Lock.retake',
  'sequencer.Sequencer.wait',
  // Its answer comes all the same, and is waited for.
  'foreign.calling',
  'lifetime.Lifetime.end',
  'linked.FarEnd.call',
  // What it waits for is its own call, and the end of that.
  'remote-kernel.RemoteKernel.wait',
  // It is answered at once, or refused.
  'remote-thread.(top)',
  'tls-later.assertHostLoop',
  'time.(top)',
])

const CALLS = /^(suspend|suspendFor|waitIn|waitWith|park)$/
const MADE = /^new (Universal|IoOp)\b|^new Trap(<.*?>)?\((SUSPEND|PARK|JOIN|SLEEP|SLEEP_UNTIL|IDLE)\b/

/** The function of the sources that a node is in, with its file: `lock.Lock.acquire`. */
function placeOf(file: string, node: ts.Node): string {
  const base = file.replace(/^.*\/|\.ts$/g, '')
  for (let at = node.parent; at !== undefined; at = at.parent) {
    if (ts.isFunctionDeclaration(at)) return `${base}.${at.name?.text}`
    if (ts.isMethodDeclaration(at) || ts.isPropertyDeclaration(at)) {
      return `${base}.${(at.parent as ts.ClassDeclaration).name?.text}.${at.name.getText()}`
    }
  }
  return `${base}.(top)`
}

function waitsIn(file: string): string[] {
  const found = new Set<string>()
  const visit = (node: ts.Node): void => {
    const called = ts.isCallExpression(node) && CALLS.test(node.expression.getText())
    if (called || (ts.isNewExpression(node) && MADE.test(node.getText()))) found.add(placeOf(file, node))
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest, true))
  return [...found]
}

test('every wait of traps/ is in the table above, or among those that are not and say why', (t) => {
  const covered = new Set(Object.values(TABLE).flatMap(({ covers }) => covers))
  const waits = files('.ts', 'traps').flatMap(waitsIn)
  t.true(waits.length > 40)
  t.deepEqual(
    waits.filter((place) => !covered.has(place) && !ELSEWHERE.has(place)),
    [],
  )
})
