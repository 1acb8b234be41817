/**
 * A child process from its start to its end, as the driver sees it: a number, a descriptor that is
 * readable when it has ended, our ends of its pipes.
 *
 * Its end is the one idea here. The whole group is asked to leave (SIGTERM, and SIGCONT for what is
 * stopped; Ctrl-Break on Windows), it has the grace for that, then SIGKILL ends it, and its leader
 * is awaited and reaped.
 * Until then the leader keeps its number in the system's table, so that nothing is sent to somebody
 * else who got it. What comes after the grace is shielded: a process is not left behind because
 * time is up.
 */
import type { ImmediateCalls } from '../../kernel/protocol/calls.js'
import { SystemError, scopeOf, UnsupportedError } from '../../kernel/protocol/errors.js'
import type { Exit, ProcessCalls, ProcessPlan, SignalName, StartedProcess } from '../../kernel/protocol/processes.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { close, readable } from '../raw/io.js'
import { clock, sleep } from '../raw/time.js'
import { moveOn, shield } from '../scope/scope.js'
import { Lock } from '../sync/lock.js'

/** Where the system has no descriptor for it, and for a group, which has none anywhere. */
const FIRST_PAUSE_MS = 1
const LONGEST_PAUSE_MS = 50
/** After SIGKILL only the system itself can keep a process, as one that waits for a broken disk. */
const KILLED_MS = 1000

/** Somebody else has waited for it, or the process was told to ignore its children. */
const UNKNOWN: Exit = { code: null, signal: null }

/** One process that was started, or is about to be. */
export class Child {
  readonly plan: ProcessPlan
  private readonly grace: number
  private calls: ProcessCalls | null = null
  private started: StartedProcess | null = null
  private describe: ImmediateCalls['describeError'] = () => ['', '']
  private end: Exit | null = null
  /** The leader is out of the system's table. */
  private reaped = false
  /** And so are all of its group. */
  private gone = false
  private exitFd = -1
  /** One task waits at the descriptor, the others for that task. */
  private readonly waiting = new Lock({ name: 'process' })

  /** @param grace Milliseconds between SIGTERM and SIGKILL. */
  constructor(plan: ProcessPlan, grace: number) {
    this.plan = plan
    this.grace = grace
  }

  /** Starts it; what becomes of the pipes is for the caller to see to. */
  start(calls: ImmediateCalls): StartedProcess {
    if (calls.processes === undefined) {
      throw new UnsupportedError(`start ${this.plan.command}`, `the ${calls.name} driver starts no processes`)
    }
    this.describe = (result, syscall) => calls.describeError(result, syscall)
    const started = calls.processes.start(this.plan)
    if ('result' in started) throw this.failure(started.result, started.syscall, started.path)
    this.calls = calls.processes
    this.started = started
    this.exitFd = started.exitFd
    return started
  }

  get pid(): number {
    return this.started?.pid ?? -1
  }

  /** How it ended; null as long as it runs. */
  get exit(): Exit | null {
    if (this.end === null && !this.reaped && this.calls !== null) {
      const end = this.calls.ending(this.pid)
      this.end = typeof end === 'number' ? UNKNOWN : end
    }
    return this.end
  }

  /** False if it has ended. */
  signal(signal: SignalName): boolean {
    if (this.exit !== null || this.reaped || this.calls === null) return false
    const result = this.calls.signal(this.pid, signal, this.plan.group)
    if (result < 0) throw this.failure(result, 'kill')
    return true
  }

  /** Waits until it has ended. */
  *wait(): Operation<Exit> {
    for (;;) {
      const { exit } = this
      if (exit !== null) return exit
      yield* this.waiting.with(() => this.untilExit())
    }
  }

  /**
   * Sees it out.
   *
   * @param cause Why it is to go: a cancel is delivered once, and again when its grace is over.
   */
  *leave(cause: unknown): Operation<void> {
    if (this.calls === null) return
    try {
      if (!this.plan.detached) yield* this.leaveInPeace(cause)
    } finally {
      if (!this.plan.detached && !this.gone) yield* shield(() => this.kill())
      if (!this.reaped) this.calls.leave(this.pid)
      this.reaped = true
      if (this.exitFd >= 0) yield* close(this.exitFd)
    }
  }

  /** It is asked to leave, and has as long as the grace for all of the group to follow. */
  private *leaveInPeace(cause: unknown): Operation<void> {
    const seen = new Set([scopeOf(cause)])
    const until = (yield* clock()) + this.grace
    let cancelled: unknown
    if (this.canBeSentTo) this.calls?.askToLeave(this.pid, this.plan.group)
    for (;;) {
      try {
        yield* moveOn(Math.max(0, until - (yield* clock())), () => this.untilGone())
        break
      } catch (error) {
        const scope = scopeOf(error)
        // The second time its grace is over.
        if (scope === null || seen.has(scope)) throw error
        seen.add(scope)
        cancelled = error
      }
    }
    if (cancelled !== undefined) throw cancelled
  }

  private *kill(): Operation<void> {
    // Whether it arrives is seen by what follows.
    if (this.canBeSentTo) this.calls?.signal(this.pid, 'SIGKILL', this.plan.group)
    yield* moveOn(KILLED_MS, () => this.untilGone())
  }

  /**
   * Until it is reaped, and nobody of its group is left: those hold the number of the group, once
   * the leader does not.
   */
  private *untilGone(): Operation<void> {
    yield* this.wait()
    if (!this.reaped) this.calls?.reap(this.pid)
    this.reaped = true
    if (this.plan.group) {
      for (let pause = FIRST_PAUSE_MS; this.calls?.groupLives(this.pid); pause = next(pause)) yield* sleep(pause)
    }
    this.gone = true
  }

  private *untilExit(): Operation<void> {
    if (this.exitFd >= 0 && this.exit === null) yield* readable(this.exitFd)
    else for (let pause = FIRST_PAUSE_MS; this.exit === null; pause = next(pause)) yield* sleep(pause)
  }

  private get canBeSentTo(): boolean {
    return !this.gone && (this.plan.group || !this.reaped)
  }

  private failure(result: number, syscall: string, path?: string): SystemError {
    const [code, text] = this.describe(result, syscall)
    return new SystemError({ code, errno: result, syscall, text, path })
  }
}

function next(pauseMs: number): number {
  return Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
}
