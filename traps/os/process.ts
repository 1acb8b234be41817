/**
 * Processes: programs that run beside ours and end with the scope that started them.
 *
 * A process is a resource. It is started with one statement, and when the block is left, however
 * that happens, it and all of its group are gone and nothing of them is left, neither an entry in
 * the system's table nor a descriptor. What it reads and writes are streams on pipes of our own.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { UnsupportedError } from '../../kernel/protocol/errors.js'
import { INSPECT } from '../../kernel/protocol/inspect.js'
import { checkWord, timeoutOf, type WaitOptions } from '../../kernel/protocol/operands.js'
import { type Exit, type ProcessPlan, SIGNALS, type SignalName } from '../../kernel/protocol/processes.js'
import type { Operation, Trap } from '../../kernel/protocol/trap.js'
import { Stream } from '../net/stream.js'
import { ask, atomically, pass } from '../raw/call.js'
import { namedResource } from '../scope/resource.js'
import { within } from '../scope/scope.js'
import { Child } from './child.js'
import { graceOf, type ProcessOptions, planOf } from './process-options.js'

const NAMES = ['stdin', 'stdout', 'stderr'] as const

/** One end of a pipe. It goes one way, so its end is its close. */
class PipeEnd extends Stream {
  override end(): Trap<void> {
    this.assertOpen('end the stream')
    return this.close()
  }
}

/** A program that runs. Made by `startProcess`. */
export class Process {
  /** Its number, which is its process group's number, too. */
  readonly pid: number
  private readonly child: Child
  private readonly streams: readonly (Stream | null)[]

  /** @internal */
  constructor(child: Child, streams: readonly (Stream | null)[]) {
    this.pid = child.pid
    this.child = child
    this.streams = streams
  }

  /** `console.log(process)` is one line. */
  [INSPECT](): string {
    const { exited } = this
    const state = exited === null ? 'runs' : (exited.signal ?? `code ${exited.code}`)
    return `Process ${this.pid} (${this.child.plan.command}: ${state})`
  }

  /**
   * What it reads: write to it, and `close` it at the end of the input. An EPIPE means that it
   * reads no more.
   *
   * @throws UnsupportedError if it was started with another `stdin` than `'pipe'`.
   */
  get stdin(): Stream {
    return this.stream(0)
  }

  /**
   * What it writes.
   *
   * @throws UnsupportedError if it was started with another `stdout` than `'pipe'`.
   */
  get stdout(): Stream {
    return this.stream(1)
  }

  /**
   * What it writes about errors.
   *
   * @throws UnsupportedError if it was started with another `stderr` than `'pipe'`.
   */
  get stderr(): Stream {
    return this.stream(2)
  }

  /** How it ended; null as long as it runs. Looks, and does not wait. */
  get exited(): Exit | null {
    return this.child.exit
  }

  /**
   * Waits until the process has ended, and returns how: with a `code`, or by a `signal`. (Both are
   * null if other code of this program has waited for it.) Any number of tasks may wait. What it
   * wrote may still be in the streams. If the task is cancelled while it waits, the process goes
   * on.
   *
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws TimeoutError after `timeout` milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  wait(options?: WaitOptions): Operation<Exit> {
    const limit = timeoutOf('wait for the process', options)
    return tracked('wait', within('wait for the process', limit, this.waitOperation()))
  }

  /**
   * Sends a signal to the process and all of its group; returns false if it has ended. Does not
   * wait for what follows. The end of the scope sends what is needed by itself. On Windows SIGTERM,
   * SIGKILL, SIGINT and SIGQUIT end all of it at once.
   *
   * @param signal Its name. Default: `'SIGTERM'`.
   * @throws RangeError if there is no such signal.
   * @throws SystemError if the system does not allow it (`EPERM`), or has no such signal (`ENOSYS`
   * on Windows).
   */
  kill(signal: SignalName = 'SIGTERM'): Trap<boolean> {
    checkWord('send the signal', 'signal', signal, SIGNALS)
    return tracked(
      'kill',
      atomically(() => this.child.signal(signal)),
    )
  }

  private *waitOperation(): Operation<Exit> {
    yield* pass()
    return yield* this.child.wait()
  }

  private stream(index: 0 | 1 | 2): Stream {
    const stream = this.streams[index]
    if (stream) return stream
    const name = NAMES[index]
    throw new UnsupportedError(`use ${name} of ${this.child.plan.command}`, `${name} is no pipe; see its options`)
  }
}

/**
 * Starts a program, as a resource: it lives until the innermost nursery of the task ends. If it
 * still runs then, its process group gets SIGTERM (and SIGCONT, for what is stopped), `grace`
 * milliseconds, and SIGKILL; it is awaited, and its streams are closed. So whatever the program has
 * started goes with it, unless it left the group on purpose. Where the cancelled scope's own grace
 * is shorter, that counts. On Windows all that the program has started is in its job object, which
 * gets Ctrl-Break, the grace, and is ended; where no console is shared, it is ended at once.
 *
 * The program is looked for in the PATH of `env`. No shell is involved: ask for one by its name,
 * `startProcess('sh', ['-c', text])`. It inherits its three streams and no other descriptor. On
 * Windows the endings of PATHEXT are tried, and a batch file is refused.
 *
 * Cancelled before it is started, it is not. The start itself does not wait.
 *
 * @param command The program: a name, or a path, which is relative to `cwd`.
 * @param args What it is given, without its own name.
 * @param options Where and with what it runs.
 * @throws SystemError with `syscall` `'spawn'` and the `path` if it cannot be started: `ENOENT`,
 * `EACCES`, `E2BIG`, `EMFILE`, …, on Windows also `EFTYPE` (no program), `EINVAL` (a batch file),
 * `ENAMETOOLONG`; with `'chdir'` if it is `cwd` that cannot be used.
 * @throws UnsupportedError if the driver starts no processes (docs/platforms.md).
 * @throws TypeError if a string is none, or has a NUL in it; RangeError if a word or number is none
 * of those allowed.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { run, startProcess, use } from 'drupe'
 *
 * await run(function* () {
 *   yield* use(startProcess('cat'), function* (cat) {
 *     yield* cat.stdin.write(new TextEncoder().encode('hello\n'))
 *     console.log(yield* cat.stdout.readLine()) // => hello
 *     yield* cat.stdin.close()
 *     console.log(yield* cat.wait()) // => { code: 0, signal: null }
 *   })
 * })
 */
export function startProcess(
  command: string,
  args: readonly string[] = [],
  options?: ProcessOptions,
): Operation<Process> {
  const plan = planOf('start the process', command, args, options)
  return startPlanned(plan, graceOf('start the process', options))
}

/** The same for a plan. */
export function startPlanned(plan: ProcessPlan, grace: number): Operation<Process> {
  return namedResource<Process>('startProcess', function* (provide) {
    const child = new Child(plan, grace)
    let streams: (Stream | null)[] = []
    let cause: unknown
    try {
      yield* pass()
      yield* ask('spawn', (calls) => {
        streams = child.start(calls).pipes.map((fd) => (fd < 0 ? null : new PipeEnd(fd)))
      })
      yield* provide(new Process(child, streams))
    } catch (error) {
      cause = error
      throw error
    } finally {
      try {
        yield* child.leave(cause)
      } finally {
        for (const stream of streams) if (stream !== null) yield* stream.close()
      }
    }
  })
}
