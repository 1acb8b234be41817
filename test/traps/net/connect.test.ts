/**
 * Connecting to names: addresses are raced, in simulated networks with black holes, slow routes and families that lead nowhere.
 */
import test from 'ava'
import {
  type ConnectOptions,
  clock,
  connect,
  listen,
  lookup,
  moveOn,
  type Operation,
  reverse,
  SystemError,
  serve,
  sleep,
  spawn,
} from 'drupe'
import { bind, close, listen as listenOn, socket } from 'drupe/lowlevel'
import { SimNetwork } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrownBy } from '../../kit.js'

const ADDRESSES = {
  hole: ['10.1.0.1', 'fd01::1'],
  pit: ['10.1.0.2', 'fd01::2'],
  good: ['10.1.0.3', 'fd01::3'],
  slow: ['10.1.0.4', 'fd01::4'],
  deaf: ['10.1.0.5', 'fd01::5'],
} as const

function* greeting(): Operation<void> {
  yield* serve(yield* listen({ port: 80 }), function* (stream) {
    yield* stream.write(new TextEncoder().encode('hello'))
  })
}

/** What the client's operation returns, and the time that it took; nothing comes from `hole` and `pit`, `deaf` refuses. */
function among<T>(addresses: readonly string[], op: () => Operation<T>): { readonly result: T; readonly ms: number } {
  const network = new SimNetwork({ latency: 5 })
  for (const [name, own] of Object.entries(ADDRESSES)) network.host(name, { addresses: own })
  network.link('client', 'slow', { latency: 300 })
  network.partition(['client'], ['hole', 'pit'])
  network.name('service', { addresses })
  const { client } = network.run({
    good: { daemon: true, op: greeting },
    slow: { daemon: true, op: greeting },
    *client() {
      const begin = yield* clock()
      const result = yield* op()
      return { result, ms: (yield* clock()) - begin }
    },
  })
  return client
}

/** Which address it has connected to. */
function* peerOf(options: object = {}): Operation<string> {
  const stream = yield* connect({ host: 'service', port: 80, ...options })
  const address = yield* stream.remoteAddress()
  yield* stream.close()
  return address.family === 'unix' ? address.path : address.host
}

const [hole4, hole6] = ADDRESSES.hole
const [pit4] = ADDRESSES.pit
const [good4, good6] = ADDRESSES.good
const [slow4] = ADDRESSES.slow
const [deaf4, deaf6] = ADDRESSES.deaf

test('families take turns: behind a family that leads nowhere the other one is reached after one delay', (t) => {
  covers(t, 'trio open_tcp_stream: does_reorder, reorder_for_rfc_6555_section_5_4')
  t.deepEqual(
    among([hole4, pit4, good6], () => peerOf()),
    { result: good6, ms: 260 },
  )
})

test('an attempt that got company goes on: a slow route is reached, however many lead nowhere', (t) => {
  covers(t, 'trio open_tcp_stream: one_host_slow_success')
  t.deepEqual(
    among([slow4, hole6, pit4], () => peerOf()),
    { result: slow4, ms: 600 },
  )
})

test('one that answers in time stays alone', (t) => {
  covers(t, 'trio open_tcp_stream: early_success, one_host_quick_success')
  t.deepEqual(
    among([good4, hole6, pit4], () => peerOf()),
    { result: good4, ms: 10 },
  )
})

test('one that fails lets the next begin at once', (t) => {
  covers(t, 'trio open_tcp_stream: basic_fallthrough, custom_errors_expedite')
  t.deepEqual(
    among([deaf4, deaf6, good4], () => peerOf()),
    { result: good4, ms: 30 },
  )
})

test('none answers: the error names each address, has the most telling code, and keeps what each failed with', (t) => {
  covers(t, 'trio open_tcp_stream: all_fail, one_host_slow_fail')
  const { result: error } = among(['192.0.2.1', deaf4, deaf6], () => thrownBy(peerOf()))
  t.true(error instanceof SystemError)
  const { code, address, port, message, cause } = error as SystemError
  t.deepEqual([code, port], ['ECONNREFUSED', 80])
  t.true(address === deaf4 || address === deaf6)
  t.regex(message, /none of the 3 addresses of service answered: .*192\.0\.2\.1: host is unreachable/)
  t.true(message.includes(`${deaf4}: connection refused`) && message.includes(`${deaf6}: connection refused`))
  t.true(cause instanceof AggregateError)
  const codes = (cause as AggregateError).errors.map((one: SystemError) => one.code)
  t.deepEqual(codes.sort(), ['ECONNREFUSED', 'ECONNREFUSED', 'EHOSTUNREACH'])
})

