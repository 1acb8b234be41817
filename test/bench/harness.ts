/**
 * Variants, rounds, medians.
 *
 * One idea: numbers of different minutes must not be compared, so all variants of a question take turns, one fresh
 * process each per round, and every second round goes backwards: what drifts (heat, neighbours, caches) hits all of
 * them alike. What comes out is the median over the rounds; what cannot run keeps its place and says why.
 */
import type { Journal } from './journal.js'
import type { Options } from './options.js'
import type { Tool } from './tools.js'

/** What one process reports: a flat record of numbers. */
export type Sample = Readonly<Record<string, number>>

export interface Variant {
  readonly name: string
  readonly command: readonly string[]
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Why it cannot run here. */
  readonly skip?: string | undefined
}

export interface Outcome {
  readonly name: string
  readonly samples: Sample[]
  skip: string | undefined
}

/** A variant made from a tool, which may be missing. */
export function withTool(
  name: string,
  tool: Tool,
  args: (path: string) => readonly string[],
  env?: Record<string, string>,
): Variant {
  return 'path' in tool ? { name, command: args(tool.path), env } : { name, command: [], skip: tool.skip }
}

/**
 * `--only a,b`: parts of names, without regard to case; a single letter means a whole word, or `c` would choose half of
 * them. The base of the ratios always stays.
 */
export function chosen<V extends { readonly name: string }>(
  variants: readonly V[],
  options: Options,
  base: string,
): V[] {
  if (options.only.length === 0) return [...variants]
  const parts = options.only.map((part) => part.toLowerCase())
  const fits = (name: string): boolean =>
    parts.some((part) => (part.length > 1 ? name.includes(part) : name.split(/\W+/).includes(part)))
  return variants.filter((v) => v.name === base || fits(v.name.toLowerCase()))
}

/**
 * Measures every variant once per round, in turns. A variant that fails is dropped, with its error as the reason. What the
 * journal has already is taken from it.
 */
export async function takeTurns<V extends Variant>(
  variants: readonly V[],
  rounds: number,
  measure: (variant: V) => Promise<Sample>,
  journal?: Journal,
): Promise<Outcome[]> {
  const outcomes = variants.map((v): Outcome => ({ name: v.name, samples: [], skip: v.skip }))
  for (let round = 0; round < rounds; round++) {
    const order = variants.map((_, i) => (round % 2 === 0 ? i : variants.length - 1 - i))
    for (const i of order) {
      const variant = variants[i]
      const outcome = outcomes[i]
      if (!variant || !outcome || outcome.skip !== undefined) continue
      const known = journal?.find(variant.name, round)
      if (known !== undefined) {
        outcome.samples.push(known)
        continue
      }
      progress(`round ${round + 1}/${rounds}: ${variant.name}`)
      try {
        const sample = await measure(variant)
        outcome.samples.push(sample)
        journal?.add(variant.name, round, sample)
      } catch (error) {
        outcome.skip = `failed: ${error instanceof Error ? error.message : String(error)}`
        outcome.samples.length = 0
      }
    }
  }
  progress('')
  return outcomes
}

/** The middle one; the mean of the middle two. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** The median of one number of one variant, or undefined when it has none. */
export function value(outcomes: readonly Outcome[], name: string, key: string): number | undefined {
  const samples = outcomes.find((o) => o.name === name)?.samples ?? []
  const values = samples.map((s) => s[key]).filter((v): v is number => v !== undefined)
  return values.length === 0 ? undefined : median(values)
}

/** a / b of two medians, undefined if either is missing. */
export function ratio(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b
}

/** a − b of two medians, undefined if either is missing. */
export function difference(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a - b
}

/** A line that overwrites itself on a terminal; the table alone goes to a file. */
export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}
