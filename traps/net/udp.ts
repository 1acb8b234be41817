/**
 * UDP: datagrams, one at a time, each with the address that it came from or goes to. What they have
 * in common with those of Unix sockets is in datagram.ts.
 */

import { ipFamily } from '../../kernel/protocol/address.js'
import type { DatagramOption } from '../../kernel/protocol/calls.js'
import { operation, tracked } from '../../kernel/protocol/debug.js'
import { INSPECT } from '../../kernel/protocol/inspect.js'
import type { Address } from '../../kernel/protocol/io-op.js'
import {
  checkBytes,
  checkCount,
  checkOptions,
  checkSwitch,
  timeoutOf,
  type WaitOptions,
  wrong,
} from '../../kernel/protocol/operands.js'
import type { Operation, Trap } from '../../kernel/protocol/trap.js'
import * as io from '../raw/io.js'
import { type Endpoint, placeOf, toAddress } from '../raw/ip.js'
import { BYTES_OR_STRING, type Bytes, encoded } from '../raw/text.js'
import { DatagramSocket } from './datagram.js'

/** The largest payload that UDP can carry. */
const MOST_BYTES = 65_535

/** Where a datagram socket listens. */
export interface UdpOptions {
  /** An IP address, or `localhost`. Default `0.0.0.0`: every IPv4 address of the machine. */
  readonly host?: string
  /** Default 0: a free one. */
  readonly port?: number
  /** Allows datagrams to broadcast addresses. */
  readonly broadcast?: boolean
  /** Several sockets may have the port, and the system shares the senders out among them. */
  readonly reusePort?: boolean
  /** Several sockets may have the port, as the members of one group on a machine do. */
  readonly reuseAddress?: boolean
  /** The one peer that it sends to and hears. Default: none, each datagram says where it goes. */
  readonly remote?: Endpoint
}

/** Where a socket is a member of a group. */
export interface GroupOptions {
  /** The number of the interface, as `if_nametoindex` gives it. Default 0: the system’s choice. */
  readonly interfaceIndex?: number
  /** The address of the one sender that is heard. Default: everybody. */
  readonly source?: string
}

/** A bound socket for UDP. */
export class UdpSocket extends DatagramSocket<Address> {
  /** Whom it is connected to. */
  private peer: Address | null = null

  /** @internal */
  constructor(
    fd: number,
    /** Where it is bound. */
    readonly address: Address,
  ) {
    super(fd, MOST_BYTES, MOST_BYTES)
  }

  /** `console.log(socket)` is one line. */
  [INSPECT](): string {
    return `UdpSocket (${placeOf(this.address)}, ${this.fd < 0 ? 'closed' : `fd ${this.fd}`})`
  }

  /** The port that it is bound to. */
  get port(): number {
    return this.address.family === 'unix' ? 0 : this.address.port
  }

  /** @internal */
  protected override sourceOf(address: Address | null): Address {
    return address as Address
  }

  /**
   * Sends one datagram, and returns how many bytes it had. Waits only if the OS has no room for it.
   * If the task is cancelled while it waits, it was not sent.
   *
   * @param payload The bytes; a string stands for its UTF-8 bytes.
   * @param to An address, or a host and a port. A connected socket needs none.
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws SystemError if the OS refuses it: `EMSGSIZE`, `ENETUNREACH`, …
   * @throws ClosedError if the socket is closed, before or meanwhile.
   * @throws BusyError if another task is sending.
   * @throws TimeoutError after `timeout` milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  send(payload: Bytes, to?: Endpoint | null, options?: WaitOptions): Trap<number> {
    const bytes = checkBytes('send a datagram', 'payload', encoded(payload), BYTES_OR_STRING)
    const ms = timeoutOf('send a datagram', options)
    const address = to == null && this.peer !== null ? null : toAddress('send a datagram', to as Endpoint)
    return this.sending(bytes, address, ms)
  }

  /** The peer of a connected socket; null if it has none. */
  get remote(): Address | null {
    return this.peer
  }

  /**
   * Connects it: from now on `send` needs no address, and it hears that peer alone. Another call
   * takes another peer. Datagrams that came before stay. Sends nothing, and hardly waits. If the
   * task is cancelled while it waits, it may be connected or not.
   *
   * @param to An address, or a host and a port.
   * @throws SystemError if there is no way to it (`ENETUNREACH`, …).
   * @throws ClosedError if the socket is closed.
   */
  connect(to: Endpoint): Operation<void> {
    const fd = this.opened('connect')
    return tracked('connect', this.connectOperation(fd, toAddress('connect', to)))
  }

  private *connectOperation(fd: number, address: Address): Operation<void> {
    yield* io.connect(fd, address)
    this.peer = address
  }

  /**
   * Undoes `connect`: each datagram says where it goes, and it hears everybody. Keeps its port.
   * Does not wait.
   *
   * @throws ClosedError if the socket is closed.
   */
  disconnect(): Operation<void> {
    return tracked('disconnect', this.disconnectOperation(this.opened('disconnect')))
  }

  private *disconnectOperation(fd: number): Operation<void> {
    if (this.peer === null) return
    this.peer = null
    yield* io.disconnect(fd)
    // Linux lets go of a port that it has chosen itself.
    const local = yield* io.localAddress(fd)
    if (local.family !== 'unix' && local.port === 0) yield* io.bind(fd, this.address)
  }

