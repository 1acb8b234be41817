/**
 * Servers in several threads; the first argument says what happens to them, a second one which driver. Handlers do what their clients order.
 */
import { readdirSync, readlinkSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import {
  connect,
  Kernel,
  type Listener,
  listen,
  moveOn,
  nursery,
  type Operation,
  run,
  runSync,
  type Stream,
  serve,
  sleep,
  spawn,
  suppressed,
  type Task,
} from 'drupe'
import { HostDriver } from 'drupe/lowlevel'
import { SimNetwork } from 'drupe/testing'
import { thrown, thrownBy } from '../../kit.js'
import { bytes, connectTo, echo, listenLocally, refusalBy, text } from '../../modes/net-kit.js'
import { PATIENCE_MS } from '../../patience.js'
import { CLEANED, FAILED, type Orders, WAITING } from './handlers/orders.js'

const ORDERS = new URL('./handlers/orders.js', import.meta.url)
const say = (line: unknown): void => console.log(String(line))
const module = (code: string): URL => new URL(`data:text/javascript,${encodeURIComponent(code)}`)
const counters = (): Orders => ({ counts: new Int32Array(new SharedArrayBuffer(16)) })
const openShared = (port = 0): Operation<Listener> => listen({ host: '127.0.0.1', port, reusePort: true })
const threads = (): number => readdirSync('/proc/self/task').length
/** Descriptors without files: a worker that exits while Node loads its modules leaves some of those open. */
const descriptors = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => /^(socket|pipe|anon_inode):/.test(linkOf(fd))).length

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    // The one that the directory was read through.
    return ''
  }
}

/** A connection and the thread that it came to. */
interface Line {
  readonly stream: Stream
  readonly id: number
}

function* dial(listener: Listener): Operation<Line> {
  const stream = yield* connectTo(listener)
  return { stream, id: Number(text(yield* stream.read())) }
}

/** Dials until a connection comes to such a thread; the system decides, so it may take some tries. */
function* dialWhere(listener: Listener, wanted: (id: number) => boolean): Operation<Line> {
  for (;;) {
    const line = yield* dial(listener)
    if (wanted(line.id)) return line
    yield* line.stream.close()
    // Until the threads are up, all connections come to this one.
    yield* sleep(1)
  }
}

const toWorker = (listener: Listener): Operation<Line> => dialWhere(listener, (id) => id > 0)

function* order({ stream }: Line, what: string): Operation<void> {
  yield* stream.write(bytes(what))
}

function* until(check: () => boolean): Operation<void> {
  while (!check()) yield* sleep(1)
}

function* describe(error: unknown): Operation<void> {
  const { name, code, message } = error as { name: string; code?: string; message: string }
  // Node's words for a missing module say where it looked.
  const why =
    code === 'ERR_MODULE_NOT_FOUND' ? '' : `: ${message.replace(/ (fd )?\d+(?= has|:)/, '').replace(/data:[^:]*/, '…')}`
  say(`${name} ${code}${why}`)
  for (const later of suppressed(error)) say(`suppressed: ${later}`)
}

/** Does nobody listen there? (To listen there oneself proves less: any other process may have got the port by then.) */
function* isFree(port: number): Operation<boolean> {
  const error = yield* thrownBy(connect({ host: '127.0.0.1', port }))
  return (error as { code: string }).code === 'ECONNREFUSED'
}

function* begin(
  count: number,
  data = counters(),
): Operation<{ listener: Listener; server: Task<unknown>; counts: Int32Array }> {
  const listener = yield* openShared()
  const server = yield* spawn(() => thrownBy(serve(listener, ORDERS, { threads: count, data })))
  return { listener, server, counts: data.counts }
}

/** Serves with a module that is no good, or that does something when it is loaded. */
const failing = (url: URL) =>
  function* (): Operation<void> {
    const listener = yield* openShared()
    yield* describe(yield* thrownBy(serve(listener, url, { threads: 2 })))
    say(yield* isFree(listener.port))
  }

/** What is said when a worker is given this order. */
const dying = (what: string) =>
  function* (): Operation<void> {
    const { listener, server, counts } = yield* begin(3)
    const first = yield* toWorker(listener)
    const second = yield* dialWhere(listener, (id) => id !== first.id)
    yield* order(second, 'wait')
    yield* until(() => counts[WAITING] === 1)
    yield* order(first, what)
    yield* describe(yield* server.join())
    // It has died with its connections, and the others have cleaned up theirs.
    say((yield* moveOn(PATIENCE_MS, first.stream.read(), 'open')) === null ? 'closed' : 'open')
    say(`${counts[CLEANED]} cleaned up`)
    say(yield* isFree(listener.port))
    yield* first.stream.close()
    yield* second.stream.close()
  }

