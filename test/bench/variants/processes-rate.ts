/** What the variants of the bench of processes have in common: how many, how fast, and what is left of them. */
import { openDescriptors } from '../../open-descriptors.js'
import { zombies } from '../../zombies.js'
import { print, size } from './measure.js'

export const AT_A_TIME = 64
const part = process.argv.at(-1) as string
const count = size(2000)

/** Runs so many, so many at a time; a tenth of them first. */
export async function measure(many: (count: number, atATime: number) => Promise<unknown>): Promise<void> {
  const atATime = part === 'together' ? AT_A_TIME : 1
  await many(count / 10, atATime)
  const before = openDescriptors()
  const begin = performance.now()
  await many(count, atATime)
  const seconds = (performance.now() - begin) / 1000
  print({ [part]: count / seconds, zombies: zombies(), descriptors: openDescriptors() - before })
}
