/**
 * Messages over a stream of bytes: the length and the number of the call in four bytes each, then
 * what v8 makes of the message.
 *
 * It is for two processes of one program, so the other side is trusted to speak the same language.
 * There are values all the same that v8 writes and cannot read. The number is outside of them, so
 * that such a value is the trouble of its own call.
 */
import { BrokenError, ClosedError } from '../../kernel/protocol/errors.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import type { ByteStream } from '../net/byte-stream.js'
import type { Answer, Request } from './remote-messages.js'

const HEAD_BYTES = 8
/** Of what is about no call. */
const NO_CALL = 0

/** What takes the messages of one side. */
export interface FrameReceiver<M> {
  receive(message: M): void
  receiveUnread(id: number, why: Error): void
}

/** @throws DataCloneError if the message cannot be copied. */
export function frameOf(message: Request | Answer): readonly Uint8Array[] {
  const body = process.getBuiltinModule('node:v8').serialize(message)
  const head = new Uint8Array(HEAD_BYTES)
  const view = new DataView(head.buffer)
  view.setUint32(0, body.length)
  view.setUint32(4, 'id' in message ? message.id : NO_CALL)
  return [head, body]
}

/** What would arrive of a value; throws if nothing would. */
export function throughFrame(value: unknown): unknown {
  const { deserialize, serialize } = process.getBuiltinModule('node:v8')
  return deserialize(serialize(value))
}

/** Gives every message to the receiver, until the stream ends or breaks. */
export function* receiveFrames<M>(stream: ByteStream, receiver: FrameReceiver<M>): Operation<never> {
  const { deserialize } = process.getBuiltinModule('node:v8')
  for (;;) {
    const head = yield* stream.readExactly(HEAD_BYTES)
    const view = new DataView(head.buffer, head.byteOffset, HEAD_BYTES)
    const id = view.getUint32(4)
    const body = yield* stream.readExactly(view.getUint32(0))
    let message: M
    try {
      message = deserialize(body)
    } catch (error) {
      receiver.receiveUnread(id, error as Error)
      continue
    }
    receiver.receive(message)
  }
}

const ENDS = new Set<unknown>(['EPIPE', 'ECONNRESET', 'ECONNABORTED'])

/** The line has ended on one side or the other, or what was to be sent has. */
export function isEnd(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown }
  return error instanceof BrokenError || error instanceof ClosedError || ENDS.has(code)
}
