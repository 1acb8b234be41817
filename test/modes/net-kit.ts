/**
 * What the network scenarios share: a server around a body, pairs of connected streams, and patterns of bytes.
 */
import { connect, type Listener, listen, nursery, type Operation, type Stream, serve, sleep, spawn } from 'drupe'

export const text = (bytes: Uint8Array | null): string => (bytes === null ? '(end)' : new TextDecoder().decode(bytes))
export const bytes = (content: string): Uint8Array => new TextEncoder().encode(content)

/** So many bytes, each of which says where it belongs. */
export function pattern(length: number, from = 0): Uint8Array {
  const content = new Uint8Array(length)
  for (let i = 0; i < length; i++) content[i] = ((from + i) * 31 + ((from + i) >> 8)) & 0xff
  return content
}

/** Where bytes differ from the pattern, or −1. */
export function firstWrong(content: Uint8Array, from = 0): number {
  const right = pattern(content.length, from)
  return content.findIndex((byte, i) => byte !== right[i])
}

export const listenLocally = (): Operation<Listener> => listen({ host: '127.0.0.1', port: 0 })
export const connectTo = (listener: Listener): Operation<Stream> => connect({ host: '127.0.0.1', port: listener.port })

/**
 * How a closed listener refuses a connection. Not always at once: another thread that forks keeps the socket open until its child
 * is another program.
 */
export function* refusalBy(listener: Listener): Operation<string> {
  for (;;) {
    try {
      yield* (yield* connectTo(listener)).close()
      yield* sleep(1)
    } catch (error) {
      return (error as { code: string }).code
    }
  }
}

/** Sends back what it gets, until the end. */
export function* echo(stream: Stream): Operation<void> {
  for (let got = yield* stream.read(); got !== null; got = yield* stream.read()) yield* stream.write(got)
}

/** Runs a body beside a server, and stops the server afterwards. */
export function* withServer<T>(
  handler: (stream: Stream) => Operation<unknown>,
  body: (listener: Listener) => Operation<T>,
  onError?: (error: unknown) => void,
): Operation<T> {
  const listener = yield* listenLocally()
  const server = yield* spawn(serve(listener, handler, onError === undefined ? undefined : { onError }))
  try {
    return yield* body(listener)
  } finally {
    yield* server.cancel()
  }
}

/** Runs a body with the two ends of one connection, and closes both afterwards. */
export function* withPair<T>(body: (client: Stream, server: Stream) => Operation<T>): Operation<T> {
  const listener = yield* listenLocally()
  const [client, server] = yield* nursery(function* (n) {
    const accepting = yield* n.spawn(listener.accept())
    return [yield* connectTo(listener), yield* accepting.join()] as const
  })
  yield* listener.close()
  try {
    return yield* body(client, server)
  } finally {
    yield* client.close()
    yield* server.close()
  }
}
