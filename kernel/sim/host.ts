/**
 * A simulated host: addresses, ports, paths, a clock of its own, and the processes that run there.
 */
import type { Address } from '../protocol/io-op.js'
import {
  checkAt,
  checkLimit,
  checkList,
  checkOptions,
  checkShare,
  checkString,
  checkWord,
  wrong,
} from '../protocol/operands.js'
import { canonical, type IpAddress, isLoopback, isWildcard, mapped, unmapped } from './address.js'
import { SimDriver } from './driver.js'
import { EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL } from './errno.js'
import type { Names } from './names.js'
import type { Path } from './path.js'
import { Paths } from './paths.js'
import { type Home, type SimSocket, speaks } from './socket.js'
import type { Stage } from './stage.js'

const FIRST_EPHEMERAL = 32_768
const LAST_EPHEMERAL = 60_999

/** What a simulated host is like. */
export interface HostOptions {
  /** Its IPv4 and IPv6 addresses besides the loopback ones. Default: one of each. */
  readonly addresses?: readonly string[]
  /** Milliseconds by which its clock is ahead of the others'. Default 0. */
  readonly skew?: number
  /** How fast its clock goes: 1.001 gains a millisecond each second. Default 1. */
  readonly rate?: number
  /** How many descriptors a process may have; then EMFILE. Default 1024. */
  readonly descriptors?: number
  /** The share, 0 to 1, of reads and plain writes that move less than they could. Default 0. */
  readonly partial?: number
  /**
   * How its drivers work: `readiness` tries at once and can always withdraw (epoll, kqueue);
   * `completion` answers later, and a cancel may come too late (io_uring, IOCP). Default
   * `readiness`.
   */
  readonly style?: 'readiness' | 'completion'
}

export function checkHost(options: HostOptions): void {
  checkOptions('make a host', 'options', options)
  const { addresses, skew, rate, descriptors, partial, style } = options
  if (addresses !== undefined) checkList('make a host', 'addresses', addresses)
  if (skew !== undefined) checkAt('make a host', 'skew', skew)
  if (rate !== undefined && !(typeof rate === 'number' && rate > 0)) {
    throw wrong('make a host', 'rate', 'a number, more than 0', rate, 'number')
  }
  if (descriptors !== undefined) checkLimit('make a host', 'descriptors', descriptors, 0)
  if (partial !== undefined) checkShare('make a host', 'partial', partial)
  if (style !== undefined) checkWord('make a host', 'style', style, ['readiness', 'completion'])
}

/** What a host needs of its network. */
export interface Neighbourhood {
  /** @internal */
  readonly stage: Stage
  /** @internal */
  readonly random: () => number
  /** @internal */
  hostAt(address: IpAddress): SimHost | null
  /** @internal */
  readonly names: Names
  /** @internal */
  everybody(): Iterable<SimHost>
  /** @internal */
  path(from: Home, to: Home): Path
}

/** A host of a simulated network; `network.host(name)` makes it. */
export class SimHost implements Home {
  /** @internal It runs; a host that crashed does not. */
  up = true
  /** @internal */
  readonly drivers = new Set<SimDriver>()
  private readonly bound = new Set<SimSocket>()
  /** @internal */
  readonly paths = new Paths(() => this.now())
  private lastPort = FIRST_EPHEMERAL

  /** @internal */
  constructor(
    /** What the network calls it. */
    readonly name: string,
    /** @internal */
    readonly options: HostOptions,
    /** @internal */
    readonly network: Neighbourhood,
    /** @internal */
    readonly ips: readonly IpAddress[],
  ) {}

  /** Its first address: where others reach it. */
  get address(): string {
    return this.ips[0]?.host ?? '127.0.0.1'
  }

  /** Every address that others reach it by. */
  get addresses(): readonly string[] {
    return this.ips.map(({ host }) => host)
  }

  /** A driver for one more kernel on this host: one more process. */
  driver(): SimDriver {
    const driver = new SimDriver(this)
    this.drivers.add(driver)
    return driver
  }

  /**
   * Removes the file that a Unix socket left behind; false if there is none.
   *
   * @param path The path of the socket.
   */
  unlink(path: string): boolean {
    checkString('unlink', 'path', path)
    return this.paths.unlink(path)
  }

  /** @internal Its own clock. */
  now(): number {
    return this.network.stage.timeline.now * (this.options.rate ?? 1) + (this.options.skew ?? 0)
  }

  /** @internal When the network's clock shows what this host's clock shows at `time`. */
  stageTime(time: number): number {
    return (time - (this.options.skew ?? 0)) / (this.options.rate ?? 1)
  }

  /** @internal */
  pathTo(home: Home): Path {
    return this.network.path(this, home)
  }

  /** @internal */
  has(address: IpAddress): boolean {
    return this.ips.some(({ host }) => host === address.host)
  }

