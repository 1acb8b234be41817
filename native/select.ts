/**
 * Which driver to use here. The only file that asks what platform and what engine this is.
 *
 * The environment variable DRUPE_DRIVER forces one by name; 'host' means none of these, only the
 * host's timers. DRUPE_KQUEUE_LIB names a library that has kqueue instead of the C library; with
 * it that driver is to be had on Linux, too.
 */
import type { Driver } from '../kernel/driver/contract.js'
import { environment } from '../kernel/protocol/host-functions.js'
import { SYSTEMS } from './bsd/constants.js'
import { KqueueDriver, type KqueueHost } from './bsd/driver.js'
import { openBsd } from './bsd/libc.js'
import { pollsCallOnce } from './host/guest-poll.js'
import { keepsFds } from './host/host-work.js'
import { NoKoffi } from './koffi.js'
import { CAN } from './linux/constants.js'
import { EpollDriver } from './linux/epoll.js'
import { openLibc } from './linux/libc.js'
import { UringDriver } from './linux/uring/driver.js'
import { NoRing } from './linux/uring/ring.js'
import { IocpDriver } from './windows/driver.js'

/** Each driver: where it works, and how to make one. The first that works here is the default. */
const DRIVERS: readonly { readonly name: string; works(): boolean; make(note?: string): Driver }[] = [
  { name: 'io_uring', works: () => platform() === 'linux', make: () => new UringDriver() },
  { name: 'epoll', works: () => platform() === 'linux', make: (note) => new EpollDriver(note) },
  { name: 'kqueue', works: () => hasKqueue(), make: (note) => new KqueueDriver(kqueueHost(), note) },
  { name: 'iocp', works: () => platform() === 'win32', make: (note) => new IocpDriver(note) },
]

/** What else an engine may be called than Node, which all of them call themselves. */
interface Versions {
  readonly node?: string
  readonly bun?: string
  readonly deno?: string
}

/**
 * Makes the driver for this platform; null where there is none. Where io_uring is missing, too old
 * or forbidden (by a sysctl, by a container's seccomp filter) it is epoll, with a note that says
 * why.
 *
 * @param forced One by name; default: what DRUPE_DRIVER says, or else the best.
 * @param explain Is told why it is none.
 * @throws Error if the forced driver is unknown or does not work here, or if the engine is too old.
 * @example
 * import { Kernel } from 'drupe'
 * import { chooseDriver, HostDriver } from 'drupe/lowlevel'
 *
 * let reason = ''
 * const driver = chooseDriver('host', (why) => {
 *   reason = why
 * })
 * console.log(driver) // => null
 * const kernel = new Kernel({ driver: driver ?? new HostDriver(reason) })
 * console.log(kernel.driver) // => host
 * await kernel.close()
 */
export function chooseDriver(
  forced = environment('DRUPE_DRIVER'),
  explain: (why: string) => void = () => {},
): Driver | null {
  assertNewEnough()
  if (forced === 'host') {
    explain('DRUPE_DRIVER asks for it; without that it is the best that there is here')
    return null
  }
  if (forced === undefined || forced === '') return bestDriver(explain)
  const driver = DRIVERS.find(({ name }) => name === forced)
  if (driver === undefined) {
    const names = [...DRIVERS.map(({ name }) => name), 'host'].join(', ')
    throw new Error(`Cannot use the driver "${forced}" (DRUPE_DRIVER): there is none of that name, only ${names}`)
  }
  const obstacle = driver.works() ? engineObstacle() : `not on ${platform()}`
  if (obstacle !== null) throw new Error(`Cannot use the driver "${forced}" (DRUPE_DRIVER): ${obstacle}`)
  try {
    return driver.make()
  } catch (error) {
    if (!isMissing(error)) throw error
    if (error instanceof NoRing && error.lacking !== null) throw error.lacking
    throw new Error(`Cannot use the driver "${forced}" (DRUPE_DRIVER): ${error.message}`, { cause: error })
  }
}

function bestDriver(explain: (why: string) => void): Driver | null {
  const obstacle = engineObstacle()
  let note: string | undefined
  for (const driver of obstacle === null ? DRIVERS : []) {
    if (!driver.works()) continue
    try {
      return driver.make(note)
    } catch (error) {
      if (!isMissing(error)) throw error
      note = `there is no ${driver.name} here: ${error.message}`
    }
  }
  explain(
    obstacle ??
      note ??
      `there is no native driver for ${platform()}; sockets and files need Linux, macOS, FreeBSD or Windows`,
  )
  return null
}

function isMissing(error: unknown): error is Error {
  return error instanceof NoRing || error instanceof NoKoffi
}

/** Why this engine can use none of the drivers, whatever the platform is. */
function engineObstacle(): string | null {
  const { bun, deno } = versions()
  if (bun !== undefined)
    return 'there is no native driver for Bun, which ends when an addon polls a descriptor; sockets and files need Node'
  if (deno !== undefined) {
    pollsCallOnce()
    keepsFds()
  }
  return null
}

/**
 * `getBuiltinModule` is the youngest thing that is needed: without it, what would come is a puzzle.
 */
function assertNewEnough(): void {
  const { node, bun, deno } = versions()
  if (node === undefined || process.getBuiltinModule !== undefined) return
  const engine = bun !== undefined ? `Bun ${bun}` : deno !== undefined ? `Deno ${deno}` : `Node ${node}`
  throw new Error(`Cannot run on ${engine}: Drupe needs Node 20.19 or newer, Bun 1.2 or newer, or Deno 2.1 or newer`)
}

/** In a browser there is no `process`, or one that a bundler made up. */
function versions(): Versions {
  return (typeof process === 'object' && process.versions) || {}
}

function platform(): string {
  return versions().node === undefined ? 'a browser' : process.platform
}

function isBsd(name: string): name is keyof typeof SYSTEMS {
  return Object.hasOwn(SYSTEMS, name)
}

function hasKqueue(): boolean {
  return isBsd(platform()) || (platform() === 'linux' && environment('DRUPE_KQUEUE_LIB') !== undefined)
}

function kqueueHost(): KqueueHost {
  const library = environment('DRUPE_KQUEUE_LIB') ?? null
  const name = platform()
  if (!isBsd(name)) return { libc: openLibc(), can: CAN, source: { abi: 'libkqueue', library } }
  return { libc: openBsd(name), can: SYSTEMS[name].can, source: { abi: name, library } }
}
