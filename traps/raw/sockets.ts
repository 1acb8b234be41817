/**
 * Raw traps: what is asked of a descriptor and answered at once.
 *
 * Each is one immediate call of the driver (kernel/protocol/calls.ts). None waits, so none has a
 * timeout and none can be cancelled. What waits is in io.ts, which exports these, too.
 */
import type { Membership, SocketKind, SocketOption } from '../../kernel/protocol/calls.js'
import type { Address } from '../../kernel/protocol/io-op.js'
import { checkCount, checkFd, checkOptions, checkWord, wrong } from '../../kernel/protocol/operands.js'
import type { Trap } from '../../kernel/protocol/trap.js'
import { ask } from './call.js'
import { type Endpoint, toAddress } from './ip.js'

const KINDS: readonly SocketKind[] = ['tcp4', 'tcp6', 'udp4', 'udp6', 'unix', 'unixDatagram', 'pipe']
const OPTIONS: readonly SocketOption[] = [
  'ttl',
  'multicastTtl',
  'multicastLoopback',
  'multicastInterface',
  'broadcast',
  'noDelay',
  'reuseAddress',
  'reusePort',
  'keepAlive',
  'ipv6Only',
  'receiveBufferBytes',
  'sendBufferBytes',
]

/**
 * Closes a descriptor; tasks that wait on it get a ClosedError. Does not wait.
 *
 * @param fd The descriptor.
 * @example
 * import { run } from 'drupe'
 * import { close, socket } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const fd = yield* socket('tcp4')
 *   try {
 *     // … uses it
 *   } finally {
 *     yield* close(fd)
 *   }
 * })
 */
export function close(fd: number): Trap<number> {
  checkFd('close', 'fd', fd)
  return ask('close', (driver) => driver.closeFd(fd))
}

/**
 * Opens a socket, and returns its fd. Does not wait.
 *
 * @param kind `'tcp4'`, `'tcp6'`, `'udp4'`, `'udp6'`, `'unix'`, `'unixDatagram'`, or `'pipe'` on
 * Windows.
 * @example
 * import { run } from 'drupe'
 * import { bind, close, localAddress, socket } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const fd = yield* socket('udp4')
 *   yield* bind(fd, { host: '127.0.0.1', port: 0 })
 *   console.log((yield* localAddress(fd)).family) // => ipv4
 *   yield* close(fd)
 * })
 */
export function socket(kind: SocketKind): Trap<number> {
  checkWord('open a socket', 'kind', kind, KINDS)
  return ask('socket', (driver) => driver.socket(kind))
}

/**
 * Gives a socket its address. Does not wait.
 *
 * @param fd The descriptor.
 * @param endpoint An address, or a host and a port.
 * @example
 * import { run } from 'drupe'
 * import { bind, close, localAddress, socket } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const fd = yield* socket('tcp4')
 *   yield* bind(fd, { host: '127.0.0.1', port: 0 }) // any port that is free
 *   const address = yield* localAddress(fd)
 *   console.log('port' in address && address.port > 0) // => true
 *   yield* close(fd)
 * })
 */
export function bind(fd: number, endpoint: Endpoint): Trap<number> {
  checkFd('bind', 'fd', fd)
  const address = toAddress('bind', endpoint)
  return ask('bind', (driver) => driver.bind(fd, address), address)
}

/**
 * Makes a socket accept connections, `backlog` of them before they are accepted. Does not wait.
 *
 * @param fd The descriptor.
 * @param backlog How many connections wait to be accepted before more are refused.
 * @param address Where it listens, for errors.
 * @example
 * import { run } from 'drupe'
 * import { accept, bind, close, connect, listen, localAddress, socket } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const server = yield* socket('tcp4')
 *   yield* bind(server, { host: '127.0.0.1', port: 0 })
 *   yield* listen(server)
 *   const client = yield* socket('tcp4')
 *   yield* connect(client, yield* localAddress(server))
 *   const peer = yield* accept(server)
 *   for (const fd of [peer, client, server]) yield* close(fd)
 * })
 */
export function listen(fd: number, backlog = 511, address: Address | null = null): Trap<number> {
  checkFd('listen', 'fd', fd)
  checkCount('listen', 'backlog', backlog, 0, 0x7fffffff)
  if (address !== null) toAddress('listen', address)
  return ask('listen', (driver) => driver.listen(fd, backlog), address)
}

/**
 * Sets a socket option: a switch (true or false), or a size in bytes. Does not wait.
 *
 * @param fd The descriptor.
 * @param option Which one.
 * @param value True or false, or a size in bytes.
 * @example
 * import { run } from 'drupe'
 * import { close, setOption, socket } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const fd = yield* socket('tcp4')
 *   yield* setOption(fd, 'noDelay', true)
 *   yield* setOption(fd, 'receiveBufferBytes', 256 * 1024)
 *   yield* close(fd)
 * })
 */
