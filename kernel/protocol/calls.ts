/**
 * The immediate calls: what a task asks of the driver and has answered at once.
 *
 * An ASK carries a function that is given these, and nothing else of the driver. Nothing here
 * waits, so nothing here can be cancelled. A negative number becomes the error of the task that
 * asked.
 */
import type { Capabilities } from './capabilities.js'
import type { Address, Fd } from './io-op.js'

/**
 * Sockets that a driver can open. A `'pipe'` is a named pipe of Windows: a stream within the
 * machine, with a path such as `\\\\.\\pipe\\name` where a Unix socket has its own.
 */
export type SocketKind = 'tcp4' | 'tcp6' | 'udp4' | 'udp6' | 'unix' | 'pipe'

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
  /**
   * Opens a socket; its fd.
   *
   * @param kind Its protocol, and the family of its addresses.
   */
  socket(kind: SocketKind): number
  /**
   * Gives a socket its address.
   *
   * @param fd Which socket.
   * @param address Port 0 is any that is free.
   */
  bind(fd: Fd, address: Address): number
  /**
   * Makes a socket accept connections.
   *
   * @param fd Which socket.
   * @param backlog How many connections may wait to be accepted.
   */
  listen(fd: Fd, backlog: number): number
  /**
   * Sets an option.
   *
   * @param fd Which socket.
   * @param option Which one.
   * @param value 0 or 1, or a size in bytes.
   */
  setOption(fd: Fd, option: SocketOption, value: number): number
  /**
   * The address of this end.
   *
   * @param fd Which socket.
   */
  localAddress(fd: Fd): Address | number
  /**
   * The address of the other end.
   *
   * @param fd Which socket.
   */
  remoteAddress(fd: Fd): Address | number
  /**
   * Ends the writing side, so that the peer reads an end.
   *
   * @param fd Which socket.
   */
  shutdown(fd: Fd): number
  /**
   * Closes a descriptor, and completes what waits on it with CLOSED.
   *
   * @param fd Which one.
   */
  closeFd(fd: Fd): number
  /**
   * Name and words of a negative result: `['ECONNREFUSED', 'connection refused']`.
   *
   * @param result What a call gave, or an operation.
   */
  describeError(result: number): readonly [name: string, text: string]
}