/** The worker that this order makes deaf is terminated, and with it goes what it had open. */
const deaf = (what: string) =>
  function* (): Operation<void> {
    const { listener, server, counts } = yield* begin(2)
    const line = yield* toWorker(listener)
    yield* order(line, what)
    yield* until(() => counts[WAITING] === 1)
    yield* server.cancel('enough', { wait: false })
    yield* describe(yield* server.join())
    // The system takes a ring down in the background.
    say((yield* refusalBy(listener)) === 'ECONNREFUSED')
    say(yield* moveOn(PATIENCE_MS, line.stream.read(), 'open'))
    yield* line.stream.close()
  }

const PROGRAMS: Readonly<Record<string, () => Operation<void>>> = {
  *'connections come to every thread'() {
    const { listener, server } = yield* begin(3)
    const seen = new Set<number>()
    while (seen.size < 3) {
      const line = yield* dial(listener)
      seen.add(line.id)
      yield* order(line, 'hello')
      if (text(yield* line.stream.read()) !== 'hello') say('no echo')
      yield* line.stream.close()
    }
    say(`${seen.size} threads, this one among them: ${seen.has(0)}`)
    yield* server.cancel()
    say(yield* isFree(listener.port))
  },

  *'no connection is refused or lost while the threads start'() {
    const { listener, server } = yield* begin(3)
    let served = 0
    let last = 0
    yield* nursery(function* (n) {
      const seen = new Set<number>()
      for (; seen.size < 3; last++) {
        yield* n.spawn(function* () {
          const line = yield* dial(listener)
          seen.add(line.id)
          served++
          yield* line.stream.close()
        })
        yield* sleep(0.5)
      }
    })
    say(served === last ? 'all served' : `${served} of ${last} served`)
    yield* server.cancel()
  },

  *'cancelled, every thread lets its handlers clean up'() {
    const { listener, server, counts } = yield* begin(3)
    const lines = [yield* toWorker(listener)]
    lines.push(yield* dialWhere(listener, (id) => id > 0 && id !== lines[0]?.id))
    lines.push(yield* dialWhere(listener, (id) => id === 0))
    for (const line of lines) yield* order(line, 'wait')
    yield* until(() => counts[WAITING] === 3)
    yield* server.cancel()
    say(`${counts[CLEANED]} cleaned up`)
    say(yield* isFree(listener.port))
    for (const { stream } of lines) {
      say(yield* stream.read())
      yield* stream.close()
    }
  },

  *'its listener closed, every thread finishes what it has'() {
    const { listener, server, counts } = yield* begin(2)
    const lines = [yield* toWorker(listener), yield* dialWhere(listener, (id) => id === 0)]
    for (const line of lines) yield* order(line, 'finish')
    yield* until(() => counts[WAITING] === 2)
    const port = listener.port
    yield* listener.close()
    for (const line of lines) say(text(yield* line.stream.read()))
    yield* describe(yield* server.join())
    say(`${counts[CLEANED]} finished`)
    say(yield* isFree(port))
    for (const { stream } of lines) yield* stream.close()
  },

  *'cancelled while the threads start'() {
    for (const ms of [0, 1, 10, 30, 60, 100, 150]) {
      const { listener, server } = yield* begin(3)
      yield* sleep(ms)
      yield* server.cancel()
      if (!(yield* isFree(listener.port))) say(`taken after ${ms} ms`)
    }
    say('free')
  },

  'a module that is not there': failing(new URL('./handlers/nowhere.js', import.meta.url)),
  'a module without a handler': failing(module('export const handler = 1')),
  'a module that throws in workers only': failing(
    module(`
      import { isMainThread } from 'node:worker_threads'
      if (!isMainThread) throw Object.assign(new RangeError('not here'), { code: 'E_NOT_HERE' })
      export default function* () {}`),
  ),
  'a module that exits in workers only': failing(
    module(`
      import { isMainThread } from 'node:worker_threads'
      if (!isMainThread) process.exit(4)
      export default function* () {}`),
  ),

  'a worker throws': dying('throw'),
  'a worker exits in a handler': dying('exit'),
  'a worker that waits in its thread is terminated, and its port is free': deaf('stay'),
  'a worker that computes for ever is terminated, and its port is free': deaf('spin'),
  *'a worker has no more memory'() {
    // Of those that start from now on.
    setFlagsFromString('--max-old-space-size=48')
    yield* dying('fill')()
  },

  *'a handler that fails in a worker is told to the module, and the server goes on'() {
    const { listener, server, counts } = yield* begin(2)
    const line = yield* toWorker(listener)
    yield* order(line, 'fail')
    say(yield* line.stream.read())
    say(`${counts[FAILED]} failed`)
    yield* line.stream.close()
    const next = yield* toWorker(listener)
    yield* next.stream.close()
    yield* server.cancel()
  },

  *'two servers at once'() {
    const servers = [yield* begin(2), yield* begin(2)]
    for (const { listener } of servers) {
      const line = yield* toWorker(listener)
      yield* order(line, 'hello')
      say(text(yield* line.stream.read()))
      yield* line.stream.close()
    }
    for (const { listener, server } of servers) {
      yield* server.cancel()
      say(yield* isFree(listener.port))
    }
  },

  *'nothing is left of a server: no thread, no descriptor'() {
    for (let round = 0, before = [0, 0]; round < 4; round++) {
      const { listener, server } = yield* begin(3)
      const line = yield* toWorker(listener)
      yield* order(line, round % 2 === 0 ? 'hello' : 'exit')
      yield* line.stream.read()
      yield* server.cancel()
      yield* line.stream.close()
      let now = before
      const more = (): boolean => {
        now = [threads(), descriptors()]
        return now.some((count, i) => count > (before[i] as number))
      }
      // The first two load what stays for good. The system takes its time with threads and rings.
      for (let tries = 0; round > 1 && tries < 3000 && more(); tries++) yield* sleep(1)
      if (round > 1 && more()) say(`threads, descriptors: ${before} before, ${now} after`)
      more()
      before = now
    }
    say('nothing')
  },

  *'one thread and a module'() {
    const listener = yield* listenLocally()
    const before = threads()
    const server = yield* spawn(serve(listener, ORDERS, { data: counters() }))
    const line = yield* dial(listener)
    say(`thread ${line.id}; ${threads() - before} more`)
    yield* line.stream.close()
    yield* server.cancel()
  },

  *'what cannot be'() {
    const open = yield* openShared()
    const closed = yield* listenLocally()
    say(thrown(() => serve(open, echo, { threads: 2 } as object)))
    say(thrown(() => serve(open, ORDERS, { threads: 0 })))
    say(thrown(() => serve(open, ORDERS, { threads: 1.5 })))
    say(thrown(() => serve(open, './handler.js' as unknown as URL)))
    say(yield* thrownBy(serve(closed, ORDERS, { threads: 2 })))
    say(yield* thrownBy(serve(open, ORDERS, { threads: 2, data: () => {} })))
  },
}

