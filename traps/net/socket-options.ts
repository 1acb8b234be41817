/**
 * What a connection is like: the options that connecting and listening have in common, checked and
 * set.
 */
import { checkOptions, checkSwitch, wrong } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import * as io from '../raw/io.js'

/** What a connection is like. */
export interface SocketOptions {
  /**
   * Small messages leave at once. Default true: gathering small writes (BufferedWriter) is better
   * than Nagle's algorithm, which delays a message until the last one was acknowledged.
   */
  readonly noDelay?: boolean
  /**
   * The OS asks, after hours of silence, whether the peer is still there. Default false; protocols
   * have better ways.
   */
  readonly keepAlive?: boolean
}

/** Options that must be given. */
export function checkGiven(action: string, options: object): void {
  if (options === undefined) throw wrong(action, 'options', 'an object with a port', options, '')
  checkOptions(action, 'options', options)
}

export function checkSocketOptions(action: string, { noDelay, keepAlive }: SocketOptions): void {
  checkSwitch(action, 'noDelay', noDelay)
  checkSwitch(action, 'keepAlive', keepAlive)
}

/** Sets what differs from the OS's defaults; the rest costs no call. */
export function* setOptions(fd: number, { noDelay = true, keepAlive = false }: SocketOptions): Operation<void> {
  if (noDelay) yield* io.setOption(fd, 'noDelay', true)
  if (keepAlive) yield* io.setOption(fd, 'keepAlive', true)
}
