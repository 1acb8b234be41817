/**
 * Which of two servers is faster, when the machine changes its mind every minute?
 *
 * One idea: what is to be compared must lie close together in time. All servers live at once (one that is not loaded uses no
 * CPU), and get short bursts of load in turns; each burst is compared with the yardstick's of the same turn, and the median of
 * those ratios is what counts. Some rounds with fresh processes, because processes differ, too. With more connections than a few each
 * server also gets a burst of a few in its turn, for what many cost.
 */
import { baseDriver, ourName } from './drivers.js'
import { chosen, type Sample, type Variant } from './harness.js'
import { cores, drive, noLoad } from './load.js'
import type { Bench } from './micro.js'
import type { Options } from './options.js'
import { type Child, listening, start } from './process.js'
import { bytes, digits, machine, show, table, thousands } from './report.js'
import { cEpoll, nodeCallback, ourServers, yardsticks } from './servers.js'

const burstsPerRound = 8
const few = 50

/** By the name of a server, one sample for each turn. */
type Turns = Map<string, Sample[]>

async function takeTurns(variants: readonly Variant[], connections: number, size: number, options: Options) {
  const turns: Turns = new Map(variants.map((v) => [v.name, []]))
  const [serverCore, loadCore] = cores(options)
  const seconds = options.seconds ?? 0.4
  for (let round = 0; round < (options.rounds ?? 2); round++) {
    const servers: { name: string; child: Child; port: number }[] = []
    try {
      for (const v of variants) {
        const child = start(v, serverCore)
        servers.push({ name: v.name, child, port: await listening(child) })
      }
      type Server = (typeof servers)[number]
      const burst = ({ child, port }: Server, connections: number, seconds: number, warmup: number) =>
        drive(child, port, { connections, size, seconds, warmup }, loadCore)
      // Thousands begin and end all at once; what that costs is not asked here.
      const warmup = 0.1 + connections / 5000
      for (const server of servers) await burst(server, connections, options.warmup ?? 1, 0)
      for (let turn = 0; turn < burstsPerRound; turn++) {
        // Everybody is everybody's neighbour now and then.
        servers.push(...servers.splice(0, 1 + (turn % 2)))
        for (const server of servers) {
          const beside = connections > few ? await burst(server, few, seconds, warmup) : {}
          const sample = await burst(server, connections, seconds, warmup)
          const besideFew = (sample['reqPerSec'] ?? Number.NaN) / (beside['reqPerSec'] ?? Number.NaN)
          turns.get(server.name)?.push({ ...sample, ...(connections > few && { besideFew }) })
        }
      }
    } finally {
      for (const { child } of servers) await child.stop()
    }
  }
  return turns
}

/** A quantile of the ratios to another server's samples, turn by turn. */
function ratio(turns: Turns, name: string, other: string, key: string, q = 0.5): number | undefined {
  const theirs = turns.get(other)
  const ratios = turns.get(name)?.map((sample, i) => (sample[key] ?? Number.NaN) / (theirs?.[i]?.[key] ?? Number.NaN))
  if (ratios === undefined || ratios.length === 0 || ratios.some(Number.isNaN)) return undefined
  return ratios.sort((a, b) => a - b)[Math.min(Math.floor(q * ratios.length), ratios.length - 1)]
}

function median(turns: Turns, name: string, key: string): number | undefined {
  const values = turns.get(name)?.flatMap((sample) => sample[key] ?? []) ?? []
  return values.sort((a, b) => a - b)[values.length >> 1]
}

/** CPU time per request over all bursts together: that of one is counted in ticks of 10 ms. */
function cpuUs(turns: Turns, name: string): number | undefined {
  const samples = turns.get(name) ?? []
  const requests = samples.reduce((sum, sample) => sum + (sample['requests'] ?? 0), 0)
  if (requests === 0) return undefined
  return samples.reduce((sum, sample) => sum + (sample['cpuUs'] ?? 0) * (sample['requests'] ?? 0), 0) / requests
}

function rows(turns: Turns, connections: number): string[][] {
  return [...turns.keys()].map((name) => [
    name,
    show(median(turns, name, 'reqPerSec'), thousands),
    ...[cEpoll, nodeCallback].map((other) => show(ratio(turns, name, other, 'reqPerSec'), digits)),
    [0.25, 0.75].map((q) => show(ratio(turns, name, cEpoll, 'reqPerSec', q), digits)).join('–'),
    show(median(turns, name, 'p50us'), digits),
    show(ratio(turns, name, nodeCallback, 'p50us'), digits),
    show(ratio(turns, name, nodeCallback, 'p99us'), digits),
    show(cpuUs(turns, name), digits),
    ...(connections > few ? [show(median(turns, name, 'besideFew'), digits)] : []),
  ])
}

export const bench: Bench = {
  name: 'turns',
  question: 'How do our servers compare with C and node:net, burst by burst?',
  async run(options) {
    const reason = noLoad()
    if (reason !== undefined) return console.log(`### turns: skipped: ${reason}`)
    const all = [...ourServers(options), ...yardsticks()].filter(
      (v) => v.skip === undefined && !/sync|raw/.test(v.name),
    )
    const variants = chosen(all, options, ourName(baseDriver(options), 'borrow'))
    console.log(`### turns: ${bench.question}\n`)
    console.log(
      `${machine()} · ${options.rounds ?? 2} rounds of ${burstsPerRound} bursts of ${options.seconds ?? 0.4} s, all servers alive\n`,
    )
    console.log(
      '`÷ C`, `÷ node`: throughput beside theirs of the same turn, the median of all turns; `quartiles`: of `÷ C`. `p50 ÷ node`, `p99 ÷ node`: latency likewise. `÷ 50`: throughput beside that with 50 connections to the same server in the same turn.\n',
    )
    const heads = [
      'variant',
      'k req/s',
      '÷ C',
      '÷ node',
      'quartiles',
      'p50 µs',
      'p50 ÷ node',
      'p99 ÷ node',
      'CPU µs/req',
    ]
    for (const connections of options.connections.length > 0 ? options.connections : [1, 50, 500]) {
      for (const size of options.sizes.length > 0 ? options.sizes : [64, 1024, 10 * 1024, 100 * 1024]) {
        const turns = await takeTurns(variants, connections, size, options)
        console.log(`#### ${connections} connection${connections === 1 ? '' : 's'} × ${bytes(size)}\n`)
        const columns = connections > few ? [...heads, `÷ ${few}`] : heads
        console.log(`${table(columns, rows(turns, connections))}\n`)
      }
    }
  },
}
