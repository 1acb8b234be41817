/**
 * What is proved with the key that both ends of a message stream have, by HMAC-SHA-256.
 *
 * Every use of the key has a label of its own. So what one end has proved is no proof of the other,
 * and what goes one way is no message of the other way, whoever sends it back. A key is kept as an
 * object of the host's that neither messages nor `console.log` show.
 */
import type { KeyObject } from 'node:crypto'
import { UnsupportedError } from '../../kernel/protocol/errors.js'
import { describe, isBytes } from '../../kernel/protocol/value.js'
import { encoded } from '../raw/text.js'

/** 128 random bits are what nobody finds by trying. */
const LEAST_BYTES = 16
/** Of 32: RFC 2104 allows half, and RFC 4868 takes as much. */
export const TAG_BYTES = 16
export const PROOF_BYTES = 32
const ANYBODY = 'a key that everybody has'
const TWO_TO_32 = 0x1_0000_0000

/** A key as it is kept: the host's own object, whose type other hosts do not have. */
export type MessageKey = object

type Crypto = typeof import('node:crypto')
let loaded: Crypto | undefined

function crypto(): Crypto {
  loaded ??= typeof process === 'object' ? process.getBuiltinModule?.('node:crypto') : undefined
  if (loaded === undefined) throw new UnsupportedError('open a message stream', 'this host has no node:crypto')
  return loaded
}

/** Checks a key, and copies it. An error says how long it is, and nothing else. */
export function keyOf(action: string, key: string | Uint8Array | null): MessageKey {
  if (key === null) return crypto().createSecretKey(encoded(ANYBODY))
  if (typeof key !== 'string' && !isBytes(key))
    throw new TypeError(`Cannot ${action}: key must be a string or a Uint8Array, not ${describe(key)}`)
  const bytes = encoded(key)
  if (bytes.length >= LEAST_BYTES) return crypto().createSecretKey(bytes)
  throw new RangeError(`Cannot ${action}: key must have ${LEAST_BYTES} bytes or more, not ${bytes.length}`)
}

export function randomBytes(count: number): Uint8Array {
  return crypto().randomBytes(count)
}

/** What only one who has the key can say about these parts, all of a fixed length. */
export function proofOf(key: MessageKey, label: string, parts: readonly Uint8Array[]): Uint8Array {
  const hmac = crypto()
    .createHmac('sha256', key as KeyObject)
    .update(`drupe messages 1: ${label}\0`)
  for (const part of parts) hmac.update(part)
  return hmac.digest()
}

/** Takes as long for any two of one length. */
export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return crypto().timingSafeEqual(a, b)
}

const number = new Uint8Array(8)
const numberView = new DataView(number.buffer)

/** One way of a connection: each message has a tag, made of its bytes and its number. */
export class Seal {
  private readonly key: MessageKey
  /** How many messages there were before this one. */
  count = 0

  constructor(secret: Uint8Array) {
    this.key = crypto().createSecretKey(secret)
  }

  /** The tag of the next message. */
  tag(head: Uint8Array, body: Uint8Array): Uint8Array {
    numberView.setUint32(0, Math.floor(this.count / TWO_TO_32))
    numberView.setUint32(4, this.count % TWO_TO_32)
    const hmac = crypto().createHmac('sha256', this.key as KeyObject)
    return hmac.update(number).update(head).update(body).digest().subarray(0, TAG_BYTES)
  }
}
