/**
 * Messages over a stream of bytes: the length in four bytes, then what the host's structured clone
 * makes of the message.
 *
 * It is for two processes of one program, so the other side is trusted to speak the same language.
 */
import { BrokenError, ClosedError } from '../../kernel/protocol/errors.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import type { ByteStream } from '../net/byte-stream.js'

const LENGTH_BYTES = 4

/** @throws DataCloneError if the message cannot be copied. */
export function frameOf(message: unknown): readonly Uint8Array[] {
  const body = process.getBuiltinModule('node:v8').serialize(message)
  const head = new Uint8Array(LENGTH_BYTES)
  new DataView(head.buffer).setUint32(0, body.length)
  return [head, body]
}

/** Gives every message to `receive`, until the stream ends or breaks. */
export function* receiveFrames(stream: ByteStream, receive: (message: unknown) => void): Operation<never> {
  const { deserialize } = process.getBuiltinModule('node:v8')
  for (;;) {
    const head = yield* stream.readExactly(LENGTH_BYTES)
    const length = new DataView(head.buffer, head.byteOffset, LENGTH_BYTES).getUint32(0)
    receive(deserialize(yield* stream.readExactly(length)))
  }
}

const ENDS = new Set<unknown>(['EPIPE', 'ECONNRESET', 'ECONNABORTED'])

/** The line has ended on one side or the other, or what was to be sent has. */
export function isEnd(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown }
  return error instanceof BrokenError || error instanceof ClosedError || ENDS.has(code)
}
