/**
 * What the small benches (switch, spawn, handover, depth, sleepers, timers) have in common.
 *
 * One idea: a small bench is data: who takes part, which numbers they print, and what we claim about them. The
 * running, the turns and the table are the same for all.
 */
import { chosen, type Outcome, type Sample, takeTurns, type Variant, withTool } from './harness.js'
import { openJournal } from './journal.js'
import type { Options } from './options.js'
import { measureOnce } from './process.js'
import { type Claim, type Column, claimTable, machine, outcomeTable } from './report.js'
import { compileGo, installed, peer, pythonForAsyncio, pythonWith, variant } from './tools.js'

export interface Bench {
  readonly name: string
  readonly question: string
  /** What it takes besides flags, as the usage shows it; most take nothing. */
  readonly words?: string
  run(options: Options): Promise<void>
}

export interface Micro {
  readonly name: string
  readonly question: string
  /** What exactly is counted, for the reader of the table. */
  readonly note: string
  readonly columns: readonly Column[]
  readonly variants: (options: Options) => readonly Variant[]
  readonly claims: (outcomes: readonly Outcome[]) => readonly Claim[]
  readonly rounds?: number
  /** Words given to the variant, one process each; what they print is put together. */
  readonly parts?: readonly string[]
  /** It is about several threads, which need a core each. */
  readonly everyCore?: boolean
}

/** The variant that the ratios refer to: guest mode, which is what `run` gives. */
export const ours = 'drupe'

const patience = 300_000

export function microBench(micro: Micro): Bench {
  return {
    name: micro.name,
    question: micro.question,
    async run(options) {
      const rounds = options.rounds ?? (options.quick ? 3 : (micro.rounds ?? 7))
      const variants = chosen(micro.variants(options), options, ours)
      // Core 0, as the echo servers: a process that wanders between cores measures its wandering too.
      const core = options.pin && !micro.everyCore ? 0 : undefined
      const once = async (v: Variant): Promise<Sample> => {
        if (!micro.parts) return measureOnce(v, core, patience)
        const sample: Record<string, number> = {}
        for (const part of micro.parts)
          Object.assign(sample, await measureOnce({ ...v, command: [...v.command, part] }, core, patience))
        return sample
      }
      const journal = openJournal(options, micro.name)
      const outcomes = await takeTurns(variants, rounds, once, journal)
      console.log(`### ${micro.name}: ${micro.question}\n`)
      console.log(`${machine()} · medians of ${rounds} rounds\n`)
      console.log(`${micro.note}\n`)
      console.log(`${outcomeTable(outcomes, micro.columns, ours)}\n`)
      const claims = claimTable(micro.claims(outcomes))
      if (claims !== '') console.log(`${claims}\n`)
    },
  }
}

/** A Node process running one file of variants/. `needs` is an npm package it imports. */
export function node(
  name: string,
  file: string,
  args: readonly string[] = [],
  needs?: string,
  flags: readonly string[] = [],
): Variant {
  return {
    name,
    command: [process.execPath, '--expose-gc', '--max-old-space-size=8192', ...flags, variant(file), ...args],
    skip: needs === undefined ? undefined : installed(needs),
  }
}

/** One question put to the Go program; a single P, as the others have a single thread. */
export function go(question: string, ...args: string[]): Variant {
  return withTool('go (1 P)', compileGo('micro.go'), (path) => [path, question, ...args], { GOMAXPROCS: '1' })
}

/** The same question to Python's loops. */
export function pythons(question: string, ...args: string[]): Variant[] {
  const script = peer('micro.py')
  const curio = peer('micro_curio.py')
  return [
    withTool('uvloop', pythonWith('uvloop'), (path) => [path, script, 'uvloop', question, ...args]),
    withTool('asyncio', pythonForAsyncio(), (path) => [path, script, 'asyncio', question, ...args]),
    withTool('curio', pythonWith('curio'), (path) => [path, curio, question, ...args]),
  ]
}
