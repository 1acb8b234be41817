/**
 * One process that was started, in a job object of its own: with all that it starts it is one
 * thing, which can be counted and ended, and which Windows ends when we let go of it.
 *
 * The job tells our port when a process of it has ended, so no thread waits for any. It may tell
 * so a moment before the process itself can be asked. As long as the handle of the process is open,
 * its number is nobody else's; a packet may be later than that, so each job has a key of its own.
 */
import type { Exit, SignalName } from '../../kernel/driver/contract.js'
import * as c from './constants.js'
import { resultOf } from './errors.js'
import type { Windows } from './kernel32.js'
import type { ProcessFunctions } from './process-calls.js'

/** What those return that are ended from here, as with Node. */
const ENDED_CODE = 1
/** Between the news of an end and the end. */
const ENDING_MS = 1000
/** JOBOBJECT_EXTENDED_LIMIT_INFORMATION, and its flags; JOBOBJECT_BASIC_ACCOUNTING_INFORMATION. */
const LIMITS_BYTES = 144
const LIMIT_FLAGS = 16 / 4
const ACCOUNTING_BYTES = 48
const ACTIVE_PROCESSES = 40 / 4

/** What of a plan says what the job is. */
interface Bounds {
  readonly group: boolean
  readonly detached: boolean
}

/** A new job that tells this port, with this key; its handle, or a negative result. */
export function makeJob(windows: Windows, calls: ProcessFunctions, port: number, key: number, bounds: Bounds): number {
  const job = calls.createJob(0, 0)
  if (job === 0) return resultOf(windows.lastError())
  const limits = new Uint32Array(LIMITS_BYTES / 4)
  // Without a group only the process itself is in it.
  const leaves = bounds.group ? c.JOB_BREAKAWAY_OK : c.JOB_SILENT_BREAKAWAY_OK
  limits[LIMIT_FLAGS] = bounds.detached ? leaves : leaves + c.JOB_KILL_ON_CLOSE
  const told = new BigInt64Array([BigInt(key), BigInt(port)])
  const set = (what: number, value: ArrayBufferView): boolean =>
    calls.setJob(job, what, windows.addressOf(value), value.byteLength) !== 0
  if (set(c.JOB_EXTENDED_LIMITS, limits) && set(c.JOB_COMPLETION_PORT, told)) return job
  const result = resultOf(windows.lastError())
  windows.closeHandle(job)
  return result
}

/** A process and its job. */
export class Job {
  /** Tells that it has ended. */
  news: () => void = () => {}
  private end: Exit | null = null
  /** No more news of it will come. */
  told = false
  private closed = false
  private sent: SignalName | null = null
  private asked = false
  private readonly words = new Uint32Array(ACCOUNTING_BYTES / 4)
  private readonly wordsAt: number

  constructor(
    private readonly windows: Windows,
    private readonly calls: ProcessFunctions,
    private readonly process: number,
    private readonly job: number,
    readonly pid: number,
    readonly key: number,
    private readonly forget: () => void,
  ) {
    this.wordsAt = windows.addressOf(this.words)
  }

  /** How the process ended; null as long as it runs. */
  get exit(): Exit | null {
    if (this.end === null && !this.closed) this.end = this.look()
    return this.end
  }

  /**
   * The same for whoever looks; those that wait hear of it, too. Windows does not promise
   * to tell of an end, and Wine does not if a process is ended while it starts.
   */
  ending(): Exit | null {
    const { exit } = this
    if (exit !== null && !this.told) this.ended()
    return exit
  }

  /** It has ended: what waits for that has something to read. */
  get isReadable(): boolean {
    return this.exit !== null
  }

  /** Does anybody of it run? */
  get lives(): boolean {
    if (this.closed) return false
    const done = this.calls.askJob(this.job, c.JOB_ACCOUNTING, this.wordsAt, ACCOUNTING_BYTES, 0)
    return done !== 0 && (this.words[ACTIVE_PROCESSES] as number) > 0
  }

  /** The job has told that its process has ended. */
  ended(): void {
    this.told = true
    this.news()
  }

  /** Ends all of it; 0 or negative. */
  terminate(signal: SignalName): number {
    if (this.exit === null) this.sent ??= signal
    return this.calls.terminateJob(this.job, ENDED_CODE) === 0 ? resultOf(this.windows.lastError()) : 0
  }

  /** Ctrl-Break for its group. False: there is no console of ours that it shares. */
  askToLeave(): boolean {
    this.asked = this.calls.sendConsoleEvent(c.CTRL_BREAK_EVENT, this.pid) !== 0
    return this.asked
  }

  /** What is in it ends, unless it was to outlive us. */
  close(): void {
    if (this.closed) return
    this.closed = true
    this.windows.closeHandle(this.process)
    this.windows.closeHandle(this.job)
    this.forget()
  }

  private look(): Exit | null {
    if (this.calls.waitFor(this.process, this.told ? ENDING_MS : 0) !== 0) return null
    this.calls.exitCode(this.process, this.wordsAt)
    const code = this.words[0] as number
    if (this.sent !== null && code === ENDED_CODE) return { code: null, signal: this.sent }
    if (this.asked && code === c.STATUS_CONTROL_C_EXIT) return { code: null, signal: 'SIGTERM' }
    return { code, signal: null }
  }
}