  /** @internal Gives a socket a name; 0 or a negative errno. */
  bind(socket: SimSocket, address: Address): number {
    if (address.family === 'unix') return this.bindPath(socket, address.path)
    const name = canonical(address)
    if (!speaks(socket, name)) return EAFNOSUPPORT
    if (socket.local !== null) return EINVAL
    if (!isWildcard(name) && !isLoopback(name) && !this.has(unmapped(name))) return EADDRNOTAVAIL
    if (name.port !== 0 && this.conflict(socket, name)) return EADDRINUSE
    const port = name.port === 0 ? this.freePort() : name.port
    if (port === 0) return EADDRINUSE
    socket.local = { ...name, port }
    this.bound.add(socket)
    return 0
  }

  /**
   * @internal Gives a socket that is about to connect there a name, if it has none; 0 or a negative
   * errno.
   */
  bindFor(socket: SimSocket, target: IpAddress): number {
    if (socket.local !== null && !isWildcard(socket.local as IpAddress)) return 0
    const own = isLoopback(target) ? target : this.ips.find(({ family }) => family === target.family)
    if (own === undefined) return EADDRNOTAVAIL
    const port = socket.ip?.port ?? this.freePort()
    if (port === 0) return EADDRNOTAVAIL
    socket.local = { family: own.family, host: own.host, port }
    this.bound.add(socket)
    return 0
  }

  /** @internal The socket that listens there; of several, one by chance. */
  listenerAt(target: IpAddress): SimSocket | null {
    return this.find(target, ({ queue }) => queue !== null)
  }

  /** @internal The socket that gets datagrams that come there. */
  inboxAt(target: IpAddress): SimSocket | null {
    return this.find(target, ({ inbox }) => inbox !== null)
  }

  /** @internal The sockets that get what this sender sends to a group. */
  members(group: IpAddress, from: IpAddress): SimSocket[] {
    return [...this.bound].filter(({ ip, groups }) => {
      if (ip === null || ip.port !== group.port) return false
      if (!isWildcard(ip) && unmapped(ip).host !== group.host) return false
      const heard = groups.get(group.host)
      return heard === null || heard?.has(from.host) === true
    })
  }

  /** @internal The socket at a path; null if it is closed, undefined if nothing is there. */
  socketAtPath(path: string): SimSocket | null | undefined {
    return this.paths.socketAt(path)
  }

  /** @internal An address as a listener's socket shows it: IPv6 sockets show mapped addresses. */
  seenBy(listener: SimSocket, address: IpAddress): IpAddress {
    return listener.kind === 'tcp6' ? mapped(address) : address
  }

  /** @internal */
  forget(socket: SimSocket): void {
    this.bound.delete(socket)
    if (socket.local?.family === 'unix') this.paths.forget(socket)
  }

  private find(target: IpAddress, isIt: (socket: SimSocket) => boolean): SimSocket | null {
    const found = [...this.bound].filter((socket) => isIt(socket) && socket.ip?.port === target.port)
    const exact = found.filter(({ ip }) => ip !== null && unmapped(ip).host === target.host)
    const open = found.filter(({ ip, v6only }) => {
      return ip !== null && isWildcard(ip) && (ip.family === target.family || (ip.family === 'ipv6' && !v6only))
    })
    const candidates = exact.length > 0 ? exact : open
    return candidates[candidates.length > 1 ? Math.floor(this.network.random() * candidates.length) : 0] ?? null
  }

  private bindPath(socket: SimSocket, path: string): number {
    if (!socket.kind.startsWith('unix') || socket.local !== null) return EINVAL
    const result = this.paths.bind(path, socket)
    if (result === 0) socket.local = { family: 'unix', path }
    return result
  }

  private conflict(socket: SimSocket, name: IpAddress): boolean {
    const overlaps = (other: SimSocket): boolean => {
      const { ip } = other
      // TCP and UDP count their ports apart.
      if ((other.inbox === null) !== (socket.inbox === null)) return false
      if (ip === null || ip.port !== name.port || (other.connected && other.queue === null)) return false
      if (socket.reusePort && other.reusePort) return false
      if (socket.inbox !== null && socket.reuseAddress && other.reuseAddress) return false
      if (ip.family === name.family) return ip.host === name.host || isWildcard(ip) || isWildcard(name)
      const [six, v6only] = ip.family === 'ipv6' ? [ip, other.v6only] : [name, socket.v6only]
      return six.host === '::' && !v6only
    }
    return [...this.bound].some(overlaps)
  }

  private freePort(): number {
    const taken = new Set([...this.bound].map(({ ip }) => ip?.port))
    for (let tries = FIRST_EPHEMERAL; tries <= LAST_EPHEMERAL; tries++) {
      this.lastPort = this.lastPort === LAST_EPHEMERAL ? FIRST_EPHEMERAL : this.lastPort + 1
      if (!taken.has(this.lastPort)) return this.lastPort
    }
    return 0
  }
}
