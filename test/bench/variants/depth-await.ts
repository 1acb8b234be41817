/**
 * `await` of async functions fifty deep, then a switch; fresh frames, and frames that stay.
 */
import { now, perItem, print } from './measure.js'

async function deep(level: number, switches: number): Promise<number> {
  if (level > 0) return (await deep(level - 1, switches)) + 1
  for (let i = 0; i < switches; i++) await undefined
  return 0
}

async function fresh(n: number): Promise<number> {
  const begin = now()
  for (let i = 0; i < n; i++) await deep(50, 1)
  return now() - begin
}

async function held(n: number): Promise<number> {
  const begin = now()
  await deep(50, n)
  return now() - begin
}

print({ ns: await perItem(100_000, fresh), nsHeld: await perItem(1_000_000, held) })
