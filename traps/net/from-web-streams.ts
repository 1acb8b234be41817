/**
 * A pair of web streams as one of ours.
 *
 * A reader of the web cannot take back that it asked. So a read that a task gave up goes on, and
 * what it brings is for the next one. Each of the two streams fails by itself: a peer that reads no
 * more can still be read from.
 */
import { BrokenError } from '../../kernel/protocol/errors.js'
import { checkMethods, wrong } from '../../kernel/protocol/operands.js'
import { failureOf } from './foreign-pieces.js'
import { type ForeignEnd, ForeignStream } from './foreign-stream.js'
import { bytesOf, type WebStreamPair } from './web-streams.js'

/**
 * Makes a stream over two web streams that are one connection: those of a `WebTransport`, of a
 * `TransformStream`, of Deno's and Bun's sockets. They are locked and are the stream's from here
 * on. Closing the stream cancels `readable` and closes `writable`, or aborts it if something was
 * being written. What a task has not read is not asked for; a write returns when `writable` has
 * taken the bytes. Errors of theirs are thrown by the calls that come after them.
 *
 * Needs the host's event loop, so its calls do not work in a blocking run. Does not wait itself.
 *
 * @param pair `readable` and `writable`, both of bytes.
 * @throws TypeError if it is no such pair, or one of the two is locked.
 * @example
 * import { fromWebStreams, run, spawn } from 'drupe'
 *
 * await run(function* () {
 *   const stream = fromWebStreams(new TransformStream<Uint8Array, Uint8Array>())
 *   const writer = yield* spawn(() => stream.write('hello\n'))
 *   console.log(yield* stream.readLine()) // => hello
 *   yield* writer.join()
 *   yield* stream.close()
 * })
 */
export function fromWebStreams(pair: WebStreamPair): ForeignStream {
  const action = 'make a stream'
  checkMethods(action, 'pair', pair, 'two web streams, { readable, writable }', [])
  const { readable, writable } = pair
  checkMethods(action, 'readable', readable, 'a ReadableStream', ['getReader'])
  checkMethods(action, 'writable', writable, 'a WritableStream', ['getWriter'])
  for (const [name, { locked }] of [
    ['readable', readable],
    ['writable', writable],
  ] as const) {
    if (locked) throw wrong(action, name, 'a stream that nobody else uses', 'a locked one', '')
  }
  return new ForeignStream((news) => new WebEnd(pair, news))
}

/** What a side has failed with, in a box because that can be any value. */
type Failure = { readonly error: unknown } | null

class WebEnd implements ForeignEnd {
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>
  private readonly writer: WritableStreamDefaultWriter<Uint8Array>
  private chunk: Uint8Array | null | undefined
  private asked = false
  private readFailure: Failure = null
  private writeFailure: Failure = null
  private ended = false

  constructor(
    pair: WebStreamPair,
    private readonly news: () => void,
  ) {
    this.reader = pair.readable.getReader()
    this.writer = pair.writable.getWriter()
    this.reader.closed.catch((error: unknown) => this.readFailed(error))
    this.writer.closed.catch((error: unknown) => this.writeFailed(error))
    // That it has failed is told by `closed`.
    this.writer.ready.catch(ignore)
  }

  take(): Uint8Array | null | undefined {
    const { chunk } = this
    if (chunk === null) return null
    this.chunk = undefined
    if (chunk !== undefined) return chunk
    if (this.readFailure !== null) throw failureOf('read from the stream', this.readFailure.error)
    if (!this.asked) this.ask()
    return undefined
  }

  assertWritable(): void {
    if (this.writeFailure !== null) throw failureOf('write to the stream', this.writeFailure.error)
  }

  give(bytes: Uint8Array, done: () => void): void {
    this.writer.write(bytes).then(done, (error: unknown) => {
      this.writeFailed(error)
      done()
    })
  }

  end(): void {
    this.ended = true
    this.writer.close().catch((error: unknown) => this.writeFailed(error))
  }

  close(torn: boolean): void {
    const gone = new BrokenError('go on with the stream', 'the other side has closed it')
    if (torn) this.writer.abort(gone).catch(ignore)
    else if (!this.ended) this.end()
    this.reader.cancel(gone).catch(ignore)
  }

  private ask(): void {
    this.asked = true
    this.reader.read().then(
      ({ done, value }) => this.arrived(done ? null : value),
      (error: unknown) => this.readFailed(error),
    )
  }

  private arrived(chunk: Uint8Array | null | undefined): void {
    this.asked = false
    try {
      this.chunk = chunk === null ? null : bytesOf(chunk)
    } catch (error) {
      this.readFailed(error)
      this.reader.cancel(error).catch(ignore)
    }
    this.news()
  }

  private readFailed(error: unknown): void {
    this.readFailure ??= { error }
    this.news()
  }

  private writeFailed(error: unknown): void {
    this.writeFailure ??= { error }
    this.news()
  }
}

function ignore(): void {}
