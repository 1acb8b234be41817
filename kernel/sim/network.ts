/**
 * The simulated network: hosts, what is between them, and what goes wrong.
 *
 * Everything depends on one seed: how long a packet takes, which is lost, which kernel runs first.
 * So a whole distributed program, with its faults, is a function of a number, and a failure that
 * was seen once can be seen again.
 */

import {
  checkFunction,
  checkList,
  checkOperation,
  checkOptions,
  checkSeed,
  checkString,
  checkText,
  wrong,
} from '../protocol/operands.js'
import type { Op } from '../protocol/trap.js'
import { seededRandom } from '../random.js'
import { addressOf, type IpAddress, isLoopback, unmapped } from './address.js'
import { checkHost, type HostOptions, type Neighbourhood, SimHost } from './host.js'
import { type NameAnswer, Names } from './names.js'
import { type Conditions, checkConditions, Path } from './path.js'
import { type Programs, type Results, type RunOptions, Simulation } from './run.js'
import { noting, seedFromEnvironment } from './seed.js'
import type { Home } from './socket.js'
import { Stage } from './stage.js'

/** What a simulated network is like. */
export interface NetworkOptions extends Conditions {
  /** Decides everything that chance decides. Default: what `DRUPE_SEED` says, or 0. */
  readonly seed?: number
  /**
   * Is told of each packet between two hosts at the time at which it arrives, or would have if it
   * had not been lost. What it throws leaves the run.
   *
   * @param from The name of the host that sent it.
   * @param to The name of the host that it was sent to.
   * @param sent When it was sent, on the network's clock.
   * @param lost It did not arrive.
   */
  readonly onPacket?: (from: string, to: string, sent: number, lost: boolean) => void
}

/**
 * A network of simulated hosts in this process, on one virtual clock. Kernels on its hosts have
 * TCP, UDP and Unix sockets that behave as Linux's do, under the same traps as real ones.
 *
 * @example
 * import { connect, listen, serve } from 'drupe'
 * import { SimNetwork } from 'drupe/testing'
 *
 * const network = new SimNetwork({ seed: 1, latency: 20 })
 * const { client } = network.run({
 *   server: {
 *     daemon: true,
 *     *op() {
 *       yield* serve(yield* listen({ port: 80 }), function* (stream) {
 *         yield* stream.write(yield* stream.readExactly(5))
 *       })
 *     },
 *   },
 *   *client() {
 *     const stream = yield* connect({ host: 'server', port: 80 })
 *     yield* stream.write(new TextEncoder().encode('hello'))
 *     const bytes = yield* stream.readExactly(5)
 *     yield* stream.close()
 *     return new TextDecoder().decode(bytes)
 *   },
 * })
 * console.log(client, network.now) // => hello 80
 */
export class SimNetwork implements Neighbourhood {
  /** What decides everything that chance decides. */
  readonly seed: number
  /** @internal */
  readonly random: () => number
  /** @internal */
  readonly stage: Stage
  private readonly hosts = new Map<string, SimHost>()
  private readonly paths = new Map<Home, Map<Home, Path>>()
  private simulation: Simulation | null = null
  /** @internal */
  readonly names = new Names(
    (name) => this.hosts.get(name)?.ips ?? [],
    (address) => (isLoopback(address) ? 'localhost' : (this.hostAt(address)?.name ?? null)),
  )

  /**
   * Makes a network without hosts.
   *
   * @param options What links are like, and the seed.
   */
  constructor(private readonly options: NetworkOptions = {}) {
    checkConditions('make a network', options)
    if (options.seed !== undefined) checkSeed('make a network', options.seed)
    if (options.onPacket !== undefined) checkFunction('make a network', 'onPacket', options.onPacket)
    this.seed = options.seed ?? seedFromEnvironment() ?? 0
    this.random = seededRandom(this.seed)
    // The order of turns has random numbers of its own: one packet more must not change which
    // kernel runs first.
    this.stage = new Stage(seededRandom(this.seed ^ 0x5f3759df))
  }

  /** Milliseconds since the network was made, on its own clock. */
  get now(): number {
    return this.stage.timeline.now
  }

  /**
   * The host of that name, made when it is first named; options count only then.
   *
   * @param name Its name.
   * @param options What it is like.
   * @throws RangeError if one of its addresses is none, or another host's.
   */
  host(name: string, options: HostOptions = {}): SimHost {
    checkString('name a host', 'name', name)
    checkHost(options)
    const known = this.hosts.get(name)
    if (known !== undefined) return known
    const number = this.hosts.size + 1
    const addresses = options.addresses ?? [`10.0.${number >> 8}.${number & 255}`, `fd00::${number.toString(16)}`]
    const ips = addresses.map((text) => {
      const address = addressOf(text)
      if (address === null || this.hostAt(address) !== null) {
        throw new RangeError(
          `Cannot give ${name} the address "${text}": ${address === null ? 'it is none' : 'it is taken'}`,
        )
      }
      return address
    })
    const host = new SimHost(name, options, this, ips)
    this.hosts.set(name, host)
    return host
  }

