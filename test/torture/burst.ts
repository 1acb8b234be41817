/**
 * A thousand signals in a burst, again and again, beside tasks that wait, read and run programs: each kind that came is
 * taken, none is left, and no other wait is disturbed.
 *
 * In a blocking run no signal arrives, but each interrupts the system call that the thread is in.
 */
import {
  type CatchableSignal,
  clock,
  exec,
  moveOn,
  nursery,
  type Operation,
  signals,
  sleep,
  spawn,
  subscribe,
} from 'drupe'
import { complain, Dice, drive, type Figures } from './kit.js'

const KINDS: readonly CatchableSignal[] = ['SIGUSR2', 'SIGHUP', 'SIGWINCH', 'SIGCONT']
const BURST = 1000
const HANG_MS = 60_000

export async function torture(seconds: number, seed: number): Promise<Figures> {
  const figures = { signals: 0, taken: 0, programs: 0, fell: 0 }
  const blocking = process.env['TORTURE_MODE'] === 'blocking'
  const dice = new Dice(seed)
  const loop = (kinds: readonly string[]): string => {
    const kills = kinds.map((kind) => `kill -${kind.slice(3)} ${process.pid}`).join('; ')
    return `i=0; while [ $i -lt ${BURST / kinds.length} ]; do ${kills}; i=$((i+1)); done`
  }

  /** Sends them all; the last of each kind comes when the others have been. */
  function* burst(): Operation<void> {
    yield* exec('sh', ['-c', loop(KINDS)])
    figures.signals += BURST
  }

  function* taking(): Operation<void> {
    yield* nursery(function* (n) {
      const cursor = yield* subscribe(signals(...KINDS))
      const seen = new Set<string>()
      const sending = yield* n.spawn(burst())
      // Taken while they come, also by reads that are called off.
      while (!sending.ended) {
        const got = yield* moveOn(dice.random() * 2, cursor.next())
        if (got !== undefined) figures.taken++
        if (got !== undefined) seen.add(String(got.value))
      }
      while (seen.size < KINDS.length) seen.add(String((yield* cursor.next()).value))
      for (const kind of KINDS) process.kill(process.pid, kind)
      seen.clear()
      while (seen.size < KINDS.length) seen.add(String((yield* cursor.next()).value))
    })
  }

  /** What goes on beside them. */
  function* others(): Operation<void> {
    for (;;) {
      const { stdout } = yield* exec('cat', [], { input: new Uint8Array(100_000).fill(7) })
      if (stdout.length !== 100_000) figures.fell += complain('bytes were lost')
      figures.programs++
      yield* sleep(1)
    }
  }

  // What is not listened for would end the process.
  const ignore = (): void => {}
  for (const kind of KINDS) process.on(kind, ignore)
  const left = await drive(function* () {
    const end = (yield* clock()) + seconds * 1000
    yield* nursery(function* () {
      yield* spawn(others(), { daemon: true })
      while ((yield* clock()) < end) {
        const round = blocking ? burst() : taking()
        if ((yield* moveOn<void, string>(HANG_MS, round, 'late')) === 'late') figures.fell += complain('a burst hung')
      }
    })
  })
  for (const kind of KINDS) process.off(kind, ignore)
  figures.fell += left
  return figures
}
