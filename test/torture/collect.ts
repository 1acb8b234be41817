/**
 * The same traffic while the collector runs every two milliseconds, and all memory that a write is done with is poisoned:
 * whoever reads or writes memory that is no longer its own sends or delivers wrong bytes.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Operation, sleep } from 'drupe'
import { traffic } from './integrity.js'
import { Dice, type Figures } from './kit.js'

const POISON = 0xdb
const EVERY_MS = 2

export async function torture(seconds: number, seed: number): Promise<Figures> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const dice = new Dice(seed)
  let collections = 0
  const memory = {
    fresh: (bytes: Uint8Array) => new Uint8Array(bytes),
    after: (bytes: Uint8Array) => void bytes.fill(POISON),
  }
  function* collector(): Operation<never> {
    for (;;) {
      yield* sleep(EVERY_MS)
      collect()
      collections++
      // Whatever was freed is used again at once.
      for (let i = 0; i < 8; i++) new Uint8Array(dice.size(300_000)).fill(POISON)
    }
  }
  const figures = await traffic(seconds, seed, memory, collector)
  return { ...figures, collections }
}
