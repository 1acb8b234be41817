/**
 * The host's timeout around a promise, which never expires: setTimeout, Promise.race, clearTimeout. With `bare`, only
 * setTimeout and clearTimeout, without anything that it would guard: the floor.
 */
import { asked, now, perItem, print, size } from './measure.js'

async function timeout<T>(ms: number, op: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('too late')), ms)
  })
  try {
    return await Promise.race([op, late])
  } finally {
    clearTimeout(timer)
  }
}

async function each(n: number): Promise<number> {
  const begin = now()
  for (let i = 0; i < n; i++) await timeout(60_000, Promise.resolve())
  return now() - begin
}

async function open(count: number): Promise<number> {
  const begin = now()
  const wakes: (() => void)[] = []
  const all: Promise<void>[] = []
  for (let i = 0; i < count; i++) all.push(timeout(60_000, new Promise<void>((resolve) => wakes.push(resolve))))
  for (const wake of wakes) wake()
  await Promise.all(all)
  return (now() - begin) / 1e9
}

const expired = (): void => {}

function bareEach(n: number): number {
  const begin = now()
  for (let i = 0; i < n; i++) clearTimeout(setTimeout(expired, 60_000))
  return now() - begin
}

function bareOpen(count: number): number {
  const begin = now()
  const timers: NodeJS.Timeout[] = []
  for (let i = 0; i < count; i++) timers.push(setTimeout(expired, 60_000))
  for (const timer of timers) clearTimeout(timer)
  return (now() - begin) / 1e9
}

const bare = asked('bare')
if (asked('open')) print({ seconds: await (bare ? bareOpen : open)(size(1_000_000)) })
else if (asked('each')) print({ ns: await perItem(size(1_000_000), bare ? bareEach : each, 3) })
else print({})
