/**
 * The same in piscina, which has no cancel that is heard: it ends the thread.
 */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { now, perItem, print } from './measure.js'
import { ALONE, isJob, JOBS } from './threads-jobs.js'

/** What is used of it; its own types need not be there. */
interface Piscina {
  run(argument: unknown, options: { name: string }): Promise<unknown>
  destroy(): Promise<void>
}
type PiscinaClass = new (options: { filename: string; minThreads: number; maxThreads: number }) => Piscina

const { Piscina } = createRequire(import.meta.url)('piscina') as { readonly Piscina: PiscinaClass }
const filename = fileURLToPath(new URL('./threads-work.js', import.meta.url))
const pool = new Piscina({ filename, minThreads: 2, maxThreads: 2 })
const [part = ''] = process.argv.slice(2)

async function atOnce(name: string, argument: number, calls: number): Promise<number> {
  const begin = now()
  await Promise.all(Array.from({ length: calls }, () => pool.run(argument, { name })))
  return now() - begin
}

async function alone(calls: number): Promise<number> {
  const begin = now()
  for (let i = 0; i < calls; i++) await pool.run(i, { name: 'nothing' })
  return now() - begin
}

if (isJob(part)) {
  const { name, argument, calls } = JOBS[part]
  print({ [part]: (await perItem(calls, (n) => atOnce(name, argument, n))) / 1000 })
} else if (part === 'alone') {
  print({ alone: (await perItem(ALONE, alone)) / 1000 })
} else {
  print({})
}
await pool.destroy()