test('the only address of a name fails with its own error', (t) => {
  covers(t, 'trio open_tcp_stream: one_host_quick_fail')
  const { result: error } = among([deaf4], () => thrownBy(peerOf()))
  t.like(error, { code: 'ECONNREFUSED', address: deaf4, cause: undefined })
})

test('attempts may begin at once, or one after the other', (t) => {
  covers(t, 'trio open_tcp_stream: custom_delay')
  t.deepEqual(
    among([hole4, pit4, good6], () => peerOf({ attemptDelay: 0 })),
    { result: good6, ms: 10 },
  )
  const one = among([hole4, good6], () => thrownBy(peerOf({ attemptDelay: Number.POSITIVE_INFINITY, timeout: 5000 })))
  t.like(one, { ms: 5000 })
  t.like(one.result, { code: 'DRUPE_TIMEOUT' })
})

test('two that connect in the same moment: one is kept, and the other closed', (t) => {
  covers(t, 'trio open_tcp_stream: multi_success')
  const network = new SimNetwork({ latency: 5 })
  const ends: number[] = []
  network.host('server')
  network.name('service', { addresses: network.host('server').addresses })
  const { client } = network.run({
    server: {
      daemon: true,
      *op() {
        yield* serve(yield* listen({ port: 80 }), function* (stream) {
          ends.push((yield* stream.readAll()).length)
        })
      },
    },
    *client() {
      const stream = yield* connect({ host: 'service', port: 80, attemptDelay: 0 })
      yield* sleep(100)
      t.deepEqual(ends, [0])
      yield* stream.write(new Uint8Array(7))
      yield* stream.close()
      yield* sleep(100)
      return ends
    },
  })
  t.deepEqual(client, [0, 7])
})

test('cancelled or too late, a race leaves nothing: the simulated network looks for what is left over', (t) => {
  covers(t, 'trio open_tcp_stream: cancel, close_all', 'uvloop tcp: create_connection_5')
  for (const ms of [0, 1, 10, 249, 250, 251, 255, 259, 260]) {
    const { result } = among([hole4, pit4, good6], () => moveOn(ms, peerOf(), 'given up'))
    t.is(result, ms < 260 ? 'given up' : result)
    if (ms >= 259) continue
    const late = among([hole4, pit4, good6], () => thrownBy(peerOf({ timeout: ms + 1 })))
    t.like(late.result, { code: 'DRUPE_TIMEOUT' })
  }
})

test('a signal ends it with its reason', (t) => {
  const controller = new AbortController()
  const gone = new Error('the client has left')
  const { result, ms } = among([hole4, pit4, hole6], function* () {
    yield* spawn(function* () {
      yield* sleep(300)
      controller.abort(gone)
    })
    return yield* thrownBy(peerOf({ signal: controller.signal }))
  })
  t.is(result, gone)
  t.is(ms, 300)
})

test('only the family that is asked for; from an address of this machine only to those of its family', (t) => {
  covers(t, 'trio open_tcp_stream: local_address_real')
  t.like(
    among([good6, good4], () => peerOf({ family: 'ipv4' })),
    { result: good4 },
  )
  const { result: none } = among([good4], () => thrownBy(peerOf({ family: 'ipv6' })))
  t.like(none, { code: 'ENOTFOUND', syscall: 'getaddrinfo' })
  t.regex((none as Error).message, /service has no address of the family ipv6, only 10\.1\.0\.3/)
  const network = new SimNetwork({ latency: 5 })
  network.host('client', { addresses: ['10.2.0.1', '10.2.0.2', 'fd02::1'] })
  network.host('server', { addresses: [good4, good6] })
  const { client } = network.run({
    server: { daemon: true, op: greeting },
    *client() {
      const stream = yield* connect({ host: 'server', port: 80, localAddress: '10.2.0.2' })
      const [local, remote] = [yield* stream.localAddress(), yield* stream.remoteAddress()]
      yield* stream.close()
      return [local, remote]
    },
  })
  t.like(client[0], { host: '10.2.0.2' })
  t.like(client[1], { host: good4 })
})

