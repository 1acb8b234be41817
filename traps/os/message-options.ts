/**
 * What message streams can be told, and the checks of it.
 */
import { checkCount, checkOptions, checkTime, wrong } from '../../kernel/protocol/operands.js'
import type { ConnectOptions } from '../net/connect.js'
import type { ListenOptions } from '../net/tcp.js'
import { keyOf, type MessageKey } from './message-key.js'

const HANDSHAKE_MS = 30_000
/** As for `readAll`: more is seldom meant to be held in one piece. */
const MESSAGE_BYTES = 64 * 1024 * 1024
const MOST_BYTES = 0x7fffffff

/** What both ends of a message stream have to know. */
export interface MessageOptions {
  /**
   * What both ends know, and nobody else: 16 bytes or more, made at random, not a word that
   * somebody could guess. A string stands for its UTF-8 bytes. It is never sent.
   */
  readonly key: string | Uint8Array
  /** No message is larger, as it is on its way, none sent and none received. Default 64 MiB. */
  readonly maxBytes?: number
  /** Milliseconds for the handshake. Default 30,000. */
  readonly handshakeTimeout?: number
}

/** How to begin messages on a stream. */
export interface StartMessagesOptions extends Omit<MessageOptions, 'key'> {
  /**
   * As above. `null`: no key; only where nobody else can have the other end, as with a pair of
   * sockets, or with the input and output of a child process.
   */
  readonly key: string | Uint8Array | null
  /** One end is the client, the other one the server. Default `'client'`. */
  readonly side?: 'client' | 'server'
}

/** Where to connect for messages: `timeout` is for connecting, `handshakeTimeout` for the rest. */
export interface ConnectMessagesOptions extends ConnectOptions, MessageOptions {}

/** Where to listen for messages. */
export interface ListenMessagesOptions extends ListenOptions, MessageOptions {
  /**
   * So many connections, at most, are shaking hands or waiting for `accept`. With as many, the
   * handshake that takes longest is given up for the next one. Default 128.
   */
  readonly maxHandshakes?: number
  /**
   * Is called with the error of each handshake that fails. Default: nothing; strangers who do not
   * know the key are a listener's daily life. What it throws ends the listener.
   */
  readonly onError?: (error: unknown) => void
}

/** What has been checked. */
export interface MessageLimits {
  readonly key: MessageKey
  readonly maxBytes: number
  readonly handshakeMs: number
}

export function limitsOf(action: string, options: StartMessagesOptions): MessageLimits {
  if (options === undefined) throw wrong(action, 'options', 'an object with a key', options, '')
  checkOptions(action, 'options', options)
  const { maxBytes = MESSAGE_BYTES, handshakeTimeout = HANDSHAKE_MS } = options
  checkCount(action, 'maxBytes', maxBytes, 1, MOST_BYTES)
  checkTime(action, 'handshakeTimeout', handshakeTimeout)
  return { key: keyOf(action, options.key), maxBytes, handshakeMs: handshakeTimeout }
}

/** Anybody can connect to an address, so there the key is no choice. */
export function limitsFor(action: string, options: MessageOptions): MessageLimits {
  if (options?.key === null)
    throw new TypeError(`Cannot ${action}: key must be given; null is for streams that nobody else can have`)
  return limitsOf(action, options)
}
