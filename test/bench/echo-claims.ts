/**
 * What we claim of the echo table.
 *
 * One idea: claims are data. Each driver has its bounds, one per peer and size; the claims about the number of connections
 * compare cells, and say beside it what the C server did over the same step, since the load generator and the system
 * are in both.
 */
import type { DriverHere } from './drivers.js'
import { ourName } from './drivers.js'
import { type Outcome, ratio, value } from './harness.js'
import { bytes, type Claim, digits } from './report.js'
import { cEpoll, nodeCallback, rivals } from './servers.js'

export interface Cell {
  readonly connections: number
  readonly size: number
  readonly outcomes: readonly Outcome[]
}

/** The layers that an ordinary user writes with; `raw` is there to show what they cost. */
const claimed = ['stream', 'borrow'] as const

const kib = 1024

/** At 50 connections, the least ratio of throughputs. */
function bounds(driver: string, size: number): Readonly<Record<string, number>> {
  if (driver === 'epoll')
    return { [cEpoll]: 0.8, ...(size < kib ? {} : { [nodeCallback]: size >= 100 * kib ? 2 : 1.15 }) }
  const ahead = Object.fromEntries(rivals.map((name) => [name, 1]))
  const node = size >= 100 * kib ? 2.3 : size >= kib ? 1.4 : 1
  return { [cEpoll]: size === 10 * kib ? 0.95 : 1, [nodeCallback]: node, ...ahead }
}

function atFifty(cell: Cell, driver: DriverHere, api: string): Claim[] {
  const { outcomes, size } = cell
  const guest = ourName(driver, api)
  const blocking = ourName(driver, `sync ${api}`)
  const against = (other: string, key: string): number | undefined =>
    ratio(value(outcomes, guest, key), value(outcomes, other, key))
  const has = (name: string): boolean => outcomes.some((o) => o.name === name)
  const at = bytes(size)
  const all: Claim[] = Object.entries(bounds(driver.name, size))
    .filter(([peer]) => has(peer))
    .map(([peer, bound]) => ({
      text: `${guest} ÷ ${peer}, ${at}`,
      value: against(peer, 'reqPerSec'),
      bound,
      want: 'at least' as const,
    }))
  if (has(blocking))
    all.push({
      text: `${guest} ÷ blocking run, ${at}`,
      value: against(blocking, 'reqPerSec'),
      bound: 0.95,
      want: 'at least',
    })
  if (!has(nodeCallback)) return all
  all.push({
    text: `p99: ${guest} ÷ node:net, ${at}`,
    value: against(nodeCallback, 'p99us'),
    bound: 1,
    want: 'at most',
  })
  if (driver.name === 'io_uring' && size === kib)
    all.push({
      text: `CPU per request: ${guest} ÷ node:net, ${at}`,
      value: against(nodeCallback, 'cpuUs'),
      bound: 0.7,
      want: 'at most',
    })
  return all
}

function pingPong({ outcomes, size }: Cell, driver: DriverHere, api: string): Claim[] {
  const guest = ourName(driver, api)
  if (!outcomes.some((o) => o.name === nodeCallback)) return []
  return [
    {
      text: `p50, one connection: ${guest} ÷ node:net, ${bytes(size)}`,
      value: ratio(value(outcomes, guest, 'p50us'), value(outcomes, nodeCallback, 'p50us')),
      bound: 1.05,
      want: 'at most',
    },
  ]
}

function scaling(many: Cell, fifty: Cell, driver: DriverHere, api: string): Claim[] {
  const step = (name: string): number | undefined =>
    ratio(value(many.outcomes, name, 'reqPerSec'), value(fifty.outcomes, name, 'reqPerSec'))
  const yardstick = step(cEpoll)
  const note = yardstick === undefined ? '' : ` (C epoll: ${digits(yardstick)})`
  const guest = ourName(driver, api)
  return [
    {
      text: `${guest}: ${many.connections} ÷ 50 connections, ${bytes(many.size)}${note}`,
      value: step(guest),
      bound: 0.85,
      want: 'at least',
    },
  ]
}

/** The claims that these cells can say something about, of the servers that took part. */
export function claims(cells: readonly Cell[], drivers: readonly DriverHere[]): Claim[] {
  return drivers.flatMap((driver) =>
    claimed.flatMap((api) =>
      cells
        .filter(({ outcomes }) => outcomes.some((o) => o.name === ourName(driver, api)))
        .flatMap((cell) => {
          if (cell.connections === 50) return atFifty(cell, driver, api)
          if (cell.connections === 1) return pingPong(cell, driver, api)
          const fifty = cells.find(({ connections, size }) => connections === 50 && size === cell.size)
          return fifty ? scaling(cell, fifty, driver, api) : []
        }),
    ),
  )
}
