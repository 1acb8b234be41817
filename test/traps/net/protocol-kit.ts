/**
 * What the tests of protocols share: protocols that write down what they are told, and a server beside a client in a simulated
 * network, whose lent buffers are wiped when they go back.
 */
import {
  Cancelled,
  connect,
  listen,
  type Operation,
  type Protocol,
  type Stream,
  serveProtocol,
  sleep,
  type Transport,
} from 'drupe'
import { SimNetwork } from 'drupe/testing'

export const text = (bytes: Uint8Array | null): string => new TextDecoder().decode(bytes ?? undefined)

/** Writes down what it is told, and does what the test wants it to do beside. */
export class Logged implements Protocol {
  readonly log: unknown[] = []
  transport!: Transport

  constructor(private readonly also: Partial<Protocol> = {}) {}

  connected(transport: Transport): void {
    this.transport = transport
    this.log.push('connected')
    this.also.connected?.call(this, transport)
  }

  dataReceived(bytes: Uint8Array): void {
    this.log.push(text(bytes))
    this.also.dataReceived?.call(this, bytes)
  }

  eofReceived(): boolean | void {
    this.log.push('end')
    return this.also.eofReceived?.call(this)
  }

  pauseWriting(): void {
    this.log.push('pause')
    this.also.pauseWriting?.call(this)
  }

  resumeWriting(): void {
    this.log.push('resume')
    this.also.resumeWriting?.call(this)
  }

  closed(error: unknown): void {
    const { code = String(error) } = (error ?? {}) as { code?: string }
    this.log.push(['closed', error === null ? null : code])
    this.also.closed?.call(this, error)
  }
}

/** Echoes as the example does: a peer that does not read is not read from. */
export class Echo implements Protocol {
  transport!: Transport
  most = 0

  connected(transport: Transport): void {
    this.transport = transport
  }

  dataReceived(bytes: Uint8Array): void {
    this.transport.write(bytes)
    this.most = Math.max(this.most, this.transport.bufferedBytes)
  }
}

interface Beside {
  /** What `onError` got. */
  readonly errors: unknown[]
}

/** Waits for the end, or whatever it is that ends it. */
export function* broken(stream: Stream): Operation<void> {
  try {
    yield* stream.readAll()
  } catch (error) {
    if (error instanceof Cancelled) throw error
  }
  yield* stream.close()
}

/** Serves with one protocol for all connections, beside a client. */
export function beside(protocol: Protocol, client: (stream: Stream) => Operation<unknown>): Beside {
  const network = new SimNetwork({ latency: 1 })
  const errors: unknown[] = []
  network.run({
    server: {
      daemon: true,
      *op() {
        yield* serveProtocol(yield* listen({ port: 80 }), () => protocol, { onError: (error) => errors.push(error) })
      },
    },
    *client() {
      const stream = yield* connect({ host: 'server', port: 80 })
      yield* client(stream)
      yield* stream.close()
      yield* sleep(100)
    },
  })
  return { errors }
}

export function dial(): Operation<Stream> {
  return connect({ host: 'server', port: 80 })
}
