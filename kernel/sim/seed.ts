/**
 * Where seeds come from, and how a failure says which one it was.
 *
 * The environment is read where there is one; a browser has none. An error that leaves a seeded run
 * gets a note, which every test runner prints, so that the run can be repeated. It stays the same
 * object, and `catch` by type works.
 */

const HOW = Symbol('how to run it again')

/**
 * The seed that `DRUPE_SEED` asks for: a number, or `random` for a new one each time. Undefined
 * without it.
 */
export function seedFromEnvironment(): number | undefined {
  const host = globalThis as { process?: { env?: Record<string, string | undefined> } }
  const text = host.process?.env?.DRUPE_SEED
  if (text === undefined || text === '') return undefined
  if (text === 'random') return Math.floor(Math.random() * 0x7fffffff)
  const seed = Number(text)
  if (!Number.isSafeInteger(seed))
    throw new RangeError(`Cannot use DRUPE_SEED="${text}": an integer or "random" is needed`)
  return seed
}

/** Runs something, and notes the seed on whatever it throws. */
export function noting<T>(seed: number | undefined, run: () => T): T {
  if (seed === undefined) return run()
  try {
    return run()
  } catch (error) {
    note(error, `DRUPE_SEED=${seed}`)
    throw error
  }
}

/** The note on an error; undefined if it has none. */
export function noteOf(error: unknown): string | undefined {
  return (error as { [HOW]?: string } | null)?.[HOW]
}

function note(error: unknown, how: string): void {
  const holder = typeof error === 'object' && error !== null && Object.isExtensible(error)
  if (!holder) console.error(`drupe: failed with ${how}`)
  else if (!(HOW in error)) Object.defineProperty(error, HOW, { value: how, enumerable: true })
}
