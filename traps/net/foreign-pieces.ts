/**
 * What is given to the host's streams, and what comes back when they fail.
 *
 * Node and the web keep what they were given for as long as they like, and hand it on without a
 * copy. A write of ours returns the bytes to their owner. So what leaves is a copy, cut into pieces
 * of a size at which a copy costs next to nothing; small ones leave together.
 */
import { BrokenError, BufferError, DrupeError } from '../../kernel/protocol/errors.js'
import { allocate, copyOf } from './chunks.js'

export const PIECE_BYTES = 64 * 1024

/**
 * The bytes, a piece at a time. Each is a function that copies it, to be called when there is room,
 * because until then they are still the writer's.
 *
 * @throws BufferError if some of them were transferred or made smaller meanwhile.
 */
export function* cut(bytes: Uint8Array | readonly Uint8Array[]): Generator<() => Uint8Array, void, undefined> {
  const pieces: readonly Uint8Array[] = Array.isArray(bytes) ? bytes : [bytes as Uint8Array]
  const lengths = pieces.map(({ length }) => length)
  const check = (): void => {
    for (let i = 0; i < pieces.length; i++) {
      if (pieces[i]?.length !== lengths[i]) throw new BufferError('write to the stream')
    }
  }
  let i = 0
  let at = 0
  while (i < pieces.length) {
    const parts: [piece: Uint8Array, from: number, to: number][] = []
    let total = 0
    while (i < pieces.length && total < PIECE_BYTES) {
      const to = Math.min(lengths[i] as number, at + PIECE_BYTES - total)
      if (to > at) parts.push([pieces[i] as Uint8Array, at, to])
      total += to - at
      at = to
      if (to === lengths[i]) {
        i++
        at = 0
      }
    }
    if (total === 0) return
    yield () => {
      check()
      return joined(parts, total)
    }
  }
}

function joined(parts: readonly [Uint8Array, number, number][], total: number): Uint8Array {
  const [first] = parts
  if (parts.length === 1 && first !== undefined) return copyOf(first[0].subarray(first[1], first[2]))
  const all = new Uint8Array(allocate(total))
  let at = 0
  for (const [piece, from, to] of parts) {
    all.set(piece.subarray(from, to), at)
    at += to - from
  }
  return all
}

/**
 * The failure of an end of the host's, as a stream of ours throws it: errors that say what happened
 * as they are, and a BrokenError for those that only say that it is gone.
 */
export function failureOf(action: string, error: unknown): unknown {
  if (error instanceof DrupeError) return error
  if (error instanceof Error && !String((error as { code?: unknown }).code).startsWith('ERR_STREAM_')) return error
  return new BrokenError(action, 'the other end is gone', undefined, { cause: error })
}
