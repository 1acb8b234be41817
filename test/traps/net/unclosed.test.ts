/**
 * What was never closed: in debug mode it is told with the line that made it, and always counted.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { connect, Kernel, listen, type Operation, run, type Stream, sleep, spawn, udp, use, using } from 'drupe'
import { SimNetwork, virtual } from 'drupe/testing'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** What is written to the console meanwhile. */
async function warnings(body: () => void | Promise<void>): Promise<string[]> {
  const { warn } = console
  const lines: string[] = []
  console.warn = (line: string) => void lines.push(line)
  try {
    await body()
  } finally {
    console.warn = warn
  }
  return lines
}

const simulated = (debug = true): Kernel => new Kernel({ driver: new SimNetwork().host('alone').driver(), debug })

function* pair(): Operation<[Stream, Stream]> {
  const listener = yield* listen({ port: 80 })
  const accepting = yield* spawn(listener.accept())
  const client = yield* connect({ host: '127.0.0.1', port: 80 })
  const server = yield* accepting.join()
  yield* listener.close()
  return [client, server]
}

test.serial('what is open when its kernel ends is told, once for each line, with how many there were', async (t) => {
  const lines = await warnings(() => {
    const kernel = simulated()
    const kept: unknown[] = []
    kernel.runSync(function* main() {
      kept.push(yield* listen({ port: 80 }))
      for (let i = 0; i < 3; i++) kept.push(yield* connect({ host: '127.0.0.1', port: 80 }))
      kept.push(yield* udp())
    })
    kernel.closeSync()
    t.is(kept.length, 5)
  })
  t.is(lines.length, 3)
  const [listener, streams, socket] = lines as [string, string, string]
  t.regex(
    listener,
    /^drupe: A Listener was never closed; task 1 \(main\) made it here:\n +at .*main.*unclosed\.test\.[jt]s:\d+:\d+\)?$/,
  )
  t.regex(
    streams,
    /^drupe: 3 times a Stream was never closed; task 1 \(main\) made it here:\n +at main .*unclosed\.test/,
  )
  t.regex(socket, /^drupe: A UdpSocket was never closed/)
})

test.serial('what the collector finds is told at once', async (t) => {
  const lines = await warnings(async () => {
    const kernel = simulated()
    await kernel.run(function* forgetful() {
      for (let i = 0; i < 100; i++) yield* udp()
    })
    for (let i = 0; i < 20; i++) {
      gc()
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    console.warn('the end')
    await kernel.close()
  })
  t.regex(lines[0] ?? '', /^drupe: A UdpSocket was never closed; task 1 \(forgetful\) made it here:\n.*unclosed\.test/)
  // The last one may be held by the machine's stack; it is told at the end.
  t.is(lines[1], 'the end')
  t.true(lines.length <= 3)
})

test.serial('what was closed is not told: by close, use, using or another task', async (t) => {
  const lines = await warnings(async () => {
    const kernel = simulated()
    kernel.runSync(function* () {
      for (const stream of yield* pair()) yield* stream.close()
      yield* use(udp(), () => sleep(1))
      const child = yield* spawn(function* () {
        yield* using(yield* udp())
      })
      yield* child.join()
      const [client, server] = yield* pair()
      yield* (yield* spawn(client.close())).join()
      yield* server.close()
      yield* server.close()
    })
    kernel.closeSync()
    gc()
    await new Promise((resolve) => setTimeout(resolve, 5))
  })
  t.deepEqual(lines, [])
})

test.serial('outside of debug mode nothing is told, and everything is counted', async (t) => {
  const lines = await warnings(() => {
    const kernel = simulated(false)
    const kept: unknown[] = []
    kernel.runSync(function* () {
      kept.push(yield* pair(), yield* udp())
      t.is(kernel.statistics.sockets, 3)
    })
    t.is(kernel.statistics.sockets, 3)
    kernel.closeSync()
    t.is(kernel.statistics.sockets, 0)
    t.is(kept.length, 2)
  })
  t.deepEqual(lines, [])
})

test('a driver of the system counts its sockets, too', async (t) => {
  const kernel = new Kernel()
  if (kernel.driver === 'host') {
    t.log('skipped: there is no native driver')
    return t.pass()
  }
  await kernel.run(function* () {
    t.is(kernel.statistics.sockets, 0)
    const listener = yield* listen({ host: '127.0.0.1', port: 0 })
    const accepting = yield* spawn(listener.accept())
    const client = yield* connect({ host: '127.0.0.1', port: listener.port })
    const server = yield* accepting.join()
    t.is(kernel.statistics.sockets, 3)
    for (const one of [client, server, listener]) yield* one.close()
    t.is(kernel.statistics.sockets, 0)
  })
  await kernel.close()
})

test('a test on virtual time fails if a stream is left open', (t) => {
  const network = new SimNetwork()
  t.throws(() => virtual({ network }, () => listen({ port: 80 })), { message: /left over: 1 sockets$/ })
})

test.serial('a run of its own tells, too', async (t) => {
  const before = process.env['DRUPE_DEBUG']
  process.env['DRUPE_DEBUG'] = '1'
  const lines = await warnings(async () => {
    await run(() => udp({ host: '127.0.0.1' }))
  })
  if (before === undefined) delete process.env['DRUPE_DEBUG']
  else process.env['DRUPE_DEBUG'] = before
  t.is(lines.length, 1)
  t.regex(lines[0] ?? '', /^drupe: A UdpSocket was never closed; task 1 .*made it/)
})
