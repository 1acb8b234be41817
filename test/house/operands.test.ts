/**
 * Every export is called with wrong kinds of every operand, and must say so at once: with a TypeError or a RangeError that
 * names the operand. An export with parameters that is not in the table fails the test, so that new ones cannot be forgotten.
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import test from 'ava'
import * as index from 'drupe'
import * as effection from 'drupe/effection'
import * as lowlevel from 'drupe/lowlevel'
import * as testing from 'drupe/testing'
import * as k from './kinds.js'
import { of, osOperands } from './os-operands.js'
import { parametersOfDoors } from './program.js'
import { handles, kernel, memory, network, THINGS } from './things.js'

const {
  ANY,
  AT,
  BODY,
  BYTES,
  FD,
  FUNCTION,
  OP,
  OPS,
  PIECES,
  SPAWNED,
  STRING,
  SWITCH,
  TIME,
  limit,
  optional,
  options,
  whole,
} = k

test.after(() => kernel.close())

const PORT = whole(0, 80)
const TOKENS = k.or(whole(1), () => false)
const FACTOR: k.Kind = { good: 2, right: (value) => value === 2.5 }
const WAIT = options({ timeout: TIME })
const NAMED = options({ name: STRING })
const SPAWN = options({ name: STRING, daemon: SWITCH })
const TIMES = { deadline: AT, grace: TIME, shield: SWITCH, name: STRING }
const NURSERY = options({
  ...TIMES,
  errors: k.word('first', 'group'),
  onError: k.word('cancel', 'collect'),
  completions: SWITCH,
})
const KERNEL = { grace: TIME, seed: whole(Number.MIN_SAFE_INTEGER), debug: SWITCH }
const SIGNAL = k.thing(new AbortController().signal)
const DISPOSE = Symbol.dispose ?? Symbol.for('Symbol.dispose')
const TARGET = k.thing(new EventEmitter())
const SOURCE = k.thing({ open: () => ({}) })
const HOST_KERNEL = k.thing(kernel)
const STREAM = k.thing(memory)
const PROTOCOL = k.thing({ dataReceived: () => {} })
const ENDPOINT = k.like({ host: '127.0.0.1', port: 80 }, { host: k.thing('::1'), port: PORT })
const SOCKET = { noDelay: optional(SWITCH), keepAlive: optional(SWITCH) }
const SLOW = options({ capacity: limit(1), slow: k.word('wait', 'dropOldest', 'dropNewest', 'close') })
const BORROW = { onBehalfOf: k.or(k.thing({}), (value) => typeof value === 'object' && value !== null) }
const MARKS = options({ highWaterBytes: limit(0), lowWaterBytes: k.or(limit(0), () => false) })
const EVERY = k.or(k.PERIOD, (value) => k.ITEMS.right(value))
const LATE = options({ late: k.word('skip', 'burst') })
const CONDITIONS = { bandwidth: k.or(TIME, () => false), loss: k.SHARE, reorder: k.SHARE, duplicate: k.SHARE }
const QUEUE_OF_TASKS = k.thing(new lowlevel.WaitQueue())

const TEXT_BYTES = k.or(BYTES, (value) => typeof value === 'string')
const TEXT_PIECES = k.or(PIECES, (value) => typeof value === 'string')
const ITEMS = options({ maxBytes: limit(1), timeout: TIME })

const READER: Readonly<Record<string, readonly k.Kind[]>> = {
  read: [optional(limit(1)), WAIT],
  borrow: [optional(limit(1)), WAIT],
  readInto: [BYTES, WAIT],
  write: [TEXT_PIECES, WAIT],
  writeSome: [TEXT_PIECES, WAIT],
  readExactly: [whole(0), WAIT],
  readUntil: [TEXT_BYTES, optional(limit(1)), WAIT],
  readLine: [optional(limit(1)), WAIT],
  readAll: [ITEMS],
  lines: [ITEMS],
  chunks: [ITEMS],
  unread: [TEXT_BYTES],
}
const LOCK = { acquire: [WAIT], with: [OP] }
const QUEUE = { put: [ANY, WAIT], tryPut: [ANY], get: [WAIT], join: [WAIT], shutdown: [options({ immediate: SWITCH })] }

/** The kinds of the parameters of every export that has any. */
const TABLE: Readonly<Record<string, readonly k.Kind[]>> = {
  'new Kernel': [options(KERNEL)],
  ...of('Kernel', {
    run: [OP, SPAWN],
    runSync: [OP, SPAWN],
    spawn: [OP, SPAWN],
    cancel: [k.thing(handles['Task']), ANY],
  }),
  run: [OP, options({ ...KERNEL, name: STRING, signal: SIGNAL })],
  runSync: [OP, options(KERNEL)],
  suppressed: [ANY],
  ...of('Listener', { accept: [WAIT] }),
  ...of('Nursery', {
    spawn: [SPAWNED, SPAWN],
    start: [OP, SPAWN],
    setDeadline: [AT],
    setShield: [SWITCH],
    cancel: [ANY],
  }),
  ...of('Scope', { setDeadline: [AT], setShield: [SWITCH], cancel: [ANY] }),
  'Task.cancel': [ANY, options({ wait: SWITCH })],
  withSignal: [SIGNAL, OP],
  toAsyncIterable: [HOST_KERNEL, BODY],
  each: [SOURCE, BODY],
  subscribe: [SOURCE],
  events: [
    TARGET,
    k.EVENT,
    options({
      limit: limit(1),
      overflow: k.word('fail', 'dropOldest', 'dropNewest', 'pause'),
      until: k.or(k.EVENT, (value) => Array.isArray(value) && value.length === 0),
    }),
  ],
  once: [TARGET, k.EVENT],
  until: [k.or(FUNCTION, (value) => value instanceof Promise)],
  withStore: [k.thing(new AsyncLocalStorage()), ANY, OP],
  call: [SPAWNED],
  spawn: [SPAWNED, SPAWN],
  suspend: [optional(BODY)],
  interval: [EVERY, BODY, LATE],
  exponential: [options({ first: TIME, max: TIME, factor: FACTOR })],
  fibonacci: [options({ first: TIME, max: TIME })],
  fixed: [TIME],
  jittered: [k.ITEMS, optional(k.SHARE)],
  retry: [
    BODY,
    options({ times: limit(1), backoff: k.ITEMS, jitter: k.SHARE, timeout: TIME, within: TIME, while: FUNCTION }),
  ],
  'new RateLimiter': [whole(1), k.PERIOD, options({ name: STRING, burst: whole(1) })],
  ...of('RateLimiter', { acquire: [optional(TOKENS), WAIT], tryAcquire: [optional(TOKENS)] }),
  keyed: [options({ existing: k.word('replace', 'join', 'ignore') })],
  ...of('KeyedTasks', { spawn: [ANY, FUNCTION], get: [ANY] }),
  singleFlight: [BODY, options({ ttl: TIME, errorTtl: TIME, maxEntries: limit(1) })],
  ...of('SingleFlight', { get: [ANY], forget: [ANY] }),
  pool: [BODY, options({ size: whole(1), idleTimeout: TIME, maxAge: TIME, check: BODY })],
  ...of('Pool', { use: [BODY, WAIT] }),
  flow: [SOURCE],
  ...of('Flow', {
    map: [FUNCTION],
    filter: [FUNCTION],
    take: [whole(0)],
    buffer: [whole(1), optional(TIME)],
    debounce: [TIME],
    throttle: [TIME],
    merge: [SOURCE],
  }),
  ticker: [EVERY, LATE],
  read: [FD, PIECES, WAIT],
  readable: [FD, WAIT],
  writable: [FD, WAIT],
  write: [FD, TEXT_PIECES, WAIT],
  'new BufferedWriter': [STREAM, MARKS],
  ...of('BufferedWriter', { write: [TEXT_PIECES, WAIT], flush: [WAIT] }),
  corked: [STREAM, BODY, MARKS],
  ...of('ByteReader', READER),
  ...of('Stream', READER),
  ...of('MemoryStream', READER),
  ...of('TlsStream', { ...READER, handshake: [WAIT] }),
  startTls: [
    STREAM,
    k.like(
      { servername: 'here' },
      { servername: STRING, side: optional(k.word('client', 'server')), timeout: optional(TIME), ...k.TLS },
    ),
  ],
  serveProtocol: [k.thing(THINGS['Listener']), BODY, options({ onError: FUNCTION, maxConnections: limit(1) })],
  connectProtocol: [k.like({ host: 'here', port: 80 }, { host: k.TEXT, port: PORT }), PROTOCOL],
  ...of('ForeignStream', READER),
  toDuplex: [STREAM, options({ allowHalfOpen: SWITCH })],
  fromDuplex: [k.thing(new PassThrough())],
  toWebStreams: [STREAM],
  fromWebStreams: [
    k.like(
      { readable: new ReadableStream(), writable: new WritableStream() },
      { readable: k.thing(new ReadableStream()), writable: k.thing(new WritableStream()) },
    ),
  ],
  serve: [k.thing(THINGS['Listener']), BODY, options({ threads: k.thing(1), onError: FUNCTION })],
  connect: [
    k.like(
      { host: 'here', port: 80 },
      {
        host: k.TEXT,
        port: PORT,
        family: optional(k.word('ipv4', 'ipv6')),
        attemptDelay: optional(TIME),
        timeout: optional(TIME),
        signal: k.or(SIGNAL, (value) => value === undefined),
        ...SOCKET,
      },
    ),
  ],
  ...osOperands(READER),
  main: [OP, options({ ...KERNEL, signals: optional(k.LIST) })],
  lookup: [k.TEXT, WAIT],
  reverse: [k.thing('127.0.0.1'), WAIT],
  pipe: [STREAM, STREAM, options({ maxBytes: limit(0), end: SWITCH, onProgress: FUNCTION, timeout: TIME })],
  listen: [
    k.like(
      { port: 80 },
      {
        host: optional(k.thing('::1')),
        port: PORT,
        backlog: optional(whole(0)),
        reusePort: optional(SWITCH),
        ...SOCKET,
      },
    ),
  ],
  ...of('UdpSocket', {
    receive: [options({ timeout: TIME, maxBytes: whole(1, 65_535) })],
    send: [TEXT_BYTES, ENDPOINT, WAIT],
    connect: [ENDPOINT],
    join: [k.thing('224.0.0.9'), options({ interfaceIndex: whole(0), source: k.thing('10.0.0.1') })],
    leave: [k.thing('224.0.0.9'), options({ interfaceIndex: whole(0), source: k.thing('10.0.0.1') })],
    setMulticastTtl: [whole(0, 255)],
    setMulticastLoopback: [SWITCH],
    setMulticastInterface: [whole(0)],
  }),
  udp: [
    options({
      host: k.thing('::1'),
      port: PORT,
      broadcast: SWITCH,
      reusePort: SWITCH,
      reuseAddress: SWITCH,
      remote: ENDPOINT,
    }),
  ],
  'DatagramSocket.receive': [options({ timeout: TIME, maxBytes: whole(1) })],
  ...of('UnixDatagramSocket', {
    receive: [options({ timeout: TIME, maxBytes: whole(1) })],
    send: [TEXT_BYTES, optional(k.TEXT), WAIT],
    connect: [k.TEXT],
  }),
  unixDatagram: [options({ path: k.TEXT, mode: k.thing(undefined), remote: k.TEXT })],
  socketPair: [options({ datagrams: SWITCH })],
  all: [k.or(OPS, (value) => typeof value === 'object' && value !== null && !(Symbol.iterator in value))],
  allSettled: [OPS],
  any: [OPS],
  first: [OPS],
  race: [{ ...OPS, right: () => false }],
  'Context.with': [ANY, OP],
  context: [STRING, ANY, options({ travels: optional(SWITCH) })],
  asCompleted: [OPS, BODY],
  map: [k.or(k.ITEMS, (value) => typeof value === 'string'), BODY, options({ concurrency: limit(1) })],
  nursery: [BODY, NURSERY],
  started: [ANY],
  ensure: [BODY],
  resource: [BODY],
  use: [OP, BODY],
  // From Node 24 on every iterator can be disposed of, generators among them.
  using: [k.or(k.thing(null), (value) => value === null || value === undefined || DISPOSE in Object(value))],
  moveOn: [TIME, OP, ANY],
  scope: [{ ...options(TIMES), good: {} }, BODY],
  shield: [OP],
  timeout: [TIME, OP],
  timeoutAt: [AT, OP],
  'new Barrier': [whole(1), NAMED],
  'Barrier.wait': [WAIT],
  ...of('Broadcast', { subscribe: [SLOW], publish: [ANY, WAIT], tryPublish: [ANY] }),
  broadcast: [SLOW],
  channel: [optional(limit(0)), NAMED],
  ...of('Receiver', { receive: [WAIT], each: [BODY], with: [OP] }),
  ...of('Sender', { send: [ANY, WAIT], trySend: [ANY], with: [OP] }),
  'new Condition': [optional(k.thing(undefined)), NAMED],
  ...of('Condition', { ...LOCK, wait: [WAIT], waitFor: [FUNCTION, WAIT], notify: [optional(limit(0))] }),
  'new Event': [NAMED],
  'Event.wait': [WAIT],
  'new CapacityLimiter': [limit(0), NAMED],
  ...of('CapacityLimiter', {
    acquire: [options({ ...BORROW, timeout: TIME })],
    tryAcquire: [options(BORROW)],
    release: [options(BORROW)],
    setTotal: [limit(0)],
    with: [OP, options({ ...BORROW, timeout: TIME })],
  }),
  'LinkedQueue.put': [ANY],
  linkedEvent: [k.thing(new MessageChannel().port1)],
  linkedQueue: [k.thing(new MessageChannel().port1)],
  'new Lock': [NAMED],
  ...of('Lock', LOCK),
  'new RLock': [NAMED],
  ...of('RLock', LOCK),
  'new LifoQueue': [optional(limit(1)), NAMED],
  ...of('LifoQueue', QUEUE),
  'new PriorityQueue': [optional(limit(1)), options({ name: STRING, compare: FUNCTION })],
  ...of('PriorityQueue', QUEUE),
  'new Queue': [optional(limit(1)), NAMED],
  ...of('Queue', QUEUE),
  'new Result': [NAMED],
  ...of('Result', { join: [WAIT], wait: [WAIT], set: [ANY], fail: [ANY], cancel: [ANY] }),
  'new BoundedSemaphore': [whole(0), NAMED],
  ...of('BoundedSemaphore', LOCK),
  'new Semaphore': [whole(0), options({ name: STRING, max: limit(1) })],
  ...of('Semaphore', LOCK),
  ...of('Subscription', { receive: [WAIT], each: [BODY], with: [OP] }),
  // The language has it that the `then` of whatever passes over what is no function.
  'Universal.then': [ANY, ANY],
  'Disposal.then': [ANY, ANY],
  'new UniversalQueue': [optional(limit(1)), NAMED],
  ...of('UniversalQueue', { put: [ANY], tryPut: [ANY] }),
  'new UniversalResult': [NAMED],
  ...of('UniversalResult', { set: [ANY], fail: [ANY] }),
  sleep: [TIME],
  sleepUntil: [AT],
  'new WaitQueue': [optional(STRING), optional(FUNCTION), optional(FUNCTION)],
  notify: [k.thing(undefined)],
  park: [QUEUE_OF_TASKS, WAIT],
  wake: [QUEUE_OF_TASKS, optional(limit(0)), ANY],
  openFile: [k.TEXT, optional(k.word('r', 'w')), optional(whole(0)), WAIT],
  stat: [k.or(k.TEXT, FD.right), WAIT],
  sync: [FD, WAIT],
  accept: [FD, WAIT],
  bind: [FD, ENDPOINT],
  close: [FD],
  'lowlevel connect': [FD, ENDPOINT, WAIT],
  'lowlevel listen': [FD, optional(whole(0)), optional(ENDPOINT)],
  disconnect: [FD],
  membership: [FD, SWITCH, options({ group: ENDPOINT, interfaceIndex: whole(0), source: ENDPOINT })],
  localAddress: [FD],
  remoteAddress: [FD],
  setOption: [FD, k.word('noDelay'), k.or(whole(0), (value) => value === true)],
  shutdown: [FD],
  socket: [k.word('tcp4')],
  writeAll: [FD, TEXT_PIECES, WAIT],
  sendDescriptors: [FD, TEXT_BYTES, k.like([5], {}), WAIT],
  receiveDescriptors: [FD, BYTES, options({ timeout: TIME, maxDescriptors: whole(0, 253) })],
  virtual: [{ ...options({ ...KERNEL, network: k.thing(network) }), good: {}, right: k.isBare }, OP],
  assertNoLeaks: [k.thing(kernel)],
  ...of('Choices', {
    integer: [whole(Number.MIN_SAFE_INTEGER), whole(1, 9)],
    pick: [{ ...k.LIST, right: (value) => Array.isArray(value) && value.length > 0 }],
    chance: [k.SHARE],
    shuffled: [k.LIST],
  }),
  explore: [FUNCTION, options({ seeds: whole(0), from: whole(Number.MIN_SAFE_INTEGER), shrinks: whole(0) })],
  'SimHost.unlink': [STRING],
  'SimNetwork.name': [k.TEXT, options({ latency: TIME, error: k.word('ENOTFOUND', 'EAI_AGAIN') })],
  'new SimNetwork': [
    options({ ...CONDITIONS, latency: k.or(TIME, Array.isArray), seed: whole(-1), onPacket: k.FUNCTION }),
  ],
  ...of('SimNetwork', {
    host: [
      STRING,
      options({
        addresses: k.LIST,
        skew: AT,
        rate: k.or(TIME, () => false),
        descriptors: limit(0),
        partial: k.SHARE,
        style: k.word('readiness', 'completion'),
      }),
    ],
    link: [STRING, STRING, { ...options(CONDITIONS), good: {}, right: k.isBare }],
    partition: [k.LIST, k.LIST],
    mute: [STRING, STRING],
    reset: [STRING, STRING],
    crash: [STRING],
    restart: [STRING, optional(OP)],
    run: [ANY, ANY],
  }),
  'VirtualDriver.advance': [TIME],
  checkStreams: [OP, options({ unbounded: SWITCH, noHalfClose: SWITCH, plenty: whole(1) })],
  issueCertificate: [
    k.like(
      { name: 'me' },
      {
        name: STRING,
        isCa: optional(SWITCH),
        issuer: optional(k.thing(testing.issueCertificate({ name: 'other' }))),
        validFrom: optional(k.thing(new Date())),
      },
    ),
  ],
  streamConformance: [OP, options({ unbounded: SWITCH, noHalfClose: SWITCH, plenty: whole(1) })],
  memoryStreams: [options({ capacity: limit(0), chunk: limit(1) })],
  'Sequencer.at': [whole(0), optional(OP)],
  fromEffection: [k.or(OP, () => false)],
  toEffection: [OP, optional(HOST_KERNEL)],
}

