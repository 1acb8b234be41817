/**
 * The immediate calls: what a task asks of the driver and has answered at once.
 *
 * An ASK carries a function that is given these, and nothing else of the driver. Nothing here waits, so nothing here can be
 * cancelled. A negative number becomes the error of the task that asked.
 */
import type { Capabilities } from './capabilities.js'
import type { Address } from './io-op.js'

/** Sockets that a driver can open. */
export type SocketKind = 'tcp4' | 'tcp6' | 'udp4' | 'udp6' | 'unix'

/** Socket options that a driver can set; all of them switches, or sizes in bytes. */
export type SocketOption =
  | 'broadcast'
  | 'noDelay'
  | 'reuseAddress'
  | 'reusePort'
  | 'keepAlive'
  | 'ipv6Only'
  | 'receiveBufferBytes'
  | 'sendBufferBytes'

/** They never wait. Numbers are fds, 0, or negative errno. */
export interface ImmediateCalls {
  readonly name: string
  readonly can: Capabilities
  socket(kind: SocketKind): number
  bind(fd: number, address: Address): number
  listen(fd: number, backlog: number): number
  setOption(fd: number, option: SocketOption, value: number): number
  localAddress(fd: number): Address | number
  remoteAddress(fd: number): Address | number
  /** Ends the writing side, so that the peer reads an end. */
  shutdown(fd: number): number
  closeFd(fd: number): number
  /** Name and words of a negative result: `['ECONNREFUSED', 'connection refused']`. */
  describeError(result: number): readonly [name: string, text: string]
}
