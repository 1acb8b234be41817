/**
 * Choices: what a scenario leaves to chance, drawn so that it can be drawn again and made smaller.
 *
 * Each choice is a whole number from 0 on, and 0 is the simplest. What was drawn is kept as a list;
 * a shorter list, or smaller numbers in it, is a simpler run of the same scenario. So shrinking
 * needs to know nothing about the scenario.
 *
 * @see https://hypothesis.works/articles/compositional-shrinking/
 */
import { checkCount, checkList, checkShare } from '../protocol/operands.js'
import { seededRandom } from '../random.js'

/**
 * What a scenario leaves to chance; `explore` makes it.
 *
 * @example
 * import { explore } from 'drupe/testing'
 *
 * const { seeds } = explore((choices) => {
 *   const workers = choices.integer(1, 4)
 *   const order = choices.shuffled(['a', 'b', 'c'])
 *   if (workers < 1 || order.length !== 3) throw new Error('that cannot be')
 * }, { seeds: 100 })
 * console.log(seeds) // => 100
 */
export class Choices {
  /** @internal What was drawn so far. */
  readonly drawn: number[] = []
  private readonly random: () => number

  /** @internal */
  constructor(
    /** For `virtual({ seed })`, `new SimNetwork({ seed })` and the like. */
    readonly seed: number,
    private readonly given: readonly number[] | null,
  ) {
    this.random = seededRandom(seed)
  }

  /**
   * Chooses a whole number from `least` to `most`; `least` is the simplest.
   *
   * @param least The least number.
   * @param most The greatest number.
   * @throws RangeError if there is none.
   */
  integer(least: number, most: number): number {
    checkCount('choose a number', 'least', least, Number.MIN_SAFE_INTEGER)
    checkCount('choose a number', 'most', most, least)
    return least + this.draw(most - least)
  }

  /**
   * Chooses one of these; the first is the simplest.
   *
   * @param list At least one item.
   * @throws RangeError if the list is empty.
   */
  pick<T>(list: readonly T[]): T {
    checkList('choose', 'list', list)
    if (list.length === 0) throw new RangeError('Cannot choose: list must have at least one item')
    return list[this.draw(list.length - 1)] as T
  }

  /**
   * Chooses true with this probability; false is the simplest.
   *
   * @param probability From 0 to 1.
   */
  chance(probability: number): boolean {
    // Drawn as one of a thousand, so that the most probable outcomes are not lost when it is made
    // smaller.
    checkShare('choose', 'probability', probability)
    return this.draw(999) >= 1000 - Math.round(probability * 1000)
  }

  /**
   * Chooses an order of these; their own is the simplest.
   *
   * @param list The items.
   */
  shuffled<T>(list: readonly T[]): T[] {
    const rest = [...checkList('choose', 'list', list)]
    return list.map(() => rest.splice(this.draw(rest.length - 1), 1)[0] as T)
  }

  private draw(most: number): number {
    const number = this.drawn.length
    const value = this.given === null ? Math.floor(this.random() * (most + 1)) : Math.min(this.given[number] ?? 0, most)
    this.drawn.push(value)
    return value
  }
}
