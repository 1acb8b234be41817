/**
 * Streams of Node's as one of ours: sockets, pipes of a child process, whatever has its methods.
 *
 * Reading is `read()` and the event `'readable'`, the way of Node's own that has back-pressure: the
 * host's end reads ahead as far as its mark, and then waits for a task. It has an `'error'`
 * listener for as long as it lives, so an error that comes between two calls ends no process; the
 * next call throws it.
 */
import { BrokenError, ClosedError } from '../../kernel/protocol/errors.js'
import { checkMethods, wrong } from '../../kernel/protocol/operands.js'
import type { EmitterLike } from '../bridge/listen.js'
import { failureOf } from './foreign-pieces.js'
import { type ForeignEnd, ForeignStream } from './foreign-stream.js'

/** What is needed of a Readable of Node's. */
export interface ReadableLike extends EmitterLike {
  /** Takes the bytes that are there; null if there are none. */
  read(): unknown
  /**
   * Ends it at once.
   *
   * @param error Why.
   */
  destroy(error?: Error): unknown
  /** Whether it was ended at once. */
  readonly destroyed: boolean
  /** Whether its end has been read. */
  readonly readableEnded: boolean
  /** Whether it gives text instead of bytes, and as what; null or undefined: it does not. */
  readonly readableEncoding?: unknown
  /** Whether it gives objects instead of bytes. */
  readonly readableObjectMode?: boolean
  /** What it failed with. */
  readonly errored?: unknown
}

/** What is needed of a Writable of Node's. */
export interface WritableLike extends EmitterLike {
  /**
   * Takes bytes.
   *
   * @param bytes The bytes.
   * @param done Is called when they have left, or will not.
   */
  write(bytes: Uint8Array, done: (error?: Error | null) => void): unknown
  /** Says that no more comes. */
  end(): unknown
  /**
   * Ends it at once.
   *
   * @param error Why.
   */
  destroy(error?: Error): unknown
  /** Whether it was ended at once. */
  readonly destroyed: boolean
  /** Whether `end` was called. */
  readonly writableEnded: boolean
  /** What it failed with. */
  readonly errored?: unknown
}

/** A Duplex of Node's, such as a `net.Socket` or a `tls.TLSSocket`. */
export interface DuplexLike extends ReadableLike, WritableLike {}

/** Two streams of Node's that are one connection, such as those of a child process. */
export interface NodePair {
  /** What is read. */
  readonly readable: ReadableLike
  /** What is written. */
  readonly writable: WritableLike
}

/**
 * Makes a stream over a Duplex of Node's, or over a Readable and a Writable that are one
 * connection. They are the stream's from here on: nothing else may read or write, and closing the
 * stream destroys them. What a task has not read waits in the host's buffer, and then at the peer;
 * a write returns when the host's stream has taken the bytes. Errors of the host's are thrown by
 * the calls that come after them.
 *
 * A close is clean if nothing was being written. Else the host's end is destroyed with an error,
 * so that half of something does not look like all of it.
 *
 * Needs the host's event loop, so its calls do not work in a blocking run. Does not wait itself.
 *
 * @param duplex A Duplex, or `{ readable, writable }`.
 * @throws TypeError if it is neither, or if it carries objects or text instead of bytes.
 * @example
 * import { createServer, connect as dial, type AddressInfo } from 'node:net'
 * import { fromDuplex, once, run, use } from 'drupe'
 *
 * const server = createServer((socket) => socket.end('hello\nworld\n')).listen(0, '127.0.0.1')
 * await run(function* () {
 *   yield* once(server, 'listening')
 *   const socket = dial((server.address() as AddressInfo).port, '127.0.0.1')
 *   const stream = fromDuplex(socket)
 *   console.log(yield* stream.readLine()) // => hello
 *   yield* stream.close()
 *   console.log(socket.destroyed) // => true
 * })
 * server.close()
 */
export function fromDuplex(duplex: DuplexLike | NodePair): ForeignStream {
  const [readable, writable] = endsOf(duplex)
  return new ForeignStream((news) => new NodeEnd(readable, writable, news))
}

function endsOf(duplex: DuplexLike | NodePair): [ReadableLike, WritableLike] {
  const action = 'make a stream'
  const kind = 'a Duplex of Node, or { readable, writable }'
  checkMethods(action, 'duplex', duplex, kind, [])
  const { readable, writable } = duplex as NodePair
  // A Duplex has fields of these names, too, and they say yes or no.
  const paired = typeof readable === 'object' && typeof writable === 'object'
  const ends: [ReadableLike, WritableLike] = paired ? [readable, writable] : ([duplex, duplex] as never)
  checkMethods(action, paired ? 'readable' : 'duplex', ends[0], paired ? 'a Readable of Node' : kind, READ)
  checkMethods(action, paired ? 'writable' : 'duplex', ends[1], paired ? 'a Writable of Node' : kind, WRITE)
  const { readableEncoding, readableObjectMode } = ends[0]
  if (readableObjectMode === true || (readableEncoding ?? null) !== null) {
    throw wrong(action, 'duplex', 'one that carries bytes', readableObjectMode ? 'objects' : 'text', '')
  }
  return ends
}

const READ = ['on', 'off', 'read', 'destroy']
const WRITE = ['on', 'off', 'write', 'end', 'destroy']

class NodeEnd implements ForeignEnd {
  /** What it has failed with, in a box because that can be any value. */
  private failure: { readonly error: unknown } | null = null
  private ended = false

  constructor(
    private readonly readable: ReadableLike,
    private readonly writable: WritableLike,
    news: () => void,
  ) {
    const failed = (error: unknown): void => {
      this.failure ??= { error }
      news()
    }
    for (const end of new Set<EmitterLike>([readable, writable])) {
      end.on('error', failed)
      end.on('close', news)
    }
    readable.on('readable', news)
    readable.on('end', news)
  }

  take(): Uint8Array | null | undefined {
    const { readable } = this
    const chunk = readable.read()
    if (chunk instanceof Uint8Array) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    if (chunk !== null)
      throw new TypeError('Cannot read from the stream: the other end carries something else than bytes')
    if (readable.readableEnded) return null
    this.assertAlive('read from the stream', readable)
    return undefined
  }

  assertWritable(): void {
    this.assertAlive('write to the stream', this.writable)
    // By its other owner, or because the peer has ended and it may not be half open.
    if (this.writable.writableEnded) throw new BrokenError('write to the stream', 'the other end was ended')
  }

  give(bytes: Uint8Array, done: () => void): void {
    this.writable.write(bytes, (error) => {
      if (error !== undefined && error !== null) this.failure ??= { error }
      done()
    })
  }

  end(): void {
    if (!this.writable.destroyed) this.writable.end()
    this.ended = true
  }

  close(torn: boolean): void {
    const { readable, writable } = this
    const error = torn ? new ClosedError('go on with the stream', 'its task has closed it') : undefined
    if (!torn && !this.ended) this.end()
    // What of a pair was ended leaves by itself.
    if (torn || (writable as object) === readable) writable.destroy(error)
    readable.destroy(error)
  }

  private assertAlive(action: string, end: ReadableLike | WritableLike): void {
    if (this.failure !== null) throw failureOf(action, this.failure.error)
    if (!end.destroyed) return
    if (end.errored instanceof Error) throw failureOf(action, end.errored)
    throw new BrokenError(action, 'the other end was destroyed')
  }
}
