/**
 * The long run: `node dist/test/property/explore.js --seeds 100000 [--from 1] [--trace] [--traffic | --takes | --puts]`.
 *
 * Plays that many random programs, each in two kernels, and prints the smallest form of the first that breaks a promise.
 * The last line is a digest of all traces: it is the same on every machine and under every version of Node. `--trace`
 * prints the traces themselves. `--traffic` runs random traffic on a simulated network instead, `--takes` random takers, and
 * `--puts` random puts in races.
 */
import { parseArgs } from 'node:util'
import { Choices, explore } from 'drupe/testing'
import fc from 'fast-check'
import { digest } from './digest.js'
import { findings } from './findings.js'
import { play } from './play.js'
import { puts, takes } from './takes.js'
import { traffic } from './traffic.js'
import { type Case, cases } from './tree.js'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string' },
    trace: { type: 'boolean' },
    traffic: { type: 'boolean' },
    takes: { type: 'boolean' },
    puts: { type: 'boolean' },
  },
})
const seeds = Number(values.seeds ?? 100_000)
const from = Number(values.from ?? 1)
/** So many programs are drawn from one seed of fast-check, which makes a failure small on its own. */
const BATCH = 1000

let all: number | undefined
let played = 0
const start = Date.now()
const scenario = values.traffic ? traffic : values.takes ? takes : values.puts ? puts : null
if (scenario !== null) {
  explore(
    (choices) => {
      const log = scenario(choices)
      const again = scenario(new Choices(choices.seed, choices.drawn))
      const at = log.findIndex((line, i) => line !== again[i])
      if (at >= 0) throw new Error(`the second run differs: "${log[at]}", then "${again[at]}"`)
      all = digest(log, all)
      if (values.trace) console.log(log.join('\n'))
      if (++played % 1000 === 0) console.error(`${played} of ${seeds}, ${Math.round((Date.now() - start) / 1000)} s`)
    },
    { seeds, from },
  )
}

for (let seed = from; played < seeds; seed++) {
  const property = fc.property(cases, (one: Case) => {
    const { trace } = play(one)
    all = digest(trace, all)
    if (values.trace) console.log(`${JSON.stringify(one)}\n${trace.join('\n')}\n`)
    const found = findings(one)
    if (found.length > 0) throw new Error(found.join('\n'))
  })
  const runs = Math.min(BATCH, seeds - played)
  const result = fc.check(property, { seed, numRuns: runs })
  if (result.failed) {
    console.error(fc.defaultReportMessage(result))
    const [one] = result.counterexample as [Case]
    console.error(`${JSON.stringify(one)}\n${play(one).trace.join('\n')}\n\n${findings(one).join('\n')}`)
    process.exit(1)
  }
  played += runs
  if (played % 10_000 === 0) console.error(`${played} of ${seeds}, ${Math.round((Date.now() - start) / 1000)} s`)
}
console.log(`${played} programs, no finding, digest ${(all ?? 0).toString(16)}`)
