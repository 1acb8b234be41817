/**
 * exec: a program as a function. Input goes in, output comes out, and it is over when it returns.
 *
 * Input and both outputs move at the same time, because a program that writes before it has read
 * everything would otherwise wait for us and we for it.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { ProcessError, SystemError } from '../../kernel/protocol/errors.js'
import {
  checkLimit,
  checkOptions,
  checkPieces,
  checkSwitch,
  checkText,
  timeoutOf,
  type WaitOptions,
} from '../../kernel/protocol/operands.js'
import type { ExecResult, ProcessPlan } from '../../kernel/protocol/processes.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { all } from '../scope/combinators.js'
import { use } from '../scope/resource.js'
import { within } from '../scope/scope.js'
import { type Process, startPlanned } from './process.js'
import { graceOf, type ProcessPlace, planOf } from './process-options.js'

const MOST_BYTES = 1024 * 1024

/** How `exec` runs a program. */
export interface ExecOptions extends ProcessPlace, WaitOptions {
  /** What it reads, in one piece or in several. Default: nothing. */
  readonly input?: Uint8Array | readonly Uint8Array[] | undefined
  /** At most so many bytes of output, and as many of error output. Default 1,048,576. */
  readonly maxBytes?: number | undefined
  /**
   * Whether it must succeed: another code than 0, or a signal, is then a ProcessError. Default
   * true.
   */
  readonly ok?: boolean | undefined
}

/**
 * Runs a program to its end, and returns what it wrote and how it ended. It is over when it has
 * ended and whoever has its outputs has closed them. No shell is involved: ask for one by its name,
 * `exec('sh', ['-c', text])`.
 *
 * If the task is cancelled meanwhile, or it fails, the program is ended as `startProcess` says, and
 * nothing of it is left.
 *
 * @param command The program: a name, or a path, which is relative to `cwd`.
 * @param args What it is given, without its own name.
 * @param options Its input and its limits; `timeout` in milliseconds.
 * @throws ProcessError if it ends with another code than 0, or by a signal, unless `ok` is false.
 * @throws TooLargeError if it writes more than `maxBytes`.
 * @throws TimeoutError after `timeout` milliseconds.
 * @throws SystemError with `syscall` `'spawn'` or `'chdir'` if it cannot be started.
 * @throws UnsupportedError if the driver starts no processes (docs/platforms.md).
 * @throws TypeError or RangeError if an argument is wrong.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { exec, run } from 'drupe'
 *
 * await run(function* () {
 *   const { stdout } = yield* exec('tr', ['a-z', 'A-Z'], { input: new TextEncoder().encode('hello') })
 *   console.log(new TextDecoder().decode(stdout)) // => HELLO
 *   const { code } = yield* exec('false', [], { ok: false })
 *   console.log(code) // => 1
 * })
 */
export function exec(command: string, args: readonly string[] = [], options: ExecOptions = {}): Operation<ExecResult> {
  const action = `run ${checkText('run the program', 'command', command)}`
  checkOptions('run the program', 'options', options)
  const { cwd, env, input, maxBytes = MOST_BYTES, ok = true } = options
  const stdin = input === undefined ? 'ignore' : 'pipe'
  const plan = planOf('run the program', command, args, { cwd, env, stdin })
  if (input !== undefined) checkPieces('run the program', 'input', input)
  checkLimit('run the program', 'maxBytes', maxBytes, 0)
  checkSwitch('run the program', 'ok', ok)
  const grace = graceOf('run the program', options)
  const whole = within(action, timeoutOf('run the program', options), execOperation(plan, grace, input, maxBytes))
  return tracked('exec', ok ? succeeding(action, whole) : whole)
}

function execOperation(
  plan: ProcessPlan,
  grace: number,
  input: ExecOptions['input'],
  maxBytes: number,
): Operation<ExecResult> {
  return use(startPlanned(plan, grace), function* (process) {
    const [stdout, stderr] = yield* all([
      process.stdout.readAll({ maxBytes }),
      process.stderr.readAll({ maxBytes }),
      feed(process, input),
    ])
    return { ...(yield* process.wait()), stdout, stderr }
  })
}

/** A program need not read all of its input. */
function* feed(process: Process, input: ExecOptions['input']): Operation<void> {
  if (input === undefined) return
  try {
    yield* process.stdin.write(input)
  } catch (error) {
    if (!(error instanceof SystemError && error.code === 'EPIPE')) throw error
  }
  yield* process.stdin.close()
}

function* succeeding(action: string, whole: Operation<ExecResult>): Operation<ExecResult> {
  const result = yield* whole
  if (result.code !== 0) throw new ProcessError(action, result)
  return result
}
