/**
 * The way into a message stream: what has arrived, and whether it is what the peer has sent.
 *
 * What has arrived of a message stays where it is, the head here and the rest in the stream
 * underneath, so that whoever receives next goes on with it. Nothing is done with a body before its
 * tag was found right.
 */
import {
  AuthenticationError,
  BrokenError,
  BusyError,
  ClosedError,
  TooLargeError,
} from '../../kernel/protocol/errors.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import type { ByteStream } from '../net/byte-stream.js'
import { pass } from '../raw/call.js'
import { BYTES, deserialized, END, HEAD_BYTES, type Head, headOf, VALUE } from './message-frame.js'
import { isSame, type Seal, TAG_BYTES } from './message-key.js'

const RECEIVE = 'receive a message'

export class Incoming {
  /** Of the message whose body is waited for. */
  private head: Head | null = null
  private isBusy = false
  private ended = false
  /** Why nothing more can be received. */
  private failure: Error | null = null

  constructor(
    private readonly stream: ByteStream,
    private readonly seal: Seal,
    private readonly maxBytes: number,
  ) {}

  /** How many messages were received. */
  get count(): number {
    return this.seal.count - (this.ended ? 1 : 0)
  }

  assertOpen(): void {
    if (this.stream.closed) throw new ClosedError(RECEIVE)
  }

  /** The next message, null at the end. `onlyBytes`: one that is a value is an error and stays. */
  *receive(onlyBytes: boolean): Operation<unknown> {
    this.assertOpen()
    if (this.isBusy) throw new BusyError(RECEIVE, 'another task is receiving')
    this.isBusy = true
    try {
      if (this.failure !== null || this.ended) {
        yield* pass()
        if (this.failure !== null) throw this.failure
        return null
      }
      this.head ??= headOf(yield* this.read(HEAD_BYTES))
      const { kind, length } = this.head
      if (length > this.maxBytes) throw new TooLargeError(RECEIVE, this.maxBytes)
      if (onlyBytes && kind === VALUE) throw new TypeError(`Cannot ${RECEIVE}: it is a value, not bytes`)
      return this.take(this.head, yield* this.read(length + TAG_BYTES))
    } finally {
      this.isBusy = false
    }
  }

  private *read(bytes: number): Operation<Uint8Array> {
    try {
      return yield* this.stream.readExactly(bytes)
    } catch (error) {
      if (error instanceof ClosedError) throw new ClosedError(RECEIVE, 'it was closed meanwhile', { cause: error })
      if (!(error instanceof BrokenError)) throw error
      const why = 'the connection has ended, and the peer has not said that it would'
      throw this.fail(new BrokenError(RECEIVE, why, undefined, { cause: error }))
    }
  }

  private take({ kind, length, bytes }: Head, rest: Uint8Array): unknown {
    const { seal } = this
    const body = rest.subarray(0, length)
    if (!isSame(rest.subarray(length), seal.tag(bytes, body))) {
      const why = `what came as number ${seal.count + 1} is not what the peer has sent`
      throw this.fail(new AuthenticationError(RECEIVE, why))
    }
    this.head = null
    seal.count++
    if (kind === BYTES) return body
    if (kind === VALUE) return valueIn(body)
    if (kind !== END) throw this.fail(new BrokenError(RECEIVE, `the peer has sent one of an unknown kind, ${kind}`))
    this.ended = true
    return null
  }

  private fail(failure: Error): Error {
    this.failure = failure
    return failure
  }
}

function valueIn(body: Uint8Array): unknown {
  try {
    return deserialized(body)
  } catch (error) {
    const why = `this version of the host cannot read it: ${(error as Error).message}`
    throw new BrokenError(RECEIVE, why, body, { cause: error })
  }
}
