/**
 * The nearest thing the host has: calling an async function and awaiting it. No task, no name, no cancellation;
 * it is the floor, not a competitor.
 */
import { now, perItem, print } from './measure.js'

async function child(): Promise<void> {}

async function oneByOne(n: number): Promise<number> {
  const begin = now()
  for (let i = 0; i < n; i++) await child()
  return now() - begin
}

async function hundreds(n: number): Promise<number> {
  const begin = now()
  const all: Promise<void>[] = []
  for (let i = 0; i < n; i += 100) {
    for (let j = 0; j < 100; j++) all.push(child())
    for (const promise of all) await promise
    all.length = 0
  }
  return now() - begin
}

print({ ns: await perItem(200_000, hundreds), nsSingle: await perItem(200_000, oneByOne) })