  /**
   * Changes what it is like between two hosts, both ways; what is not given is as in the network's
   * own options.
   *
   * @param one The name of a host.
   * @param other The name of a host.
   * @param conditions Delay, loss and the like.
   */
  link(one: string, other: string, conditions: Conditions): void {
    checkString('link the hosts', 'one', one)
    checkString('link the hosts', 'other', other)
    if (conditions === undefined) throw wrong('link the hosts', 'conditions', 'an object', conditions, '')
    checkOptions('link the hosts', 'conditions', conditions)
    checkConditions('link the hosts', conditions)
    for (const path of this.between([one], [other])) path.conditions = { ...this.options, ...conditions }
  }

  /**
   * From now on nothing gets through between these and those; connections do not notice at first.
   *
   * @param these Names of hosts.
   * @param those Names of hosts.
   */
  partition(these: readonly string[], those: readonly string[]): void {
    checkList('partition the network', 'these', these)
    checkList('partition the network', 'those', those)
    for (const path of this.between(these, those)) path.cut = true
  }

  /**
   * From now on nothing gets through from one host to another; the other way it does.
   *
   * @param from The name of a host.
   * @param to The name of a host.
   */
  mute(from: string, to: string): void {
    checkString('mute a host', 'from', from)
    checkString('mute a host', 'to', to)
    this.path(this.host(from), this.host(to)).cut = true
  }

  /** Ends all partitions. */
  heal(): void {
    for (const paths of this.paths.values()) for (const path of paths.values()) path.cut = false
  }

  /**
   * Breaks all connections between two hosts, as a router does that forgot them: both ends get
   * ECONNRESET.
   *
   * @param one The name of a host.
   * @param other The name of a host.
   */
  reset(one: string, other: string): void {
    checkString('reset connections', 'one', one)
    checkString('reset connections', 'other', other)
    const [a, b] = [this.host(one), this.host(other)]
    for (const driver of a.drivers) driver.breakTo(b)
    for (const driver of b.drivers) driver.breakTo(a)
  }

  /**
   * Stops a host without a word: its kernels never run again, without cleanup, and its peers are
   * left half-open until they time out or the host is `restart`ed and refuses what they send.
   *
   * @param name The name of a host.
   */
  crash(name: string): void {
    const host = this.host(name)
    host.up = false
    for (const driver of host.drivers) driver.die()
    this.simulation?.crashed(name)
  }

  /**
   * Starts a host that crashed; with an operation also a new kernel for it, as part of the run that
   * is under way.
   *
   * @param name The name of a host.
   * @param op What a new kernel of it runs. Default: none.
   */
  restart(name: string, op?: Op<unknown>): void {
    const host = this.host(name)
    if (op !== undefined) checkOperation('restart the host', 'op', op)
    host.up = true
    if (op !== undefined) this.simulation?.begin(name, host, op, true)
  }

  /**
   * Runs operations side by side, each in a kernel of its own on the host of its name, on virtual
   * time. Ends when all but the daemons have returned, with their results; daemons are cancelled
   * then. If one fails, the others are cancelled.
   *
   * @param programs Operations by the names of their hosts.
   * @param options Which of them are daemons, and the like.
   * @throws what an operation throws; later failures are with the first one, see `suppressed`.
   * @throws DeadlockError if everything waits and nothing can happen any more.
   * @throws Error if a kernel has something left over at the end.
   */
  run<P extends Programs>(programs: P, options: RunOptions = {}): Results<P> {
    const simulation = new Simulation(this.stage, this.seed, options)
    this.simulation = simulation
    try {
      for (const [name, program] of Object.entries(programs)) {
        const [op, daemon] = 'op' in program ? [program.op, program.daemon ?? false] : [program, false]
        simulation.begin(name, this.host(name), op as Op<unknown>, daemon)
      }
      return noting(this.seed, () => simulation.run()) as Results<P>
    } finally {
      this.simulation = null
    }
  }

  /** @internal */
  hostAt(address: IpAddress): SimHost | null {
    const plain = unmapped(address)
    for (const host of this.hosts.values()) if (host.has(plain)) return host
    return null
  }

  /** @internal */
  everybody(): Iterable<SimHost> {
    return this.hosts.values()
  }

  /**
   * What a look-up of this name brings from now on, instead of the addresses of the host of that
   * name. Of an IP address: whether and when `reverse` finds its names.
   *
   * @param name The name.
   * @param answer Addresses or an error, and how long it takes.
   * @throws RangeError if one of the addresses is none.
   */
  name(name: string, answer: NameAnswer): void {
    checkText('answer for a name', 'name', name)
    this.names.set(name, answer)
  }

  /** @internal */
  path(from: Home, to: Home): Path {
    let paths = this.paths.get(from)
    if (paths === undefined) {
      paths = new Map()
      this.paths.set(from, paths)
    }
    let path = paths.get(to)
    if (path === undefined) {
      // Inside a host there is no network.
      path =
        from === to
          ? new Path(this.stage.timeline, this.random, {}, null)
          : new Path(this.stage.timeline, this.random, this.options, this.observer(from.name, to.name))
      paths.set(to, path)
    }
    return path
  }

  private observer(from: string, to: string): ((sent: number, lost: boolean) => void) | null {
    const { onPacket } = this.options
    return onPacket === undefined ? null : (sent, lost) => onPacket(from, to, sent, lost)
  }

  private between(these: readonly string[], those: readonly string[]): Path[] {
    return these.flatMap((a) => {
      return those.flatMap((b) => [this.path(this.host(a), this.host(b)), this.path(this.host(b), this.host(a))])
    })
  }
}
