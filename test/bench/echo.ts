/**
 * How many echoes does one core serve, beside every peer that runs here?
 *
 * One idea: one table per cell of the matrix (connections × message size), all servers in turns within the cell, printed
 * when the cell is done; then the claims, for each of our drivers and layers on its own.
 */
import { baseDriver, drivers, ourName } from './drivers.js'
import { type Cell, claims } from './echo-claims.js'
import { chosen, takeTurns, value } from './harness.js'
import { openJournal } from './journal.js'
import { measureServer, noLoad } from './load.js'
import type { Bench } from './micro.js'
import {
  bytes,
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
import { ourServers, peerServers } from './servers.js'

const columns: readonly Column[] = [
  { key: 'reqPerSec', title: 'k req/s', format: thousands },
  { key: 'p50us', title: 'p50 µs', format: digits },
  { key: 'p99us', title: 'p99 µs', format: digits },
  { key: 'p999us', title: 'p99.9 µs', format: digits },
  { key: 'cpuUs', title: 'CPU µs/req' },
  { key: 'busy', title: 'core %', format: whole },
]

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
    const base = ourName(baseDriver(options), 'borrow')
    const variants = chosen([...ourServers(options), ...peerServers()], options, base)

    console.log(`### echo: ${bench.question}\n`)
    console.log(`${machine()} · medians of ${rounds} rounds of ${seconds} s after ${warmup} s of warm-up\n`)
    console.log(
      'One core for the server, the other for the load generator: a closed loop with one message in flight per connection. Ours are guests on Node’s loop, `sync` holds the thread. `core %`: how much of its core the server used; far below 100 with many connections, something else used it.\n',
    )
    const cells: Cell[] = []
    for (const connections of connectionCounts) {
      for (const size of sizes) {
        const load = { connections, size, seconds, warmup }
        const journal = openJournal(options, `echo ${connections} × ${size}, ${seconds} s after ${warmup} s`)
        const outcomes = await takeTurns(variants, rounds, (v) => measureServer(v, load, options), journal)
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
    console.log(claimTable(claims(cells, drivers(options))))
  },
}
