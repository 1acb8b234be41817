/**
 * The flags of the bench command.
 *
 * One idea: every bench gets the same small record, and a flag that a bench has no use for is simply not read by it.
 * An unknown flag is an error: a misspelt `--round 9` must not silently measure something else.
 */
import { parseArgs } from 'node:util'

export interface Options {
  /** Fewer cells, rounds and seconds: a look, not a result. */
  readonly quick: boolean
  /** Rounds per variant; each bench has its own default. */
  readonly rounds: number | undefined
  /** Parts of variant names; empty means all. */
  readonly only: readonly string[]
  readonly connections: readonly number[]
  readonly sizes: readonly number[]
  readonly seconds: number | undefined
  readonly warmup: number | undefined
  /** Which of our drivers take part in benches with sockets; empty means all that work here. */
  readonly drivers: readonly string[]
  /** Requests per second of the fixed-rate bench; undefined means half of what node:net serves in a closed loop. */
  readonly rate: number | undefined
  /** A file that keeps every sample; those that are in it already are not measured again. */
  readonly resume: string | undefined
  /** Pin measured processes to a core where the system can. */
  readonly pin: boolean
  /** What was said besides flags: the names of what to profile. */
  readonly words: readonly string[]
}

export const usage = `usage: npm run bench -- <name> [flags]
  --quick              fewer cells and rounds
  --rounds N           rounds per variant
  --only a,b           only variants whose name contains one of these
  --connections 1,50   echo, turns, rate, connections, host
  --sizes 64,1k,100k   echo, turns, rate, host
  --seconds N          measured seconds of a load run
  --warmup N           seconds of load before that
  --drivers a,b        io_uring, epoll; default: all that work here
  --rate N             rate: requests per second; default: half of what node:net serves
  --resume FILE        keep every sample in FILE, and do not measure again what is in it
  --no-pin             leave the placement of processes to the system`

/** Reads the flags after the bench's name. @throws Error on an unknown flag or a number that is none. */
export function parseOptions(argv: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...argv],
    strict: true,
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      only: { type: 'string', default: '' },
      connections: { type: 'string', default: '' },
      sizes: { type: 'string', default: '' },
      seconds: { type: 'string' },
      warmup: { type: 'string' },
      drivers: { type: 'string', default: '' },
      rate: { type: 'string' },
      resume: { type: 'string' },
      'no-pin': { type: 'boolean', default: false },
    },
  })
  return {
    quick: values.quick,
    rounds: values.rounds === undefined ? undefined : count(values.rounds),
    only: list(values.only),
    connections: list(values.connections).map(count),
    sizes: list(values.sizes).map(count),
    seconds: values.seconds === undefined ? undefined : count(values.seconds),
    warmup: values.warmup === undefined ? undefined : Number(values.warmup),
    drivers: list(values.drivers),
    rate: values.rate === undefined ? undefined : Number(values.rate),
    resume: values.resume,
    pin: !values['no-pin'],
    words: positionals,
  }
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function count(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(k|m)?i?b?$/i.exec(text)
  if (!match) throw new Error(`Cannot read "${text}" as a number: write 64, 1k or 1m`)
  const unit = match[2]?.toLowerCase()
  return Number(match[1]) * (unit === 'k' ? 1024 : unit === 'm' ? 1024 * 1024 : 1)
}
