/**
 * The host's own switch: `await` of nothing, among a hundred async functions and between two.
 */
import { now, perItem, print } from './measure.js'

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await undefined
}

async function among(tasks: number, n: number): Promise<number> {
  const begin = now()
  const all: Promise<void>[] = []
  for (let i = 0; i < tasks; i++) all.push(turns(n / tasks))
  await Promise.all(all)
  return now() - begin
}

print({
  ns: await perItem(1_000_000, (n) => among(100, n)),
  nsPair: await perItem(300_000, (n) => among(2, n)),
})
