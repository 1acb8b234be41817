/**
 * What the tests of message streams share: two ends that have shaken hands, and bytes on their way that somebody else can touch.
 */
import {
  all,
  type ByteStream,
  type MessageStream,
  type Operation,
  type StartMessagesOptions,
  startMessages,
} from 'drupe'
import { memoryStreams } from 'drupe/testing'

export const KEY = 'the key of the tests'
/** The head of a message, and its tag. */
export const AROUND_BYTES = 8 + 16
export const HELLO_BYTES = 8 + 1 + 32
export const PROOF_BYTES = 32

type Options = Partial<StartMessagesOptions>

/** Two ends that have shaken hands over two streams. */
export function shaken<T = unknown>(
  [a, b]: readonly [ByteStream, ByteStream],
  options: Options = {},
): Operation<[MessageStream<T>, MessageStream<T>]> {
  return all([
    startMessages<T>(a, { key: KEY, ...options }),
    startMessages<T>(b, { key: KEY, side: 'server', ...options }),
  ]) as Operation<[MessageStream<T>, MessageStream<T>]>
}

/** Two ends in memory. */
export function pair<T = unknown>(
  options?: Options,
  memory?: Parameters<typeof memoryStreams>[0],
): Operation<[MessageStream<T>, MessageStream<T>]> {
  return shaken<T>(memoryStreams(memory), options)
}

export interface Touched {
  readonly client: MessageStream
  readonly server: MessageStream
  /** Where the bytes of the client come out. */
  readonly fromClient: ByteStream
  /** What is written here, the server reads. */
  readonly toServer: ByteStream
}

/** Two ends with somebody between them, who lets the handshake through and then does as he likes. */
export function* touched(options?: Options): Operation<Touched> {
  const [near, fromClient] = memoryStreams()
  const [toServer, far] = memoryStreams()
  function* carry(): Operation<void> {
    const pass = function* (from: ByteStream, to: ByteStream, bytes: number): Operation<void> {
      yield* to.write(yield* from.readExactly(bytes))
    }
    yield* pass(fromClient, toServer, HELLO_BYTES)
    yield* pass(toServer, fromClient, HELLO_BYTES)
    yield* pass(fromClient, toServer, PROOF_BYTES)
    yield* pass(toServer, fromClient, 1 + PROOF_BYTES)
  }
  const [[client, server]] = yield* all([shaken([near, far], options), carry()])
  return { client, server, fromClient, toServer }
}

/** Closes all of them. */
export function* closed(...things: readonly { close(): Operation<void> }[]): Operation<void> {
  for (const one of things) yield* one.close()
}
