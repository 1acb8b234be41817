/**
 * The same traffic while the collector runs every two milliseconds, and all memory that a write is done with is poisoned:
 * whoever reads or writes memory that is no longer its own sends or delivers wrong bytes. Beside it buffers are stolen (thief.ts).
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { nursery, type Operation, sleep } from 'drupe'
import { traffic } from './integrity.js'
import { Dice, type Figures } from './kit.js'
import { thieves } from './thief.js'

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
  const loot = { stolen: 0, fell: 0 }
  const figures = await traffic(seconds, seed, memory, () =>
    nursery(function* (n) {
      yield* n.spawn(collector)
      yield* n.spawn(thieves(new Dice(seed + 1), loot))
    }),
  )
  return { ...figures, collections, stolen: loot.stolen, fell: (figures['fell'] ?? 0) + loot.fell }
}
