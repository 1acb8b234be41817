/**
 * Seeds and the explorer: a failure says how to have it again, and in its smallest form.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { spawn } from 'drupe'
import { Choices, ExplorationError, explore, SimNetwork, virtual } from 'drupe/testing'
import { fail, thrown } from '../../kit.js'
import { PATIENCE_MS } from '../../patience.js'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))

/** What a program prints, with a seed in its environment. */
async function outputOf(program: string, seed: string): Promise<string> {
  const env = { ...process.env, DRUPE_SEED: seed }
  const args = ['--input-type=module', '--eval', program]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, env, timeout: PATIENCE_MS })
  return stdout.trim()
}

/** The order in which ten tasks run. */
const ORDER = `
import { spawn } from 'drupe'
import { SimNetwork, virtual } from 'drupe/testing'
const order = []
virtual({}, function* () {
  for (let i = 0; i < 10; i++) yield* spawn(function* () { order.push(i) })
})
console.log(order.join(''), new SimNetwork().seed)
`

function orderOf(seed: number): string {
  const order: number[] = []
  virtual({ seed }, function* () {
    for (let i = 0; i < 10; i++) {
      yield* spawn(function* () {
        order.push(i)
      })
    }
  })
  return order.join('')
}

test('DRUPE_SEED gives the seed where the program gives none', async (t) => {
  t.is(await outputOf(ORDER, '7'), `${orderOf(7)} 7`)
  t.is(await outputOf(ORDER, ''), '0123456789 0')
  t.notRegex(await outputOf(ORDER, 'random'), / 0$/)
  await t.throwsAsync(outputOf(ORDER, 'seven'), { message: /Cannot use DRUPE_SEED="seven"/ })
})

test('an error that leaves a seeded run says which seed it was, and is the same object', (t) => {
  const boom = new Error('boom')
  t.is(
    thrown(() => virtual({ seed: 42 }, () => fail(boom))),
    boom,
  )
  const note = Object.getOwnPropertySymbols(boom).map((key) => (boom as unknown as Record<symbol, unknown>)[key])
  t.deepEqual(note, ['DRUPE_SEED=42'])
  const other = thrown(() => new SimNetwork({ seed: 43 }).run({ a: () => fail(new Error('x')) })) as Error
  t.true(Object.getOwnPropertySymbols(other).length > 0)
})

test('choices are the same for the same seed, and within their limits', (t) => {
  const draw = (seed: number): unknown[] => {
    const choices = new Choices(seed, null)
    const number = choices.integer(-3, 3)
    t.true(number >= -3 && number <= 3)
    return [number, choices.pick(['a', 'b', 'c']), choices.chance(0.5), choices.shuffled([1, 2, 3, 4])]
  }
  t.deepEqual(draw(1), draw(1))
  const numbers = Array.from({ length: 100 }, (_, seed) => new Choices(seed, null).integer(0, 9))
  t.is(new Set(numbers).size, 10)
  const some = Array.from({ length: 1000 }, (_, seed) => new Choices(seed, null).chance(0.2)).filter(Boolean).length
  t.true(some > 120 && some < 280, `${some} of 1000`)
  t.throws(() => new Choices(1, null).integer(2, 1), { instanceOf: RangeError })
  t.throws(() => new Choices(1, null).pick([]), { instanceOf: RangeError })
})

test('the simplest choices are the first, the smallest and none', (t) => {
  const choices = new Choices(1, [])
  t.deepEqual(
    [choices.integer(5, 9), choices.pick(['a', 'b']), choices.chance(0.999), choices.shuffled([1, 2, 3])],
    [5, 'a', false, [1, 2, 3]],
  )
})

test('a scenario that holds is tried with all seeds', (t) => {
  const seeds: number[] = []
  t.deepEqual(
    explore((choices) => void seeds.push(choices.seed), { seeds: 5, from: 10 }),
    { seeds: 5 },
  )
  t.deepEqual(seeds, [10, 11, 12, 13, 14])
})

/** Fails if a list has an element above 100 and, somewhere after it, one below 10. */
function scenario(choices: Choices): void {
  const list = Array.from({ length: choices.integer(0, 30) }, () => choices.integer(0, 200))
  const high = list.findIndex((value) => value > 100)
  if (high >= 0 && list.slice(high).some((value) => value < 10)) throw new RangeError(JSON.stringify(list))
}

test('a failure is the first one, made as small as it gets', (t) => {
  const error = thrown(() => explore(scenario)) as ExplorationError
  t.true(error instanceof ExplorationError)
  t.is((error.cause as Error).message, '[101,0]')
  t.deepEqual(error.choices, [2, 101, 0])
  t.regex(error.message, new RegExp(`DRUPE_SEED=${error.seed}`))
  for (let seed = 1; seed < error.seed; seed++) t.notThrows(() => scenario(new Choices(seed, null)))
})

test('a failure can be run again in its smallest form, alone', (t) => {
  const { seed, choices } = thrown(() => explore(scenario)) as ExplorationError
  const again = thrown(() => explore(scenario, { only: { seed, choices } })) as ExplorationError
  t.is((again.cause as Error).message, '[101,0]')
  t.deepEqual(explore(scenario, { only: { seed, choices: [] } }), { seeds: 1 })
})

test('a smaller form that fails in another way is not the one that was looked for', (t) => {
  const error = thrown(() =>
    explore(
      (choices) => {
        const n = choices.integer(0, 100)
        if (n > 50) throw new RangeError('large')
        if (n > 20) throw new TypeError('medium')
      },
      { from: 5, seeds: 100 },
    ),
  ) as ExplorationError
  t.deepEqual(error.choices, (error.cause as Error).name === 'RangeError' ? [51] : [21])
})

test('a race is found, and its seed fails every time', (t) => {
  const race = (choices: Choices): void => {
    let balance = 0
    virtual({ seed: choices.seed }, function* () {
      for (const amount of [1, -1]) {
        yield* spawn(function* () {
          if (balance + amount < 0) throw new Error('overdrawn')
          balance += amount
        })
      }
    })
  }
  const error = thrown(() => explore(race)) as ExplorationError
  t.is((error.cause as Error).message, 'overdrawn')
  for (let i = 0; i < 3; i++) t.throws(() => explore(race, { only: { seed: error.seed } }))
})

test('a scenario that is not over when it returns is refused', (t) => {
  t.throws(() => explore((async () => {}) as never), { instanceOf: TypeError })
})