test('look-ups of one name at the same time are one', (t) => {
  const network = new SimNetwork({ latency: 1 })
  network.name('service', { addresses: [good4], latency: 50 })
  const { client } = network.run({
    *client() {
      const times: number[] = []
      const first = yield* spawn(() => lookup('service'))
      yield* sleep(20)
      const others = []
      for (let i = 0; i < 5; i++) {
        others.push(
          yield* spawn(function* () {
            t.deepEqual(yield* lookup('service'), [good4])
            times.push(yield* clock())
          }),
        )
      }
      t.deepEqual(yield* first.join(), [good4])
      for (const task of others) yield* task.join()
      return times
    },
  })
  t.deepEqual(client, [50, 50, 50, 50, 50])
})

test('who asks first and is cancelled takes the look-up back; the others ask again, together', (t) => {
  const network = new SimNetwork({ latency: 1 })
  network.name('service', { addresses: [good4], latency: 50 })
  const { client } = network.run({
    *client() {
      const first = yield* spawn(() => lookup('service'))
      yield* sleep(20)
      const others = [yield* spawn(() => lookup('service')), yield* spawn(() => lookup('service'))]
      yield* sleep(10)
      yield* first.cancel()
      for (const task of others) t.deepEqual(yield* task.join(), [good4])
      return yield* clock()
    },
  })
  t.is(client, 80)
})

test('each of those who wait for a look-up that fails gets an error of its own', (t) => {
  covers(t, 'trio open_tcp_stream: no_hosts')
  const network = new SimNetwork()
  network.name('service', { error: 'EAI_AGAIN', latency: 50 })
  const { client } = network.run({
    *client() {
      const tasks = []
      for (let i = 0; i < 3; i++) tasks.push(yield* spawn(() => thrownBy(connect({ host: 'service', port: 80 }))))
      const errors = []
      for (const task of tasks) errors.push(yield* task.join())
      return errors
    },
  })
  t.is(new Set(client).size, 3)
  for (const error of client) t.like(error, { code: 'EAI_AGAIN', syscall: 'getaddrinfo' })
  t.is(new Set(client.map((error) => (error as Error).message)).size, 1)
})

test('a look-up that nobody answers is taken back, by a timeout, a cancel, and the end of the kernel', (t) => {
  covers(t, 'uvloop dns: getaddrinfo_close_loop')
  const network = new SimNetwork()
  network.name('service', { latency: Number.POSITIVE_INFINITY })
  const { client } = network.run({
    *client() {
      const late = yield* thrownBy(lookup('service', { timeout: 10 }))
      const connecting = yield* thrownBy(connect({ host: 'service', port: 80, timeout: 10 }))
      yield* moveOn(10, lookup('service'))
      return [late, connecting].map((error) => (error as Error).message)
    },
  })
  t.deepEqual(client, [
    'Cannot look up service: not done within 10 ms',
    'Cannot connect to service port 80: not done within 10 ms',
  ])
})

test('what has failed until the time is over is the cause of the TimeoutError', (t) => {
  const late = (addresses: readonly string[]): Error =>
    among(addresses, () => thrownBy(connect({ host: 'service', port: 80, timeout: 1000, attemptDelay: 10 })))
      .result as Error
  const { name, message, cause } = late([deaf4, hole6, deaf6])
  t.deepEqual([name, message], ['TimeoutError', 'Cannot connect to service port 80: not done within 1000 ms'])
  t.true(cause instanceof AggregateError)
  t.deepEqual(
    (cause as AggregateError).errors.map(({ code, address }) => [code, address]),
    [
      ['ECONNREFUSED', deaf4],
      ['ECONNREFUSED', deaf6],
    ],
  )
  t.false('cause' in late([hole4, hole6]))
})

test('a path leads to a Unix socket', (t) => {
  covers(t, 'trio open_unix_stream: open_bad_socket', 'uvloop unix: create_unix_connection_2')
  const network = new SimNetwork()
  const { host } = network.run({
    *host() {
      const fd = yield* socket('unix')
      yield* bind(fd, { family: 'unix', path: '/run/service' })
      yield* listenOn(fd)
      const stream = yield* connect({ path: '/run/service' })
      const address = yield* stream.remoteAddress()
      yield* stream.close()
      yield* close(fd)
      const gone = yield* thrownBy(connect({ path: '/run/nothing' }))
      return [address, (gone as SystemError).code]
    },
  })
  t.deepEqual(host, [{ family: 'unix', path: '/run/service' }, 'ENOENT'])
})