/** What others than users call: errors and traps are made by the kernel, drivers are called by it, by the contract alone. */
const UNCHECKED =
  /^(new \w*(Error|Cancelled|Trap|IoOp|Request|HostDriver)|chooseDriver|HostDriver\.\w+|SimDriver\.\w+|VirtualDriver\.(?!advance)\w+)$/

const PARAMETERS = parametersOfDoors()

test('every export that has parameters is in the table, with as many as it has', (t) => {
  const exported = [...PARAMETERS].filter(([key]) => !UNCHECKED.test(key))
  t.deepEqual(
    exported.filter(([key, { length }]) => TABLE[key]?.length !== length).map(([key]) => key),
    [],
  )
})

for (const [key, kinds] of Object.entries(TABLE)) {
  const names = PARAMETERS.get(key)
  if (names === undefined || kinds.every((one) => one === ANY)) continue
  test(`${key} names an operand that is wrong, at once`, async (t) => {
    const complaints: string[] = []
    for (let i = 0; i < kinds.length; i++) {
      const kind = kinds[i] as k.Kind
      const name = names[i] as string
      for (const value of k.sorts()) {
        if (kind.right(value)) continue
        await tryOut(complaints, key, kinds, i, value, [name, ...Object.keys(kind.fields ?? {})])
      }
      for (const [field, inner] of Object.entries(kind.fields ?? {})) {
        for (const value of k.sorts()) {
          if (inner.right(value)) continue
          await tryOut(complaints, key, kinds, i, { ...(kind.good as object), [field]: value }, [field])
        }
      }
    }
    t.deepEqual(complaints, [])
  })
}

