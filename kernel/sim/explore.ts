/**
 * The explorer: runs a scenario with many seeds, and makes the first failure small.
 *
 * Seeds are tried in ascending order, so the first that fails is the smallest. Then its choices are
 * made fewer and smaller as long as the scenario keeps failing in the same way.
 */

import { checkCount, checkFunction, checkOptions } from '../protocol/operands.js'
import { Choices } from './choices.js'
import { seedFromEnvironment } from './seed.js'

/** What to run: fails by throwing. */
export type Scenario = (choices: Choices) => void

/** How to explore. */
export interface ExploreOptions {
  /** How many seeds. Default 1000. */
  readonly seeds?: number
  /** The first one. Default 1. */
  readonly from?: number
  /** How many runs it may take to make a failure small. Default 2000. */
  readonly shrinks?: number
  /** Runs this one case and nothing else: what an ExplorationError says. */
  readonly only?: { readonly seed: number; readonly choices?: readonly number[] }
}

/** What was explored without a failure. */
export interface ExploreReport {
  /** How many seeds were tried. */
  readonly seeds: number
}

/**
 * A scenario fails with some seed. The `cause` is what it threw in its smallest form.
 *
 * @example
 * import { ExplorationError, explore } from 'drupe/testing'
 *
 * try {
 *   explore((choices) => {
 *     if (choices.integer(0, 9) > 5) throw new Error('too many')
 *   })
 * } catch (error) {
 *   if (error instanceof ExplorationError) console.log(error.choices) // => [ 6 ]
 * }
 */
export class ExplorationError extends Error {
  /** The smallest seed that fails, of those tried. */
  readonly seed: number
  /** The choices of its smallest form. */
  readonly choices: readonly number[]

  /** @internal */
  constructor(seed: number, choices: readonly number[], tried: number, cause: unknown) {
    const again = `explore(scenario, { only: { seed: ${seed}, choices: [${choices.join(', ')}] } })`
    super(
      `Cannot pass seed ${seed} (after ${tried} that passed): ${textOf(cause)}\nRun it again with DRUPE_SEED=${seed}, or in its smallest form: ${again}`,
      { cause },
    )
    this.seed = seed
    this.choices = choices
  }

  /** The name of the class. */
  override get name(): string {
    return 'ExplorationError'
  }
}

/**
 * Runs a scenario with many seeds. `DRUPE_SEED` restricts it to one.
 *
 * @param scenario What to run; it is given the choices.
 * @param options How often, and with which seeds.
 * @throws ExplorationError at the first seed that fails, with the smallest form that was found.
 * @throws TypeError if the scenario returns a promise: it must be over when it returns.
 * @example
 * import { moveOn, sleep } from 'drupe'
 * import { ExplorationError, explore, virtual } from 'drupe/testing'
 *
 * try {
 *   explore((choices) => {
 *     const ms = choices.integer(0, 100)
 *     const result = virtual({ seed: choices.seed }, () => moveOn(40, sleep(ms), 'too slow'))
 *     if (result !== undefined) throw new Error(`${ms} ms are ${result}`)
 *   })
 * } catch (error) {
 *   const { cause } = error as ExplorationError
 *   console.log((cause as Error).message) // => 40 ms are too slow
 * }
 */
export function explore(scenario: Scenario, options: ExploreOptions = {}): ExploreReport {
  checkFunction('explore', 'scenario', scenario)
  checkOptions('explore', 'options', options)
  const { from = 1, shrinks = 2000, only } = options
  checkCount('explore', 'seeds', options.seeds ?? 1000, 0)
  checkCount('explore', 'from', from, Number.MIN_SAFE_INTEGER)
  checkCount('explore', 'shrinks', shrinks, 0)
  if (only !== undefined) checkOptions('explore', 'only', only)
  const forced = seedFromEnvironment()
  const first = only?.seed ?? forced ?? from
  const seeds = only !== undefined || forced !== undefined ? 1 : (options.seeds ?? 1000)
  for (let seed = first; seed < first + seeds; seed++) {
    const failure = attempt(scenario, seed, only?.choices ?? null)
    if (failure === null) continue
    const smallest = only === undefined ? shrink(scenario, seed, failure, shrinks) : failure
    throw new ExplorationError(seed, smallest.choices, seed - first, smallest.error)
  }
  return { seeds }
}

interface Failure {
  readonly error: unknown
  readonly choices: readonly number[]
}

function attempt(scenario: Scenario, seed: number, given: readonly number[] | null): Failure | null {
  const choices = new Choices(seed, given)
  let result: unknown
  try {
    result = scenario(choices)
  } catch (error) {
    return { error, choices: choices.drawn }
  }
  if (typeof (result as PromiseLike<unknown> | undefined)?.then === 'function') {
    throw new TypeError('Cannot explore a scenario that returns a promise: run it with virtual() or network.run()')
  }
  return null
}

function shrink(scenario: Scenario, seed: number, first: Failure, budget: number): Failure {
  let best = first
  let left = budget
  const kind = kindOf(first.error)
  /** Is this simpler form a failure, too, and of the same kind? Then it is the best from now on. */
  const accept = (choices: readonly number[]): boolean => {
    if (left-- <= 0) return false
    const failure = attempt(scenario, seed, choices)
    if (failure === null || kindOf(failure.error) !== kind || !isSimpler(failure.choices, best.choices)) return false
    best = failure
    return true
  }
  for (let before: Failure | null = null; before !== best && left > 0; ) {
    before = best
    for (let size = best.choices.length; size >= 1; size = Math.floor(size / 2)) {
      for (let at = best.choices.length - size; at >= 0; at--) {
        accept([...best.choices.slice(0, at), ...best.choices.slice(at + size)])
      }
    }
    for (let at = 0; at < best.choices.length; at++) lower(at)
  }
  return best

  /** Finds the smallest number at this place, as if larger ones failed whenever smaller ones do. */
  function lower(at: number): void {
    let passes = -1
    while (left > 0) {
      const current = best.choices[at] ?? 0
      if (current - passes <= 1) return
      const tried = passes === -1 ? 0 : Math.floor((passes + current) / 2)
      if (!accept(best.choices.map((value, i) => (i === at ? tried : value)))) passes = tried
    }
  }
}

function isSimpler(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return a.length < b.length
  const at = a.findIndex((value, i) => value !== b[i])
  return at >= 0 && (a[at] as number) < (b[at] as number)
}

/** Failures of one kind: the smaller form must be of the same bug. */
function kindOf(error: unknown): string {
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown }
  return `${typeof error} ${String(name)} ${String(code)}`
}

function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