  /**
   * Joins a group: receives what is sent to it, to the port of this socket. Does not wait.
   *
   * @param group An IPv4 or IPv6 multicast address.
   * @param options Where, and whom it hears.
   * @throws SystemError if it is a member already (`EADDRINUSE`), no group (`EINVAL`), …
   * @throws UnsupportedError if the driver has no groups.
   * @throws ClosedError if the socket is closed.
   */
  join(group: string, options?: GroupOptions): Trap<number> {
    return this.membership('join the group', true, group, options)
  }

  /**
   * Leaves a group, as it was joined. A socket that is closed leaves all. Does not wait.
   *
   * @param group The address.
   * @param options Where, and whom it heard.
   * @throws SystemError if it is no member (`EADDRNOTAVAIL`).
   * @throws UnsupportedError if the driver has no groups.
   * @throws ClosedError if the socket is closed.
   */
  leave(group: string, options?: GroupOptions): Trap<number> {
    return this.membership('leave the group', false, group, options)
  }

  /**
   * Over how many routers datagrams to groups go. 0: they stay on this machine. Does not wait.
   *
   * @param hops 0 to 255. The system begins with 1.
   */
  setMulticastTtl(hops: number): Trap<number> {
    return this.option('multicastTtl', checkCount('set the multicast TTL', 'hops', hops, 0, 255))
  }

  /**
   * Whether members on this machine get what it sends to groups, too. Does not wait.
   *
   * @param on The system begins with true.
   */
  setMulticastLoopback(on: boolean): Trap<number> {
    if (typeof on !== 'boolean') throw wrong('set multicast loopback', 'on', 'true or false', on, 'boolean')
    return this.option('multicastLoopback', Number(on))
  }

  /**
   * By which network interface datagrams to groups leave. Does not wait.
   *
   * @param interfaceIndex Its number. 0: the system's choice.
   */
  setMulticastInterface(interfaceIndex: number): Trap<number> {
    checkCount('set the multicast interface', 'interfaceIndex', interfaceIndex, 0, 0x7fffffff)
    return this.option('multicastInterface', interfaceIndex)
  }

  private option(option: DatagramOption, value: number): Trap<number> {
    return io.setOption(this.opened('set the option'), option, value)
  }

  private membership(action: string, joins: boolean, group: string, options: GroupOptions = {}): Trap<number> {
    checkOptions(action, 'options', options)
    const { interfaceIndex = 0, source } = options
    checkCount(action, 'interfaceIndex', interfaceIndex, 0, 0x7fffffff)
    const to = literal(action, 'group', group)
    const fd = this.opened(action)
    const from = source === undefined ? null : literal(action, 'source', source)
    return io.membership(fd, joins, {
      group: to,
      interfaceIndex,
      source: from,
    })
  }

  /**
   * Closes it; tasks that wait on it get a ClosedError. A second close does nothing. Does not wait.
   */
  close(): Trap<void> {
    return this.closeFd()
  }
}

function literal(action: string, name: string, host: string): Address {
  const family = typeof host === 'string' ? ipFamily(host) : null
  if (family === null) throw wrong(action, name, 'an IP address', host, 'string')
  return { family, host, port: 0 }
}

/**
 * Opens a datagram socket. Close it when done.
 *
 * @param options Where to listen. Default: a free port of all IPv4 addresses.
 * @throws SystemError if the port is taken (`EADDRINUSE`), not allowed (`EACCES`), …, with
 * `address` and `port`.
 * @throws RangeError if the port is no port.
 * @throws TypeError if `host` is neither an IP address nor `localhost`.
 * @example
 * import { run, udp } from 'drupe'
 *
 * await run(function* () {
 *   const a = yield* udp({ host: '127.0.0.1' })
 *   const b = yield* udp({ host: '127.0.0.1' })
 *   yield* a.send('ping', { host: '127.0.0.1', port: b.port })
 *   const { bytes, from } = yield* b.receive()
 *   console.log(new TextDecoder().decode(bytes), from.family) // => ping ipv4
 *   yield* a.close()
 *   yield* b.close()
 * })
 */
export function udp(options: UdpOptions = {}): Operation<UdpSocket> {
  checkOptions('bind', 'options', options)
  checkSwitch('bind', 'broadcast', options.broadcast)
  checkSwitch('bind', 'reusePort', options.reusePort)
  checkSwitch('bind', 'reuseAddress', options.reuseAddress)
  const remote = options.remote === undefined ? null : toAddress('bind', options.remote, 'remote')
  const address = toAddress('bind', {
    host: options.host ?? (remote?.family === 'ipv6' ? '::' : '0.0.0.0'),
    port: options.port ?? 0,
  })
  return operation('udp', function* () {
    const fd = yield* io.socket(address.family === 'ipv6' ? 'udp6' : 'udp4')
    try {
      if (options.broadcast) yield* io.setOption(fd, 'broadcast', true)
      if (options.reusePort) yield* io.setOption(fd, 'reusePort', true)
      if (options.reuseAddress) yield* io.setOption(fd, 'reuseAddress', true)
      yield* io.bind(fd, address)
      const socket = new UdpSocket(fd, yield* io.localAddress(fd))
      if (remote !== null) yield* socket.connect(remote)
      return socket
    } catch (error) {
      yield* io.close(fd)
      throw error
    }
  })
}
