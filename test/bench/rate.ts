/**
 * At the same load, how long does an echo take, and what does it cost?
 *
 * One idea: in a closed loop a faster server gets more work, so its latencies are those of a fuller core. Here every server
 * gets the same messages at the same moments: half of what node:net serves when it serves as many as it can, measured in
 * the same run (or `--rate`). A latency counts from the moment a message was due.
 */
import { baseDriver, drivers, ourName } from './drivers.js'
import { chosen, type Outcome, ratio, takeTurns, value } from './harness.js'
import { openJournal } from './journal.js'
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
  thousands,
  whole,
} from './report.js'
import { nodeCallback, ourServers, peerServers } from './servers.js'

/** Those without a `--only`: the layers of ordinary users, and the two yardsticks. */
const usual = /^(drupe \w+ (stream|borrow)|C epoll|node:net)$/

const closedColumns: readonly Column[] = [
  { key: 'reqPerSec', title: 'k req/s', format: thousands },
  { key: 'cpuUs', title: 'CPU µs/req' },
]

const columns: readonly Column[] = [
  { key: 'p50us', title: 'p50 µs', format: digits },
  { key: 'p99us', title: 'p99 µs', format: digits },
  { key: 'p999us', title: 'p99.9 µs', format: digits },
  { key: 'maxus', title: 'max µs', format: digits },
  { key: 'cpuUs', title: 'CPU µs/req' },
  { key: 'busy', title: 'core %', format: whole },
  { key: 'reqPerSec', title: 'k req/s', format: thousands },
  { key: 'unanswered', title: 'unanswered', format: whole },
]

function claims(closed: readonly Outcome[], open: readonly Outcome[], size: number, options: Options): Claim[] {
  const claim = (outcomes: readonly Outcome[], guest: string, key: string, what: string, bound: number): Claim => ({
    text: `${what}: ${guest} ÷ node:net, ${bytes(size)}`,
    value: ratio(value(outcomes, guest, key), value(outcomes, nodeCallback, key)),
    bound,
    want: 'at most',
  })
  return drivers(options)
    .flatMap((driver) => ['stream', 'borrow'].map((api) => ourName(driver, api)))
    .filter((guest) => open.some((o) => o.name === guest))
    .flatMap((guest) => [
      claim(open, guest, 'p99us', 'p99 at equal load', 1),
      claim(open, guest, 'p999us', 'p99.9 at equal load', 1),
      claim(open, guest, 'cpuUs', 'CPU per request at equal load', 0.7),
      claim(closed, guest, 'cpuUs', 'CPU per request, closed loop', 0.7),
    ])
}

export const bench: Bench = {
  name: 'rate',
  question: 'At the same load, how long does an echo take, and what does it cost?',
  async run(options) {
    const reason = noLoad()
    if (reason !== undefined) return console.log(`### rate: skipped: ${reason}`)
    const rounds = options.rounds ?? (options.quick ? 1 : 5)
    const seconds = options.seconds ?? (options.quick ? 2 : 5)
    const warmup = options.warmup ?? 1
    const connections = options.connections[0] ?? 50
    const sizes = options.sizes.length > 0 ? options.sizes : [1024]
    const base = ourName(baseDriver(options), 'borrow')
    const every = [...ourServers(options), ...peerServers()]
    const some = options.only.length > 0 ? chosen(every, options, base) : every.filter(({ name }) => usual.test(name))
    // What all are measured against always takes part.
    const variants = every.filter((v) => some.includes(v) || v.name === nodeCallback)

    console.log(`### rate: ${bench.question}\n`)
    console.log(
      `${machine()} · ${connections} connections · medians of ${rounds} rounds of ${seconds} s after ${warmup} s of warm-up\n`,
    )
    const all: Claim[] = []
    for (const size of sizes) {
      const run = (rate?: number): Promise<Outcome[]> => {
        const load = { connections, size, seconds, warmup, rate }
        const pace = rate === undefined ? 'closed' : `${rate} req/s`
        const question = `rate ${connections} × ${size}, ${pace}, ${seconds} s after ${warmup} s`
        return takeTurns(variants, rounds, (v) => measureServer(v, load, options), openJournal(options, question))
      }
      const closed = await run()
      console.log(`#### ${bytes(size)}, as fast as it goes\n\n${outcomeTable(closed, closedColumns, base)}\n`)
      const rate = options.rate ?? Math.round((value(closed, nodeCallback, 'reqPerSec') ?? 0) / 2)
      if (!(rate > 0)) throw new Error('Cannot choose a rate: node:net gave none, and there is no --rate')
      const open = await run(rate)
      console.log(`#### ${bytes(size)}, ${whole(rate)} requests per second\n\n${outcomeTable(open, columns, base)}\n`)
      all.push(...claims(closed, open, size, options))
    }
    console.log(claimTable(all))
  },
}
