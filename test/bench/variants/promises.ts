/**
 * The host's own promises in the small benches: `node promises.js switch …`. They have no tasks, no names and no cancellation:
 * they are the floor, not a competitor.
 */
import { asked, cpuSeconds, memory, now, perItem, print, size } from './measure.js'
import { answerQuestion } from './questions.js'

/**
 * The host's own switch: `await` of nothing, among a hundred async functions and between two.
 */
async function switchTasks(): Promise<void> {
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
}

/**
 * The nearest thing the host has: calling an async function and awaiting it. No task, no name, no cancellation;
 * it is the floor, not a competitor.
 */
async function spawnTasks(): Promise<void> {
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
}

/**
 * Two async functions that wake one another: each waits on a fresh promise, as the host has no reusable one.
 */
async function handover(): Promise<void> {
  async function pingPong(n: number): Promise<number> {
    let ping: () => void = () => {}
    let pong: () => void = () => {}
    const begin = now()
    await Promise.all([
      (async () => {
        for (let i = 0; i < n; i += 2) {
          await new Promise<void>((resolve) => {
            ping = resolve
          })
          pong()
        }
      })(),
      (async () => {
        for (let i = 0; i < n; i += 2) {
          const answered = new Promise<void>((resolve) => {
            pong = resolve
          })
          ping()
          await answered
        }
      })(),
    ])
    return now() - begin
  }

  print({ ns: await perItem(500_000, pingPong) })
}

/**
 * `await` of async functions fifty deep, then a switch; fresh frames, and frames that stay.
 */
async function depth(): Promise<void> {
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
}

/**
 * The host's timeout around a promise, which never expires: setTimeout, Promise.race, clearTimeout. With `bare`, only
 * setTimeout and clearTimeout, without anything that it would guard: the floor.
 */
async function timers(): Promise<void> {
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
}

/**
 * Sleeping with the host: `promise`, a bare promise around setTimeout; `async`, an async function that awaits one,
 * which is what a task of ours stands for.
 */
async function sleepers(): Promise<void> {
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
}

await answerQuestion({ switch: switchTasks, spawn: spawnTasks, handover, depth, timers, sleepers })
