/**
 * What the network scenarios share: a server around a body, pairs of connected streams, patterns of bytes, and places for
 * socket files.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  connect,
  type Listener,
  listen,
  moveOn,
  nursery,
  type Operation,
  type Stream,
  serve,
  sleep,
  spawn,
} from 'drupe'

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

/**
 * Connects to an echo again and again, and gives up at another moment each time. After each comes a connection that may get
 * the number of the socket that was given up: are all of these whole?
 */
export function* wholeBesideCancelled(connecting: () => Operation<Stream>): Operation<boolean> {
  const streams: Stream[] = []
  for (let ms = 0; ms < 1; ms += 0.05) {
    const early = yield* moveOn(ms, connecting())
    const cancelled = yield* spawn(connecting())
    if (ms > 0.5) yield* sleep(0)
    yield* cancelled.cancel()
    streams.push(yield* connecting())
    for (const stream of [early, cancelled.state === 'done' ? (cancelled.result as Stream) : undefined])
      if (stream !== undefined) yield* stream.close()
  }
  let whole = 0
  for (const [i, stream] of streams.entries()) {
    yield* stream.write(bytes(`hello ${i}`))
    if (text(yield* stream.readExactly(`hello ${i}`.length)) === `hello ${i}`) whole++
    yield* stream.close()
  }
  return whole === streams.length
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

/** Gives a body a path for a socket, in a directory of its own. */
export function* inDirectory<T>(body: (path: string, directory: string) => Operation<T>): Operation<T> {
  const directory = mkdtempSync(join(tmpdir(), 'drupe-'))
  try {
    return yield* body(join(directory, 'socket'), directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** The code of what an operation fails with, or `nothing`. */
export function* codeOf(op: Operation<unknown>): Operation<string> {
  try {
    yield* op
    return 'nothing'
  } catch (error) {
    return (error as { code: string }).code
  }
}

const MOST_TRIES = 1000

/**
 * As codeOf, for what is so once a socket is closed. A program that another thread is just starting
 * has a copy of every descriptor until it has become itself, so it may take a moment.
 */
export function* codeSoon(wanted: string, attempt: () => Operation<unknown>): Operation<string> {
  let code = yield* codeOf(attempt())
  for (let tries = 0; code !== wanted && tries < MOST_TRIES; tries++) {
    yield* sleep(1)
    code = yield* codeOf(attempt())
  }
  return code
}
