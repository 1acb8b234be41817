/**
 * Sleeping with the host: `promise`, a bare promise around setTimeout; `async`, an async function that awaits one,
 * which is what a task of ours stands for.
 */
import { asked, cpuSeconds, memory, now, print, size } from './measure.js'

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function sleeper(ms: number): Promise<void> {
  await wait(ms)
}

const count = size(1_000_000)
const one = asked('async') ? sleeper : wait
const all: Promise<void>[] = []

if (!asked('bytes')) {
  const begin = now()
  const used = cpuSeconds()
  for (let i = 0; i < count; i++) all.push(one(1000))
  await Promise.all(all)
  print({ seconds: (now() - begin) / 1e9, cpu: cpuSeconds() - used })
} else {
  const before = memory()
  for (let i = 0; i < count; i++) all.push(one(3_600_000))
  await undefined
  const after = memory()
  print({ bytes: (after.held - before.held) / count, rss: (after.rss - before.rss) / count })
  process.exit(all.length === count ? 0 : 1)
}