async function tryOut(
  complaints: string[],
  key: string,
  kinds: readonly k.Kind[],
  place: number,
  value: unknown,
  names: readonly string[],
): Promise<void> {
  const operands = kinds.map((kind, i) => (i === place ? value : kind.good))
  let error: unknown
  try {
    const result = invoke(key, operands)
    // What comes as a promise fails as one.
    if (result instanceof Promise) await result
  } catch (thrown) {
    error = thrown
  }
  const text = String(error)
  const named = names.some((name) => new RegExp(`^\\w+: Cannot .*: .*\\b${name}\\b`).test(text))
  if (!(error instanceof TypeError || error instanceof RangeError) || !named) {
    complaints.push(`${names[0]} of ${key}: ${show(value, names)} gives ${text}`)
  }
}

function show(value: unknown, names: readonly string[]): string {
  const field =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[names[0] as string] : ''
  return `${typeof value === 'object' ? Object.prototype.toString.call(value) : String(value)} ${String(typeof field === 'object' ? typeof field : field?.toString())}`
}

function invoke(key: string, operands: readonly unknown[]): unknown {
  const [, made] = /^new (\w+)$/.exec(key) ?? []
  if (made !== undefined) return new (find(made) as new (...operands: readonly unknown[]) => unknown)(...operands)
  const [, type, method] = /^(\w+)\.(\w+)$/.exec(key) ?? []
  if (type === undefined) return (find(key) as (...operands: readonly unknown[]) => unknown)(...operands)
  const receiver = THINGS[type] as Record<string, (...operands: readonly unknown[]) => unknown>
  return receiver[method as string]?.(...operands)
}

function find(key: string): unknown {
  if (key.startsWith('lowlevel ')) return (lowlevel as Record<string, unknown>)[key.slice(9)]
  const doors: Record<string, unknown>[] = [index, lowlevel, testing, effection]
  return doors.find((door) => key in door)?.[key]
}