export function setOption(fd: number, option: SocketOption, value: boolean | number): Trap<number> {
  checkFd('set the option', 'fd', fd)
  checkWord('set the option', 'option', option, OPTIONS)
  if (typeof value !== 'boolean') checkCount('set the option', 'value', value, 0, 0x7fffffff)
  return ask('setsockopt', (driver) => driver.setOption(fd, option, Number(value)))
}

/**
 * Returns the address of this end. Does not wait.
 *
 * @param fd The descriptor.
 * @example
 * import { run } from 'drupe'
 * import { bind, close, localAddress, socket } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const fd = yield* socket('tcp4')
 *   yield* bind(fd, { host: '127.0.0.1', port: 0 })
 *   const address = yield* localAddress(fd)
 *   console.log('host' in address && address.host) // => 127.0.0.1
 *   yield* close(fd)
 * })
 */
export function localAddress(fd: number): Trap<Address> {
  checkFd('ask for the address', 'fd', fd)
  return ask('getsockname', (driver) => driver.localAddress(fd)) as Trap<Address>
}

/**
 * Returns the address of the other end. Does not wait.
 *
 * @param fd The descriptor.
 * @example
 * import { run } from 'drupe'
 * import { bind, close, connect, listen, localAddress, remoteAddress, socket } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const server = yield* socket('tcp4')
 *   yield* bind(server, { host: '127.0.0.1', port: 0 })
 *   yield* listen(server)
 *   const client = yield* socket('tcp4')
 *   yield* connect(client, yield* localAddress(server))
 *   const address = yield* remoteAddress(client)
 *   console.log('host' in address && address.host) // => 127.0.0.1
 *   for (const fd of [client, server]) yield* close(fd)
 * })
 */
export function remoteAddress(fd: number): Trap<Address> {
  checkFd('ask for the peer', 'fd', fd)
  return ask('getpeername', (driver) => driver.remoteAddress(fd)) as Trap<Address>
}

/**
 * Makes a datagram socket a member of a group, or ends that. Does not wait.
 *
 * @param fd The descriptor.
 * @param joins True: it becomes one. False: it is none any more.
 * @param membership Which group, at which interface, and whom it hears there.
 * @example
 * import { run } from 'drupe'
 * import { close, membership, socket } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const fd = yield* socket('udp4')
 *   const group = { family: 'ipv4', host: '239.1.2.3', port: 0 } as const
 *   const loopback = { group, interfaceIndex: 1, source: null }
 *   yield* membership(fd, true, loopback)
 *   yield* membership(fd, false, loopback)
 *   yield* close(fd)
 * })
 */
export function membership(fd: number, joins: boolean, membership: Membership): Trap<number> {
  checkFd('change the membership', 'fd', fd)
  if (typeof joins !== 'boolean') throw wrong('change the membership', 'joins', 'true or false', joins, 'boolean')
  checkOptions('change the membership', 'membership', membership)
  const { group, interfaceIndex, source } = membership
  if (interfaceIndex !== undefined) checkCount('change the membership', 'interfaceIndex', interfaceIndex, 0, 0x7fffffff)
  if (source !== null && source !== undefined) toAddress('change the membership', source, 'source')
  toAddress('change the membership', group, 'group')
  return ask('setsockopt', (driver) =>
    driver.membership(fd, joins, { group, interfaceIndex: interfaceIndex ?? 0, source: source ?? null }),
  )
}

/**
 * Undoes the `connect` of a datagram socket: it hears everybody again. Does not wait.
 *
 * @param fd The descriptor.
 * @example
 * import { run } from 'drupe'
 * import { close, connect, disconnect, socket, write } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const fd = yield* socket('udp4')
 *   yield* connect(fd, { host: '127.0.0.1', port: 9 })
 *   yield* disconnect(fd)
 *   try {
 *     yield* write(fd, 'to whom?')
 *   } catch (error) {
 *     console.log((error as { code: string }).code) // => EDESTADDRREQ
 *   }
 *   yield* close(fd)
 * })
 */
export function disconnect(fd: number): Trap<number> {
  checkFd('disconnect', 'fd', fd)
  return ask('connect', (driver) => driver.disconnect(fd))
}

/**
 * Ends the writing side: the peer reads an end. Does not wait.
 *
 * @param fd The descriptor.
 * @example
 * import { run } from 'drupe'
 * import { accept, bind, close, connect, listen, localAddress, read, shutdown, socket } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const server = yield* socket('tcp4')
 *   yield* bind(server, { host: '127.0.0.1', port: 0 })
 *   yield* listen(server)
 *   const client = yield* socket('tcp4')
 *   yield* connect(client, yield* localAddress(server))
 *   const peer = yield* accept(server)
 *   yield* shutdown(peer)
 *   console.log(yield* read(client, new Uint8Array(1))) // => 0
 *   for (const fd of [peer, client, server]) yield* close(fd)
 * })
 */
export function shutdown(fd: number): Trap<number> {
  checkFd('shut down', 'fd', fd)
  return ask('shutdown', (driver) => driver.shutdown(fd))
}
