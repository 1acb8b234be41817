/**
 * Our drivers, and which of them work here.
 *
 * One idea: a driver is asked for, not guessed. A process of its own makes a kernel with DRUPE_DRIVER set and says what it
 * got; one that is missing, or that the kernel fell back from, keeps its rows in the tables, with the reason.
 */
import { spawnSync } from 'node:child_process'
import type { Variant } from './harness.js'
import type { Options } from './options.js'
import { variant } from './tools.js'

export interface DriverHere {
  /** As DRUPE_DRIVER and `kernel.driver` have it. */
  readonly name: string
  /** In names of variants. */
  readonly short: string
  readonly skip: string | undefined
}

/** The first that works is the base of the ratios. */
const known = [
  { name: 'io_uring', short: 'uring' },
  { name: 'epoll', short: 'epoll' },
] as const

let found: readonly DriverHere[] | undefined

/** Those that `--drivers` names, or all. @throws Error on a name that is none. */
export function drivers(options: Options): readonly DriverHere[] {
  found ??= known.map((driver) => ({ ...driver, skip: reason(driver.name) }))
  if (options.drivers.length === 0) return found
  return options.drivers.map((wanted) => {
    const driver = found?.find(({ name, short }) => name === wanted || short === wanted)
    if (!driver) throw new Error(`There is no driver "${wanted}", only ${known.map(({ name }) => name).join(', ')}`)
    return driver
  })
}

/** The one that the ratios refer to: the first that works. */
export function baseDriver(options: Options): DriverHere {
  const all = drivers(options)
  const base = all.find(({ skip }) => skip === undefined) ?? all[0]
  if (!base) throw new Error('Cannot choose a driver: none was named')
  return base
}

/** One variant of our own per driver, named `drupe DRIVER WHAT`. */
export function perDriver(options: Options, what: string, command: readonly string[]): Variant[] {
  return drivers(options).map((driver) => ({
    name: ourName(driver, what),
    command,
    env: { DRUPE_DRIVER: driver.name },
    skip: driver.skip,
  }))
}

export function ourName(driver: DriverHere, what: string): string {
  return `drupe ${driver.short} ${what}`
}

function reason(name: string): string | undefined {
  const { stdout, stderr } = spawnSync(process.execPath, [variant('which-driver')], {
    encoding: 'utf8',
    env: { ...process.env, DRUPE_DRIVER: name },
    timeout: 20_000,
  })
  const got = stdout.trim()
  if (got === name) return undefined
  if (got !== '') return `the kernel took ${got} instead`
  return /^(?:\w*Error): (.*)$/m.exec(stderr)?.[1]?.slice(0, 160) ?? 'no kernel could be made with it'
}
