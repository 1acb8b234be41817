/**
 * Programs that are killed, stopped, cancelled and left at random moments: none outlives its scope, whatever it does, and
 * what went through its pipes is what came out.
 *
 * A program first writes the numbers of all its processes. So it is known who has to be gone, and each is looked for.
 */
import {
  Cancelled,
  clock,
  exec,
  moveOn,
  nursery,
  type Operation,
  type Process,
  ProcessError,
  type Scope,
  scope,
  sleep,
  startProcess,
  TimeoutError,
  TooLargeError,
  use,
} from 'drupe'
import { runs } from '../modes/processes.js'
import { complain, Dice, drive, type Figures, Sequence } from './kit.js'

const LANES = 6
const GRACE_MS = 80
/** Nothing takes longer, unless it hangs. */
const HANG_MS = 30_000
const LARGEST_INPUT = 400_000
const EXPECTED = /^(EPIPE|DRUPE_CLOSED|DRUPE_BROKEN|DRUPE_TIMEOUT)$/

/** Each says how many numbers it writes. */
const PROGRAMS: Readonly<Record<string, readonly [pids: number, script: string]>> = {
  sleeps: [1, 'echo $$; exec sleep 1000'],
  'ignores SIGTERM': [2, 'trap "" TERM; sleep 1000 & echo $!; echo $$; wait; wait'],
  'stops itself': [1, 'echo $$; kill -STOP $$; exec sleep 1000'],
  'stops itself, and ignores SIGTERM': [1, 'trap "" TERM; echo $$; while :; do kill -STOP $$; done'],
  'a tree': [4, 'sleep 1000 & echo $!; (sleep 1000 & echo $!; sh -c "echo \\$\\$; sleep 1000; :") & echo $$; wait'],
  'fills both outputs': [2, 'yes >&2 & echo $!; echo $$; exec yes'],
  'closes its input': [1, 'exec <&-; echo $$; exec sleep 1000'],
  'closes its outputs, and lives on': [1, 'echo $$; exec >&- 2>&-; exec sleep 1000'],
  ends: [1, 'echo $$; exit 3'],
  'ends, and leaves one behind': [2, 'sleep 1000 & echo $!; echo $$'],
}