/** Threads that are in native calls nearly all the time. */
async function busy(): Promise<void> {
  const kernel = new Kernel()
  const listener = await kernel.run(openShared)
  kernel.spawn(serve(listener, ORDERS, { threads: 3, data: counters() }))
  for (let i = 0; i < 4; i++) {
    const line = await kernel.run(() => toWorker(listener))
    kernel.spawn(function* () {
      for (;;) {
        yield* order(line, 'hello')
        yield* line.stream.read()
      }
    })
  }
}

const SPECIAL: Readonly<Record<string, () => unknown>> = {
  async 'a driver without threads'() {
    const kernel = new Kernel({ driver: new HostDriver() })
    await kernel.run(() => listenLocally()).catch(say)
    await kernel.close()
  },
  async 'a blocking run'() {
    let port = 0
    const error = thrown(() =>
      runSync(function* () {
        const listener = yield* openShared()
        port = listener.port
        yield* serve(listener, ORDERS, { threads: 2, data: counters() })
      }),
    )
    say((error as Error).name)
    say(await run(() => isFree(port)))
  },
  'a simulated network'() {
    new SimNetwork().run({
      *server() {
        say(yield* thrownBy(serve(yield* openShared(), ORDERS, { threads: 2 })))
      },
    })
  },
  async 'a part of a bigger program'() {
    await using kernel = new Kernel()
    let ticks = 0
    const ticking = setInterval(() => ticks++, 1)
    await kernel.run(() =>
      nursery(function* (n) {
        const { listener, server } = yield* begin(2)
        yield* n.spawn(function* () {
          const line = yield* toWorker(listener)
          yield* line.stream.close()
          yield* server.cancel()
        })
      }),
    )
    clearInterval(ticking)
    say(ticks > 0)
  },
  async 'a kernel that is closed'() {
    const kernel = new Kernel()
    const data = counters()
    const listener = await kernel.run(openShared)
    kernel.spawn(serve(listener, ORDERS, { threads: 3, data }))
    const line = await kernel.run(() => toWorker(listener))
    await kernel.run(() => order(line, 'wait'))
    await kernel.run(() => until(() => data.counts[WAITING] === 1))
    await kernel.close()
    say(`${data.counts[CLEANED]} cleaned up`)
    say(await run(() => isFree(listener.port)))
  },
  async 'the process exits while the threads work'() {
    await busy()
    setTimeout(() => process.exit(5), 30)
  },
  async 'the process throws while the threads work'() {
    await busy()
    setTimeout(() => {
      throw new Error('thrown on purpose')
    }, 30)
  },
  async 'the process exits while the threads start'() {
    const kernel = new Kernel()
    const listener = await kernel.run(openShared)
    kernel.spawn(serve(listener, ORDERS, { threads: 3, data: counters() }))
    setTimeout(() => process.exit(6), 25)
  },
}

const [name = '', driver] = process.argv.slice(2)
if (driver !== undefined) process.env['DRUPE_DRIVER'] = driver
const program = PROGRAMS[name]
// Only what is deaf may be terminated, however late a busy machine lets the others be.
await (program === undefined
  ? SPECIAL[name]?.()
  : run(program, { grace: name.endsWith('is terminated, and its port is free') ? 300 : PATIENCE_MS }))
