/**
 * Ends of the host's for the tests of bridges: pairs of Duplexes and of web streams that are connected to each other, and
 * kernels of several kinds on the host's loop.
 */
import { Duplex } from 'node:stream'
import {
  connect,
  type HostDuplex,
  Kernel,
  listen,
  nursery,
  type Op,
  type Operation,
  once,
  type Stream,
  serve,
  spawn,
  toDuplex,
} from 'drupe'
import { HostDriver } from 'drupe/lowlevel'
import { assertNoLeaks, SimNetwork } from 'drupe/testing'

/** One end of a connection in memory, as Node's own would be: a write calls back when the other end has room. */
class Half extends Duplex {
  other!: Half
  private taken: (() => void) | null = null

  override _read(): void {
    const { taken } = this
    this.taken = null
    taken?.()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    if (this.other.destroyed) done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    else if (this.other.push(chunk)) done()
    else this.other.taken = done
  }

  override _final(done: () => void): void {
    if (!this.other.destroyed) this.other.push(null)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { other, taken } = this
    this.taken = null
    if (!other.destroyed && !other.readableEnded && error === null) other.push(null)
    else if (error !== null) other.destroy()
    taken?.()
    done(error)
  }
}

/** Two Duplexes that are connected to each other. */
export function duplexes(): [Duplex, Duplex] {
  const [a, b] = [new Half(), new Half()]
  a.other = b
  b.other = a
  return [a, b]
}

type Pair = { readonly readable: ReadableStream<Uint8Array>; readonly writable: WritableStream<Uint8Array> }

/** Two pairs of web streams that are connected to each other. */
export function webStreams(): [Pair, Pair] {
  const [there, back] = [new TransformStream<Uint8Array, Uint8Array>(), new TransformStream<Uint8Array, Uint8Array>()]
  return [
    { readable: back.readable, writable: there.writable },
    { readable: there.readable, writable: back.writable },
  ]
}

/** Two ends of one connection. */
export function* tcp(): Operation<readonly [Stream, Stream]> {
  const listener = yield* listen({ host: '127.0.0.1', port: 0 })
  const pair = yield* nursery(function* (n) {
    const accepting = yield* n.spawn(listener.accept())
    return [yield* connect({ host: '127.0.0.1', port: listener.port }), yield* accepting.join()] as const
  })
  yield* listener.close()
  return pair
}

/** Ways to run on the host's loop with sockets: those of the OS, and simulated ones. */
export const HOSTS: readonly { readonly name: string; run<T>(op: Op<T>): Promise<T> }[] = [
  { name: 'sockets of the OS', run: (op) => on(new Kernel(), op) },
  { name: 'a simulated network', run: (op) => on(new Kernel({ driver: new SimNetwork().host('main').driver() }), op) },
]

/** Runs on the host's timers, without I/O. */
export const hosted = <T>(op: Op<T>): Promise<T> => on(new Kernel({ driver: new HostDriver() }), op)

async function on<T>(kernel: Kernel, op: Op<T>): Promise<T> {
  // Tasks that wait for the host's callbacks alone do not keep the process.
  const release = kernel.hold()
  try {
    const result = await kernel.run(op)
    assertNoLeaks(kernel)
    return result
  } finally {
    release()
    await kernel.close()
  }
}

/** Serves with a server of Node's, which gets a Duplex for each connection, while the body runs. */
export function* feeding<T>(
  take: (duplex: HostDuplex) => void,
  body: (port: number, host: string) => Operation<T>,
): Operation<T> {
  const host = '127.0.0.1'
  const listener = yield* listen({ host, port: 0 })
  const server = yield* spawn(
    serve(listener, function* (stream) {
      const duplex = yield* toDuplex(stream, { allowHalfOpen: true })
      take(duplex)
      yield* once(duplex, 'close')
    }),
  )
  try {
    return yield* body(listener.port, host)
  } finally {
    yield* server.cancel()
  }
}

/** A client's socket. */
export function* dial(port: number, host = '127.0.0.1'): Operation<HostDuplex> {
  return yield* toDuplex(yield* connect({ host, port }))
}