export async function torture(seconds: number, seed: number): Promise<Figures> {
  const figures = { programs: 0, killed: 0, stopped: 0, cancelled: 0, mebibytes: 0, fell: 0 }
  let bytes = 0

  function judge(error: unknown): void {
    const code = (error as { code?: string } | null)?.code ?? String(error)
    if (!EXPECTED.test(code)) figures.fell += complain('an error of another kind', error)
  }

  /** Something that goes on while the program lives. */
  function* occupy(child: Process, dice: Dice): Operation<void> {
    const way = dice.below(4)
    if (way === 0) yield* child.wait()
    else if (way === 1) while ((yield* child.stdout.read()) !== null);
    else if (way === 2) for (;;) yield* child.stdin.write(new Uint8Array(50_000))
    else yield* sleep(1000)
  }

  function* strike(child: Process, dice: Dice, pids: readonly number[], outer: Scope): Operation<void> {
    const kind = dice.below(7)
    if (kind <= 1) {
      figures.killed++
      send(kind === 0 ? child.pid : dice.pick(pids), 'SIGKILL')
      // Its group lives on; it is awaited all the same.
      if (kind === 0) {
        const { code, signal } = yield* child.wait()
        if (code === null && signal !== 'SIGKILL') figures.fell += complain(`it was killed, and ended by ${signal}`)
      }
    } else if (kind <= 3) {
      figures.stopped++
      send(kind === 2 ? -child.pid : dice.pick(pids), 'SIGSTOP')
    }
    if (kind % 2 === 0) {
      figures.cancelled++
      yield* outer.cancel('torture')
      yield* sleep(1000)
    }
  }

  function* one(dice: Dice): Operation<void> {
    const name = dice.pick(Object.keys(PROGRAMS))
    const [count, script] = PROGRAMS[name] as readonly [number, string]
    const pids: number[] = []
    const body = (outer: Scope): Operation<void> =>
      use(startProcess('sh', ['-c', script], { grace: GRACE_MS }), function* (child) {
        pids.push(child.pid)
        for (let i = 0; i < count; i++) pids.push(Number(yield* child.stdout.readLine()))
        yield* nursery(function* (n) {
          yield* n.spawn(() => leniently(occupy(child, dice)), { daemon: true })
          yield* sleep(dice.random() * 10)
          yield* strike(child, dice, pids, outer)
        })
      })
    figures.programs++
    yield* within(name, leniently(scope({ grace: dice.pick([GRACE_MS, 1000]) }, body)))
    const left = pids.filter(runs)
    if (left.length > 0) figures.fell += complain(`${name}: ${left.length} of ${pids.length} still run`)
  }

  function* leniently(op: Operation<unknown>): Operation<void> {
    try {
      yield* op
    } catch (error) {
      if (error instanceof Cancelled) throw error
      judge(error)
    }
  }

  function* within<T>(name: string, op: Operation<T>): Operation<T | undefined> {
    const late = Symbol('late')
    const result = yield* moveOn<T, symbol>(HANG_MS, op, late)
    if (result !== late) return result as T
    figures.fell += complain(`${name}: it hung`)
    return undefined
  }

  /** Full pipes both ways; a program that reads a part; one that writes too much, or too long. */
  function* asFunction(dice: Dice): Operation<void> {
    figures.programs++
    const input = new Sequence(dice.below(1_000_000)).at(0, dice.size(LARGEST_INPUT)).slice()
    const kind = dice.below(5)
    if (kind === 0) {
      const options = { input, maxBytes: LARGEST_INPUT }
      const result = yield* within('cat', exec('sh', ['-c', 'tee /dev/stderr'], options))
      for (const got of [result?.stdout, result?.stderr]) {
        if (got !== undefined && Buffer.compare(got, input) !== 0) figures.fell += complain('bytes were lost in cat')
        bytes += got?.length ?? 0
      }
    } else if (kind === 1) {
      const { stdout } = (yield* within('head', exec('head', ['-c', '1'], { input }))) ?? {}
      if (stdout?.length !== 1) figures.fell += complain('a program that reads a part of its input')
    } else if (kind === 2) {
      const error = yield* within(
        'yes',
        failureOf(exec('yes', [], { maxBytes: dice.size(1_000_000), grace: GRACE_MS })),
      )
      if (!(error instanceof TooLargeError)) figures.fell += complain('too much output', error)
    } else if (kind === 3) {
      const options = { timeout: dice.random() * 20, grace: GRACE_MS }
      const error = yield* within('sleep', failureOf(exec('sh', ['-c', 'exec >&- 2>&-; sleep 1000'], options)))
      if (!(error instanceof TimeoutError)) figures.fell += complain('a time-out', error)
    } else {
      const error = yield* within('kill', failureOf(exec('sh', ['-c', 'kill -KILL $$'])))
      if (!(error instanceof ProcessError && error.signal === 'SIGKILL')) figures.fell += complain('killed', error)
    }
  }

  const left = await drive(function* () {
    const end = (yield* clock()) + seconds * 1000
    yield* nursery(function* (n) {
      for (let lane = 0; lane < LANES; lane++) {
        yield* n.spawn(function* () {
          const dice = new Dice(seed * 1000 + lane)
          while ((yield* clock()) < end) yield* dice.chance(0.7) ? one(dice) : asFunction(dice)
        })
      }
    })
  })
  figures.fell += left
  figures.mebibytes = Math.round(bytes / 1_048_576)
  return figures
}

function* failureOf(op: Operation<unknown>): Operation<unknown> {
  try {
    yield* op
  } catch (error) {
    return error
  }
}

/** To what may have gone by itself. */
function send(pid: number, signal: 'SIGKILL' | 'SIGSTOP'): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as { code?: string }).code !== 'ESRCH') throw error
  }
}
