/**
 * What does it cost to put `node:http` on our sockets, instead of its own?
 *
 * One idea: the server is the same, and only what is under it differs. So the ratio is the price of the bridge, less what our
 * sockets save.
 */
import { perDriver } from './drivers.js'
import { chosen, type Sample, takeTurns, type Variant, value } from './harness.js'
import { openJournal } from './journal.js'
import { cores } from './load.js'
import type { Bench } from './micro.js'
import type { Options } from './options.js'
import { cpuMs, listening, start } from './process.js'
import { claimTable, digits, machine, outcomeTable, thousands, whole } from './report.js'
import { variant } from './tools.js'

const base = 'node:http'

function variants(options: Options): Variant[] {
  const server = (under: string): string[] => [process.execPath, variant('http-server'), under]
  return [...perDriver(options, 'duplex', server('duplex')), { name: base, command: server('net') }]
}

async function measure(
  v: Variant,
  connections: number,
  seconds: number,
  warmup: number,
  options: Options,
): Promise<Sample> {
  const [serverCore, loadCore] = cores(options)
  const server = start(v, serverCore)
  try {
    const port = await listening(server)
    const command = [process.execPath, variant('http-load'), ...[port, connections, seconds, warmup].map(String)]
    const load = start({ command }, loadCore)
    try {
      const patience = (seconds + warmup) * 1000 + 20_000
      while ((await load.line(patience)) !== 'measuring');
      const before = cpuMs(server.pid)
      const sample = await load.json(patience)
      const after = cpuMs(server.pid)
      if (before === undefined || after === undefined) return sample
      const used = after - before
      return { ...sample, cpuUs: (used * 1000) / (sample['requests'] ?? 1), busy: (used / (seconds * 1000)) * 100 }
    } finally {
      await load.stop()
    }
  } finally {
    await server.stop()
  }
}

export const bench: Bench = {
  name: 'http',
  question: 'What does it cost to put node:http on our sockets, instead of its own?',
  async run(options) {
    const rounds = options.rounds ?? (options.quick ? 3 : 5)
    const seconds = options.seconds ?? (options.quick ? 2 : 5)
    const warmup = options.warmup ?? 2
    const connections = options.connections[0] ?? 50
    const columns = [
      { key: 'reqPerSec', title: 'k req/s', format: thousands },
      { key: 'p50us', title: 'p50 µs', format: digits },
      { key: 'p99us', title: 'p99 µs', format: digits },
      { key: 'cpuUs', title: 'CPU µs/req' },
      { key: 'busy', title: 'core %', format: whole },
    ]
    console.log(`### http: ${bench.question}\n`)
    console.log(
      `${machine()} · medians of ${rounds} rounds of ${seconds} s after ${warmup} s of warm-up; ${connections} connections that are kept, one request in flight on each\n`,
    )
    const journal = openJournal(options, `http ${connections}, ${seconds} s after ${warmup} s`)
    const take = (v: Variant): Promise<Sample> => measure(v, connections, seconds, warmup, options)
    const outcomes = await takeTurns(chosen(variants(options), options, base), rounds, take, journal)
    console.log(`${outcomeTable(outcomes, columns, base)}\n`)
    const claims = outcomes.flatMap(({ name }) => {
      if (name === base) return []
      const [ours, nodes] = [name, base].map((one) => value(outcomes, one, 'reqPerSec') ?? Number.NaN)
      const ratio = (ours as number) / (nodes as number)
      return [
        { text: `${name}: requests per second, times node:http`, value: ratio, bound: 0.9, want: 'at least' as const },
      ]
    })
    console.log(claimTable(claims))
  },
}
