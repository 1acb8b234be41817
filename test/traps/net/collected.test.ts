/**
 * What the collector takes, and what it must not: a server goes on that nobody holds but its kernel, and of a connection over
 * TLS that is over nothing stays, while the kernel lives on.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import {
  all,
  connect,
  Kernel,
  type Listener,
  listen,
  moveOn,
  type Operation,
  serve,
  sleep,
  spawn,
  startTls,
  type TlsClientOptions,
  until,
} from 'drupe'
import { memoryStreams } from 'drupe/testing'
import { covers } from '../../covers.js'
import { PATIENCE_MS } from '../../patience.js'
import { bytes, CLIENT, pair, SERVER, text } from './tls-kit.js'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Whether all of these are gone, as soon as the collector has found out. */
async function areCollected(refs: readonly WeakRef<object>[]): Promise<boolean> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; ) {
    gc()
    // A reference that was looked at is kept until the host's next turn.
    await new Promise((resolve) => setTimeout(resolve, 1))
    if (refs.every((ref) => ref.deref() === undefined)) return true
  }
  return false
}

test('a server that nobody holds goes on, and is collected once it has ended', async (t) => {
  covers(t, 'uvloop tcp: create_server_7')
  const kernel = new Kernel()
  const refs: WeakRef<Listener>[] = []
  const begin = function* (): Operation<number> {
    const listener = yield* listen({ host: '127.0.0.1', port: 0 })
    refs.push(new WeakRef(listener))
    yield* spawn(
      serve(listener, (stream) => stream.write('hello')),
      { daemon: true },
    )
    return listener.port
  }
  const got = await kernel.run(function* () {
    const port = yield* begin()
    for (let i = 0; i < 3; i++) {
      gc()
      yield* until(new Promise((resolve) => setTimeout(resolve, 1)))
    }
    const stream = yield* connect({ host: '127.0.0.1', port })
    const got = text(yield* stream.readAll())
    yield* stream.close()
    return got
  })
  t.is(got, 'hello')
  // The last trap of a run, which led to the server, is kept until the next one.
  await kernel.run(() => sleep(0))
  t.true(await areCollected(refs))
  await kernel.close()
})

/** How a connection is over; each gives what must not stay of it, besides its options. */
const OVER: readonly (readonly [how: string, peer: string, over: (options: TlsClientOptions) => Operation<object>])[] =
  [
    [
      'that both sides have ended',
      'uvloop ssl: create_connection_memory_leak',
      function* (options) {
        const [c, d] = yield* pair(options, SERVER)
        yield* c.write(bytes('question'))
        yield* d.readExactly(8)
        yield* d.end()
        yield* c.readAll()
        yield* all([c.close(), d.close()])
        return c
      },
    ],
    [
      'whose handshake was given up',
      'uvloop ssl: handshake_timeout_handler_leak',
      function* (options) {
        const [a, b] = memoryStreams()
        yield* moveOn(1, startTls(a, options))
        yield* b.close()
        return a
      },
    ],
    [
      'that one side has closed before the other heard of it',
      'uvloop ssl: shutdown_timeout_handler_leak',
      function* (options) {
        const [c, d] = yield* pair(options, SERVER)
        yield* c.close()
        yield* sleep(1)
        yield* d.close()
        return c
      },
    ],
  ]

for (const [how, peer, over] of OVER) {
  test(`nothing stays of a connection over TLS ${how}`, async (t) => {
    covers(t, peer)
    const kernel = new Kernel()
    const refs = await kernel.run(function* () {
      const options = { ...CLIENT }
      return [new WeakRef<object>(yield* over(options)), new WeakRef<object>(options)]
    })
    t.true(await areCollected(refs))
    await kernel.close()
  })
}