test('what cannot be is refused at the call', (t) => {
  covers(
    t,
    'trio open_tcp_stream: open_tcp_stream_input_validation',
    'trio open_unix_stream: open_with_bad_filename_type',
    'uvloop dns: getaddrinfo_4',
  )
  const refused = (options: object): string => (t.throws(() => connect(options as ConnectOptions)) as Error).message
  t.is(refused({ host: 'a', path: '/b' }), 'Cannot connect: it takes a path alone, or a host and a port')
  t.regex(refused({ path: '/b', localAddress: '127.0.0.1' }), /path alone/)
  t.is(refused({ path: '' }), 'Cannot connect: path must be a path, not ""')
  t.regex(refused({ path: 'a\0b' }), /path/)
  t.regex(refused({ host: 'a' }), /port/)
  t.regex(refused({ host: 'a', port: 1, family: 6 }), /family/)
  t.regex(refused({ host: 'a', port: 1, localAddress: 'eth0' }), /IP address/)
  t.regex(refused({ host: 'a', port: 1, attemptDelay: -1 }), /attemptDelay/)
  t.regex(refused({ host: 'a', port: 1, signal: {} }), /AbortSignal/)
  t.throws(() => lookup(''), { instanceOf: RangeError })
  t.throws(() => lookup(7 as never), { instanceOf: TypeError })
})

test('a host is a string and a port a number: bytes, names of services and nothing at all are refused', (t) => {
  covers(
    t,
    'uvloop dns: getaddrinfo_5, getaddrinfo_6, getaddrinfo_7, getaddrinfo_8, getaddrinfo_9, getaddrinfo_10',
    'uvloop dns: getaddrinfo_11, getaddrinfo_13, getaddrinfo_14, getaddrinfo_15, getaddrinfo_17, getaddrinfo_18',
  )
  const bytes = (content: string): Uint8Array => new TextEncoder().encode(content)
  const refused = (host: unknown, port: unknown): string =>
    (t.throws(() => connect({ host, port } as ConnectOptions)) as Error).message
  for (const host of ['localhost', '127.0.0.1', 'example.com'])
    for (const port of ['80', bytes('80'), 'http', bytes('http'), null, undefined])
      t.regex(refused(host, port), /^Cannot connect: port must be a whole number/)
  for (const host of [bytes('localhost'), bytes('127.0.0.1'), bytes(''), '', null, undefined]) {
    t.regex(refused(host, 80), /^Cannot connect: host must be a (string|name)/)
    t.regex((t.throws(() => lookup(host as string)) as Error).message, /^Cannot look up: host must be a (string|name)/)
  }
})

test('reverse finds the names of an address: of its host, of those that lead to it, and of this machine', (t) => {
  covers(t, 'uvloop dns: getnameinfo_4, getnameinfo_5')
  const network = new SimNetwork()
  network.host('server', { addresses: ['10.0.0.7', 'fd07::7'] })
  network.name('www', { addresses: ['10.0.0.7', '10.9.9.9'] })
  network.name('10.9.9.9', { latency: 50 })
  network.name('10.9.9.8', { error: 'EAI_AGAIN' })
  const { client } = network.run({
    *client() {
      const found = []
      for (const address of ['10.0.0.7', '::ffff:10.0.0.7', 'FD07:0::7', 'fd07::7%2', '10.9.9.9', '127.0.0.1'])
        found.push([...(yield* reverse(address))])
      const failed = [yield* thrownBy(reverse('10.7.7.7')), yield* thrownBy(reverse('10.9.9.8'))]
      const late = yield* thrownBy(reverse('10.9.9.9', { timeout: 10 }))
      yield* moveOn(10, reverse('10.9.9.9'))
      return [found, failed.map((error) => (error as SystemError).code), (late as Error).message, yield* clock()]
    },
  })
  t.deepEqual(client, [
    [['server', 'www'], ['server', 'www'], ['server'], ['server'], ['www'], ['localhost']],
    ['ENOTFOUND', 'EAI_AGAIN'],
    'Cannot look up the name of 10.9.9.9: not done within 10 ms',
    70,
  ])
  for (const wrong of ['server', '', '10.0.0']) t.throws(() => reverse(wrong), { message: /IP address/ })
})
