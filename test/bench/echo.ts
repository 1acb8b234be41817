/**
 * How many echoes does one core serve, beside every peer that runs here?
 *
 * One idea: one table per cell of the matrix (connections × message size), all servers in turns within the cell; then
 * the claims, for each of our layers on its own.
 */
import { chosen, type Outcome, ratio, takeTurns, type Variant, value, withTool } from './harness.js'
import { measureServer, noLoad } from './load.js'
import type { Bench } from './micro.js'
import type { Options } from './options.js'
import {
  bytes,
  type Claim,
  type Column,
  claimTable,
  digits,
  machine,
  outcomeTable,
  show,
  table,
  thousands,
  whole,
} from './report.js'
import { compileC, compileGo, peer, pythonForAsyncio, pythonWith, runtime, variant } from './tools.js'

const apis = ['stream', 'borrow', 'raw'] as const
const nodeCallback = 'node:net'
const cEpoll = 'C epoll'

const columns: readonly Column[] = [
  { key: 'reqPerSec', title: 'k req/s', format: thousands },
  { key: 'p50us', title: 'p50 µs', format: digits },
  { key: 'p99us', title: 'p99 µs', format: digits },
  { key: 'p999us', title: 'p99.9 µs', format: digits },
  { key: 'cpuUs', title: 'CPU µs/req' },
  { key: 'busy', title: 'core %', format: whole },
]

interface Cell {
  readonly connections: number
  readonly size: number
  readonly outcomes: readonly Outcome[]
}

/** Our servers: layer × runner, and once per driver if drivers were named. */
function drupes(options: Options): Variant[] {
  const drivers = options.drivers.length === 0 ? [undefined] : options.drivers
  return drivers.flatMap((driver) =>
    (['guest', 'sync'] as const).flatMap((mode) =>
      apis.map((api) => ({
        name: ourName(mode, api, driver),
        command: [process.execPath, variant('echo-drupe'), '--mode', mode, '--api', api],
        env: driver === undefined ? undefined : { DRUPE_DRIVER: driver },
      })),
    ),
  )
}

function ourName(mode: 'guest' | 'sync', api: string, driver: string | undefined): string {
  return `drupe ${mode} ${api}${driver === undefined ? '' : ` (${driver})`}`
}

function peers(): Variant[] {
  const python = peer('echo_asyncio.py')
  return [
    withTool(cEpoll, compileC('echo-epoll.c'), (path) => [path]),
    { name: nodeCallback, command: [process.execPath, variant('echo-node-callback')] },
    { name: 'node:net iterator', command: [process.execPath, variant('echo-node-iterator')] },
    // One P would be kinder to Go's scheduler than the one core it gets; the core alone is the limit here.
    withTool('go', compileGo('echo.go'), (path) => [path]),
    withTool('bun', runtime('bun'), (path) => [path, peer('echo-bun.mjs')]),
    withTool('deno', runtime('deno'), (path) => [path, 'run', '--allow-net', peer('echo-deno.mjs')]),
    withTool('uvloop protocol', pythonWith('uvloop'), (path) => [path, python, 'uvloop', 'protocol']),
    withTool('uvloop streams', pythonWith('uvloop'), (path) => [path, python, 'uvloop', 'streams']),
    withTool('asyncio streams', pythonForAsyncio(), (path) => [path, python, 'asyncio', 'streams']),
    withTool('curio', pythonWith('curio'), (path) => [path, peer('echo_curio.py')]),
  ]
}

function claims(cells: readonly Cell[], options: Options): Claim[] {
  const all: Claim[] = []
  const drivers = options.drivers.length === 0 ? [undefined] : options.drivers
  for (const driver of drivers) {
    for (const api of apis) {
      const guest = ourName('guest', api, driver)
      for (const { connections, size, outcomes } of cells) {
        if (connections !== 50 || size < 1024) continue
        const against = (other: string, key: string): number | undefined =>
          ratio(value(outcomes, guest, key), value(outcomes, other, key))
        const text = (what: string): string => `${guest} ÷ ${what}, ${bytes(size)}`
        all.push(
          {
            text: text(nodeCallback),
            value: against(nodeCallback, 'reqPerSec'),
            bound: size >= 100 * 1024 ? 2 : 1.15,
            want: 'at least',
          },
          { text: text(cEpoll), value: against(cEpoll, 'reqPerSec'), bound: 0.75, want: 'at least' },
          {
            text: text('blocking run'),
            value: against(ourName('sync', api, driver), 'reqPerSec'),
            bound: 0.95,
            want: 'at least',
          },
          { text: `p99: ${text(nodeCallback)}`, value: against(nodeCallback, 'p99us'), bound: 1, want: 'at most' },
        )
      }
    }
  }
  return all.filter((claim) => claim.value !== undefined || options.only.length === 0)
}

/** Thousands of requests per second, one row per server, one column per size. */
function summary(cells: readonly Cell[], names: readonly string[]): string {
  const heads = cells.map((c) => `${c.connections} × ${bytes(c.size)}`)
  const rows = names.map((name) => [name, ...cells.map((c) => show(value(c.outcomes, name, 'reqPerSec'), thousands))])
  return table(['k req/s', ...heads], rows)
}

export const bench: Bench = {
  name: 'echo',
  question: 'How many echoes does one core serve, beside every peer that runs here?',
  async run(options) {
    const reason = noLoad()
    if (reason !== undefined) return console.log(`### echo: skipped: ${reason}`)
    const rounds = options.rounds ?? (options.quick ? 3 : 5)
    const seconds = options.seconds ?? (options.quick ? 2 : 3)
    const warmup = options.warmup ?? 1
    const kib = 1024
    const connectionCounts = options.connections.length > 0 ? options.connections : options.quick ? [50] : [1, 50, 500]
    const sizes =
      options.sizes.length > 0
        ? options.sizes
        : options.quick
          ? [kib, 10 * kib, 100 * kib]
          : [64, kib, 10 * kib, 100 * kib]
    const base = ourName('guest', 'stream', options.drivers[0])
    const variants = chosen([...drupes(options), ...peers()], options, base)

    console.log(`### echo: ${bench.question}\n`)
    console.log(`${machine()} · medians of ${rounds} rounds of ${seconds} s after ${warmup} s of warm-up\n`)
    console.log(
      'One core for the server, the other for the load generator: a closed loop with one message in flight per connection. `core %`: how much of its core the server used; far below 100 with many connections, something else used it.\n',
    )
    const cells: Cell[] = []
    for (const connections of connectionCounts) {
      for (const size of sizes) {
        const load = { connections, size, seconds, warmup }
        const outcomes = await takeTurns(variants, rounds, (v) => measureServer(v, load, options))
        cells.push({ connections, size, outcomes })
        console.log(`#### ${connections} connections × ${bytes(size)}\n\n${outcomeTable(outcomes, columns, base)}\n`)
      }
    }
    console.log(
      `#### All cells\n\n${summary(
        cells,
        variants.map((v) => v.name),
      )}\n`,
    )
    console.log(claimTable(claims(cells, options)))
  },
}
