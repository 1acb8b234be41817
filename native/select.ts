/**
 * Which driver to use here. The only file that asks what platform this is.
 *
 * The environment variable DRUPE_DRIVER forces one by name; 'host' means none of these, only the host's timers.
 */
import type { Driver } from '../kernel/driver.js'
import { EpollDriver } from './epoll.js'
import { NoRing } from './ring.js'
import { UringDriver } from './uring.js'

/** Each driver: where it works, and how to make one. The first that works here is the default. */
const DRIVERS: readonly { readonly name: string; works(): boolean; make(note?: string): Driver }[] = [
  { name: 'io_uring', works: () => platform() === 'linux', make: () => new UringDriver() },
  { name: 'epoll', works: () => platform() === 'linux', make: (note) => new EpollDriver(note) },
]

/**
 * Makes the driver for this platform; null where there is none. Where io_uring is missing, too old or forbidden (by a
 * sysctl, by a container's seccomp filter) it is epoll, with a note that says why.
 *
 * @throws Error if the forced driver is unknown or does not work here, or if the native library cannot be loaded.
 */
export function chooseDriver(forced = environment()): Driver | null {
  if (forced === 'host') return null
  if (forced === undefined || forced === '') return bestDriver()
  const driver = DRIVERS.find(({ name }) => name === forced)
  if (driver === undefined) {
    const names = [...DRIVERS.map(({ name }) => name), 'host'].join(', ')
    throw new Error(`Cannot use the driver "${forced}" (DRUPE_DRIVER): there is none of that name, only ${names}`)
  }
  if (!driver.works()) throw new Error(`Cannot use the driver "${forced}" (DRUPE_DRIVER): not on ${platform()}`)
  try {
    return driver.make()
  } catch (error) {
    if (!(error instanceof NoRing)) throw error
    throw new Error(`Cannot use the driver "${forced}" (DRUPE_DRIVER): ${error.message}`, { cause: error })
  }
}

function bestDriver(): Driver | null {
  let note: string | undefined
  for (const driver of DRIVERS) {
    if (!driver.works()) continue
    try {
      return driver.make(note)
    } catch (error) {
      if (!(error instanceof NoRing)) throw error
      note = `there is no ${driver.name} here: ${error.message}`
    }
  }
  return null
}

/** In a browser there is no `process`. */
function platform(): string {
  return typeof process === 'object' ? process.platform : 'a browser'
}

function environment(): string | undefined {
  return typeof process === 'object' ? process.env['DRUPE_DRIVER'] : undefined
}
