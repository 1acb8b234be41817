/**
 * Threads that exit, throw and spin, processes that are killed and stopped at random moments, also while they start: each
 * call ends within its grace, with its result or an error of its kind, and nothing is left of whoever worked for it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import {
  BrokenError,
  clock,
  fork,
  moveOn,
  nursery,
  type Operation,
  processPool,
  scope,
  sleep,
  spawn,
  thread,
  threadPool,
  use,
  type WorkerPool,
} from 'drupe'
import { complain, Dice, drive, type Figures } from './kit.js'

const LANES = 3
const GRACE_MS = 50
const HANG_MS = 20_000
/** Whoever is stopped by somebody else would wait for ever. */
const PATIENCE_MS = 2000
const module = new URL('./remote-work.js', import.meta.url)

/** Those that end by themselves, in a thread and in a process. */
const ENDINGS: readonly (readonly [name: string, ...args: unknown[]])[] = [
  ['sum', 1, 2],
  ['same', new Uint8Array(300_000)],
  ['exits', 3],
  ['throwsOutside'],
]
const OF_PROCESSES: readonly (readonly [name: string, ...args: unknown[]])[] = [
  ['killsItself', 'SIGKILL'],
  ['killsItself', 'SIGSEGV'],
  ['leavesOne'],
]
/** Those that have to be ended. */
const ENDLESS: readonly (readonly [name: string, ...args: unknown[]])[] = [['waits'], ['cleansUp', 20], ['spins']]
const STOPPED = [['killsItself', 'SIGSTOP']] as const

/** Processes of this one's, by their state. */
function childrenOf(parent: number): Map<number, string> {
  const found = new Map<number, string>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'latin1')
      const [state, itsParent] = text.slice(text.lastIndexOf(')') + 2).split(' ')
      if (Number(itsParent) === parent) found.set(Number(name), state as string)
    } catch {
      // It has gone meanwhile.
    }
  }
  return found
}

export async function torture(seconds: number, seed: number): Promise<Figures> {
  const figures = { calls: 0, broken: 0, cancelled: 0, stopped: 0, killed: 0, fell: 0 }
  const blocking = process.env['TORTURE_MODE'] === 'blocking'

  function* one(dice: Dice, how: 'fork' | 'thread' | WorkerPool): Operation<void> {
    figures.calls++
    const inProcess = how === 'fork'
    const endless = dice.chance(0.5)
    const [name, ...args] = dice.pick(
      endless ? [...ENDLESS, ...(inProcess ? STOPPED : [])] : [...ENDINGS, ...(inProcess ? OF_PROCESSES : [])],
    )
    const call =
      how === 'fork'
        ? fork(module, name, ...args)
        : how === 'thread'
          ? thread(module, name, ...args)
          : how.run(name, ...args)
    const body = scope({ grace: GRACE_MS }, function* (own) {
      yield* spawn(
        function* () {
          yield* sleep(endless || dice.chance(0.3) ? dice.random() * dice.pick([5, 400]) : PATIENCE_MS)
          figures.cancelled++
          yield* own.cancel()
        },
        { daemon: true },
      )
      if (inProcess && dice.chance(0.4)) yield* spawn(strike(dice), { daemon: true })
      yield* call
    })
    try {
      if ((yield* moveOn<unknown, string>(HANG_MS, body, 'late')) === 'late') {
        figures.fell += complain(`${name} ${how === 'fork' ? 'in a process' : 'in a thread'} hung`)
      }
    } catch (error) {
      if (!(error instanceof BrokenError)) figures.fell += complain('an error of another kind', error)
      figures.broken++
    }
  }

  /** At any of them, in whatever it is. */
  function* strike(dice: Dice): Operation<void> {
    yield* sleep(dice.random() * 400)
    const pids = [...childrenOf(process.pid).keys()]
    if (pids.length === 0) return
    const stops = dice.chance(0.5)
    figures[stops ? 'stopped' : 'killed']++
    try {
      process.kill(dice.pick(pids), stops ? 'SIGSTOP' : 'SIGKILL')
    } catch {
      // It has gone by itself.
    }
  }

  const left = await drive(function* () {
    const end = (yield* clock()) + seconds * 1000
    const pool = blocking ? processPool : threadPool
    yield* use(pool({ module, size: 2, concurrency: 2 }), (workers) =>
      nursery(function* (n) {
        for (let lane = 0; lane < LANES; lane++) {
          yield* n.spawn(function* () {
            const dice = new Dice(seed * 1000 + lane)
            while ((yield* clock()) < end)
              yield* one(dice, lane === 0 ? workers : lane === 1 && !blocking ? 'thread' : 'fork')
          })
        }
      }),
    )
    for (const [pid, state] of childrenOf(process.pid)) figures.fell += complain(`${pid} is left, in state ${state}`)
  })
  figures.fell += left
  return figures
}
