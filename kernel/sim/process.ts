/**
 * A simulated process: its table of descriptors, and the immediate calls. They never wait, so this
 * half of the driver is plain questions to sockets and to the host.
 */

import {
  type Address,
  CLOSED,
  type Membership,
  type SocketKind,
  type SocketOption,
  UNSUPPORTED,
} from '../driver/contract.js'
import { TIMERS_ONLY, TimersOnlyDriver } from '../driver/timers-only.js'
import type { Capabilities } from '../protocol/capabilities.js'
import { Fifo } from '../protocol/fifo.js'
import type { Request } from '../protocol/request.js'
import { nameless } from './attempt.js'
import { enrol } from './datagram.js'
import { EAGAIN, EBADF, ECONNRESET, EINVAL, EMFILE, ENOTCONN, SIM_ERRORS } from './errno.js'
import type { SimHost } from './host.js'
import { isLookUp, Lookups } from './names.js'
import { type Holder, SimSocket } from './socket.js'
import { leavePeer, pairUp } from './unix-datagram.js'

/** 0, 1 and 2 are taken, as everywhere. */
export const FIRST_FD = 3
const SWITCHES = new Set<SocketOption>([
  'broadcast',
  'noDelay',
  'reuseAddress',
  'reusePort',
  'keepAlive',
  'ipv6Only',
  'multicastLoopback',
  'multicastInterface',
  'ttl',
])

/** The descriptors of a simulated process, and the calls on them. */
export abstract class SimProcess extends TimersOnlyDriver implements Holder {
  readonly name = 'simulated'
  override readonly can: Capabilities = {
    ...TIMERS_ONLY,
    sockets: true,
    unixSockets: true,
    unixDatagrams: true,
    reusePort: true,
    multicast: true,
  }
  protected readonly files: (SimSocket | undefined)[] = []
  protected closed = false
  /** @internal */
  protected readonly lookups: Lookups

  /** @internal */
  constructor(
    /** The host that it belongs to. */
    readonly host: SimHost,
  ) {
    super()
    const { names, stage } = host.network
    this.lookups = new Lookups(names, stage.timeline, () => this.schedule())
  }

  override openSockets(): number {
    return this.files.filter((socket) => socket !== undefined).length
  }

  /** Something has come that a poll hands over. */
  protected abstract schedule(): void

  /** @internal */
  abstract touch(socket: SimSocket): void

  /** @internal */
  adopt(socket: SimSocket): number {
    let fd = FIRST_FD
    while (this.files[fd] !== undefined) fd++
    if (fd >= (this.host.options.descriptors ?? 1024)) return EMFILE
    while (this.files.length <= fd) this.files.push(undefined)
    this.files[fd] = socket
    socket.fd = fd
    socket.holder = this
    return fd
  }

  /** @internal Breaks all connections to another host, as a router would that forgot them. */
  breakTo(host: SimHost): void {
    for (const socket of this.files) if (socket?.peer?.home === host) socket.break(ECONNRESET)
  }

  override socket(kind: SocketKind): number {
    if (this.closed) return CLOSED
    if (kind === 'pipe') return UNSUPPORTED
    return this.adopt(new SimSocket(kind, this.host, null))
  }

  /** Of datagrams alone: a pair of streams is a connection in the network. */
  override socketPair(kind: 'unix' | 'unixDatagram'): readonly [number, number] | number {
    if (kind === 'unix') return UNSUPPORTED
    const a = this.socket(kind)
    if (a < 0) return a
    const b = this.socket(kind)
    if (b < 0) {
      this.closeFd(a)
      return b
    }
    pairUp(this.files[a] as SimSocket, this.files[b] as SimSocket)
    return [a, b]
  }

  override bind(fd: number, address: Address): number {
    const socket = this.files[fd]
    return socket === undefined ? EBADF : this.host.bind(socket, address)
  }

  override listen(fd: number, backlog: number): number {
    const socket = this.files[fd]
    if (socket === undefined) return EBADF
    if (socket.connected || socket.connecting || socket.inbox !== null) return EINVAL
    if (socket.local === null) {
      const result = this.host.bind(socket, nameless(socket))
      if (result < 0) return result
    }
    socket.queue ??= new Fifo()
    socket.backlog = backlog
    return 0
  }

  /** A name that goes with its process: the descriptor is a socket of that name. */
  override lock(path: string): number {
    const fd = this.socket('unix')
    if (fd < 0) return fd
    const directory = path.slice(0, path.lastIndexOf('/') + 1)
    if (this.bind(fd, { family: 'unix', path: `\0lock of ${directory}` }) === 0) return fd
    this.closeFd(fd)
    return EAGAIN
  }

  override setOption(fd: number, option: SocketOption, value: number): number {
    const socket = this.files[fd]
    if (socket === undefined) return EBADF
    if (!Number.isInteger(value) || value < 0 || value > 0x7fffffff) return EINVAL
    if (option === 'receiveBufferBytes') socket.receiveBytes = Math.max(1, value)
    else if (option === 'sendBufferBytes') socket.sendBytes = Math.max(1, value)
    else if (option === 'multicastTtl') socket.multicastTtl = value
    else if (!SWITCHES.has(option)) return UNSUPPORTED
    if (option === 'reusePort') socket.reusePort = value !== 0
    if (option === 'reuseAddress') socket.reuseAddress = value !== 0
    if (option === 'ipv6Only') socket.v6only = value !== 0
    if (option === 'multicastLoopback') socket.multicastLoopback = value !== 0
    if (option === 'broadcast') socket.broadcast = value !== 0
    return 0
  }

  override localAddress(fd: number): Address | number {
    const socket = this.files[fd]
    return socket === undefined ? EBADF : (socket.local ?? nameless(socket))
  }

  override remoteAddress(fd: number): Address | number {
    const socket = this.files[fd]
    if (socket === undefined) return EBADF
    if (socket.kind === 'unixDatagram') return socket.peer === null ? ENOTCONN : (socket.peer.local ?? nameless(socket))
    if (socket.broken || socket.remote === null) return ENOTCONN
    return socket.connected || socket.inbox !== null ? socket.remote : ENOTCONN
  }

  override membership(fd: number, joins: boolean, membership: Membership): number {
    const socket = this.files[fd]
    return socket === undefined ? EBADF : enrol(socket, joins, membership)
  }

  override disconnect(fd: number): number {
    const socket = this.files[fd]
    if (socket === undefined) return EBADF
    if (socket.inbox === null) return EINVAL
    socket.remote = null
    leavePeer(socket)
    return 0
  }

  override shutdown(fd: number): number {
    const socket = this.files[fd]
    if (socket === undefined) return EBADF
    if (socket.outgoing === null || socket.broken) return ENOTCONN
    socket.outgoing.finish()
    return 0
  }

  /** Names are those that the network gave its hosts; there are no files but those of sockets. */
  override submitRequest(request: Request): boolean {
    if (isLookUp(request) && !this.closed) return this.lookups.submit(request)
    request.result = this.closed ? CLOSED : this.host.paths.answer(request)
    return true
  }

  override cancelRequest(request: Request): boolean {
    return isLookUp(request) && this.lookups.cancel(request)
  }

  override describeError(result: number): readonly [name: string, text: string] {
    return SIM_ERRORS.get(result) ?? super.describeError(result)
  }
}
