/**
 * Samples that outlive the run that made them: `--resume FILE`.
 *
 * One idea: long runs get killed. Every sample is appended to the file the moment it exists, one JSON line each, and a
 * run that is given the same file takes from it what it finds. A question (a bench, a cell of its matrix, how long it
 * measures) is a word in each line, so one file serves a whole evening of benches.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import type { Sample } from './harness.js'
import type { Options } from './options.js'

export interface Journal {
  find(variant: string, round: number): Sample | undefined
  add(variant: string, round: number, sample: Sample): void
}

interface Line {
  readonly question: string
  readonly variant: string
  readonly round: number
  readonly sample: Sample
}

/** The samples of one question; undefined if nothing is to be kept. Quick runs are questions of their own. */
export function openJournal(options: Options, what: string): Journal | undefined {
  const file = options.resume
  if (file === undefined) return undefined
  const question = options.quick ? `${what}, quick` : what
  const known = new Map<string, Sample>()
  const keyOf = (variant: string, round: number): string => `${round} ${variant}`
  for (const text of existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []) {
    const line = parse(text)
    if (line?.question === question) known.set(keyOf(line.variant, line.round), line.sample)
  }
  return {
    find: (variant, round) => known.get(keyOf(variant, round)),
    add: (variant, round, sample) =>
      appendFileSync(file, `${JSON.stringify({ question, variant, round, sample } satisfies Line)}\n`),
  }
}

/** A run that was killed while it wrote leaves half a line: that sample is measured again. */
function parse(text: string): Line | undefined {
  try {
    return JSON.parse(text) as Line
  } catch {
    return undefined
  }
}
