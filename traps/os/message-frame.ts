/**
 * A message on its way: the head in front of it, which says what it is and how long, and values as
 * bytes, which the host's structured cloning makes of them.
 */

/** Bytes of a head; and behind the body comes the tag. */
export const HEAD_BYTES = 8

/** Nothing more comes. */
export const END = 0
/** A value, as the host's structured cloning writes it. */
export const VALUE = 1
/** Bytes as they are. */
export const BYTES = 2

export interface Head {
  readonly kind: number
  /** Bytes of the body. */
  readonly length: number
  /** The head itself. */
  readonly bytes: Uint8Array
}

export function writeHead(frame: Uint8Array, kind: number, length: number): void {
  const view = new DataView(frame.buffer, frame.byteOffset, HEAD_BYTES)
  view.setUint32(0, kind)
  view.setUint32(4, length)
}

export function headOf(bytes: Uint8Array): Head {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEAD_BYTES)
  return { kind: view.getUint32(0), length: view.getUint32(4), bytes }
}

/** @throws DataCloneError if it cannot be copied, or what its getters throw. */
export function serialized(value: unknown): Uint8Array {
  return process.getBuiltinModule('node:v8').serialize(value)
}

/** Only for what comes from who is trusted: it is not made to be safe from others. */
export function deserialized(bytes: Uint8Array): unknown {
  return process.getBuiltinModule('node:v8').deserialize(bytes)
}
