/**
 * How the two ends of a message stream prove to each other that they have the same key.
 *
 * Each says hello with its side and a random number; the client proves that it has the key, and
 * only then the server does. A proof is about both hellos and about whose it is, so one that was
 * overheard, or is sent back to its author, proves nothing. The key itself is never sent. What
 * messages are sealed with comes from the key and both numbers: it is of this connection alone.
 *
 * ```
 * both    "drupe-m1", "c" or "s", 32 random bytes
 * client  proof (32)
 * server  "y", proof (32), or "n" and 32 zeros
 * ```
 */
import { AuthenticationError, BrokenError } from '../../kernel/protocol/errors.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import type { ByteStream } from '../net/byte-stream.js'
import { encoded } from '../raw/text.js'
import { isSame, type MessageKey, PROOF_BYTES, proofOf, randomBytes, Seal } from './message-key.js'

export type Side = 'client' | 'server'

/** What messages are sealed with, each way. */
export interface Seals {
  readonly outgoing: Seal
  readonly incoming: Seal
}

const ACTION = 'shake hands for messages'
/** With the number of the version. */
const MAGIC = 'drupe-m1'
const NONCE_BYTES = 32
const CLIENT = 0x63
const SERVER = 0x73
const YES = 0x79
const NO = 0x6e

export function* shakeHands(stream: ByteStream, side: Side, key: MessageKey): Operation<Seals> {
  const own = Uint8Array.from([...encoded(MAGIC), side === 'client' ? CLIENT : SERVER, ...randomBytes(NONCE_BYTES)])
  yield* stream.write(own)
  const other = yield* readHello(stream, own)
  const hellos = side === 'client' ? [own, other] : [other, own]
  const ofClient = proofOf(key, 'proof of the client', hellos)
  const ofServer = proofOf(key, 'proof of the server', hellos)
  if (side === 'client') {
    yield* stream.write(ofClient)
    const verdict = yield* hear(stream, 1 + PROOF_BYTES)
    if (verdict[0] === NO) throw new AuthenticationError(ACTION, 'the server has another key, and has refused this one')
    if (verdict[0] !== YES || !isSame(verdict.subarray(1), ofServer))
      throw new AuthenticationError(ACTION, 'the server has not proved that it has the key')
  } else {
    if (!isSame(yield* hear(stream, PROOF_BYTES), ofClient)) {
      yield* stream.write(Uint8Array.from({ length: 1 + PROOF_BYTES }, (_, i) => (i === 0 ? NO : 0)))
      throw new AuthenticationError(ACTION, 'the client has another key')
    }
    yield* stream.write([Uint8Array.of(YES), ofServer])
  }
  const toServer = new Seal(proofOf(key, 'messages to the server', hellos))
  const toClient = new Seal(proofOf(key, 'messages to the client', hellos))
  return side === 'client' ? { outgoing: toServer, incoming: toClient } : { outgoing: toClient, incoming: toServer }
}

function* readHello(stream: ByteStream, own: Uint8Array): Operation<Uint8Array> {
  // What speaks something else need not say as much as a hello has.
  const magic = yield* hear(stream, MAGIC.length)
  const text = String.fromCharCode(...magic)
  if (text !== MAGIC)
    throw new BrokenError(ACTION, `the peer does not speak this protocol; it began with ${JSON.stringify(text)}`, magic)
  const rest = yield* hear(stream, own.length - MAGIC.length)
  const wanted = own[MAGIC.length] === CLIENT ? SERVER : CLIENT
  if (rest[0] !== wanted)
    throw new BrokenError(ACTION, `both ends say that they are the ${wanted === SERVER ? 'client' : 'server'}`)
  return Uint8Array.from([...magic, ...rest])
}

function* hear(stream: ByteStream, bytes: number): Operation<Uint8Array> {
  try {
    return yield* stream.readExactly(bytes)
  } catch (error) {
    if (!(error instanceof BrokenError)) throw error
    throw new BrokenError(ACTION, 'the peer has ended the connection meanwhile', error.partial, { cause: error })
  }
}
