/**
 * Processes on Windows: CreateProcess starts one, suspended; it is put into a job object and goes
 * on. So nothing that it starts can escape before it is in.
 *
 * It inherits the three handles that it is given and no other. Its end comes out of the completion
 * port, as everything else does, and is told by a descriptor that becomes readable. That descriptor
 * owns the job: when it is closed, nobody of the job is left. Windows has no signals: those that
 * end a process end it, as with Node, and there are no others.
 */
import type {
  Exit,
  ProcessCalls,
  ProcessPlan,
  RefusedProcess,
  SignalName,
  StartedProcess,
} from '../../kernel/driver/contract.js'
import { EBADF, ENOENT, numberOf } from '../posix/errno.js'
import { setWord } from '../posix/words.js'
import { ChildStreams } from './child-streams.js'
import { commandLine, environmentBlock, MOST_LETTERS, wide } from './command-line.js'
import * as c from './constants.js'
import { resultOf } from './errors.js'
import type { Handles } from './handles.js'
import { Job, makeJob } from './job.js'
import type { Windows } from './kernel32.js'
import type { Pipes } from './pipes.js'
import { KEY_FIRST_JOB, type Port } from './port.js'
import { bindProcesses, type ProcessFunctions } from './process-calls.js'
import { programFor } from './program-path.js'

/** Messages of a job. */
const EXIT_PROCESS = 7
const ABNORMAL_EXIT_PROCESS = 8
/** The signals that end a process, as in Node. */
const ENDING: readonly SignalName[] = ['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGQUIT']

/** STARTUPINFOEX in 32-bit words: its length, flags, three handles, and the attributes. */
const STARTUP_WORDS = 28
const STARTUP_FLAGS = 15
const STARTUP_STDIN = 20
const STARTUP_ATTRIBUTES = 26
/** PROCESS_INFORMATION: two handles and the process's number. */
const INFO_WORDS = 6
/** As much as a list of one attribute takes, and more. */
const ATTRIBUTE_BYTES = 256

/** A process that is suspended, by its handles. */
interface Suspended {
  readonly process: number
  readonly thread: number
  readonly pid: number
}

/** The processes of one driver. */
export class Processes implements ProcessCalls {
  private calls: ProcessFunctions | null = null
  private readonly jobs = new Map<number, Job>()
  private nextKey = KEY_FIRST_JOB

  /** @param adopt notes a new descriptor that tells by itself when a call may succeed. */
  constructor(
    private readonly windows: Windows,
    private readonly handles: Handles,
    private readonly port: Port,
    private readonly pipes: Pipes,
    private readonly adopt: (fd: number) => void,
  ) {}

  /** Will the port tell of any of them? */
  get running(): boolean {
    for (const job of this.jobs.values()) if (!job.told) return true
    return false
  }

  start(plan: ProcessPlan): StartedProcess | RefusedProcess {
    this.calls ??= bindProcesses(this.windows.koffi)
    const { calls, windows } = this
    const { command, cwd } = plan
    const refused = (result: number): RefusedProcess => ({ result, syscall: 'spawn', path: command })
    const { resolve } = process.getBuiltinModule('node:path').win32
    const place = resolve(cwd ?? '.')
    if (cwd !== null) {
      const result = this.folder(place)
      if (result < 0) return { result, syscall: 'chdir', path: cwd }
    }
    const env = plan.env ?? Object.entries(process.env).map(([name, value]) => `${name}=${value}`)
    const program = programFor(command, place, env, (path) => this.isFile(path))
    if (typeof program === 'number') return refused(program)
    const streams = new ChildStreams(windows, calls, this.port, this.handles)
    const opened = streams.open(plan.stdio)
    const started = opened < 0 ? opened : this.launch(plan, program, place, env, streams.handles)
    streams.closeTheirs()
    if (typeof started === 'number') {
      streams.closeOurs()
      return refused(started)
    }
    this.jobs.set(started.pid, started)
    const exitFd = this.pipes.adoptSource(started, (news) => {
      started.news = news
    })
    this.adopt(exitFd)
    const pipes = streams.ends.map((end) => {
      if (end === c.INVALID_HANDLE) return -1
      const fd = this.pipes.adoptEnd(end)
      this.adopt(fd)
      return fd
    })
    return { pid: started.pid, exitFd, pipes }
  }

  ending(pid: number): Exit | number | null {
    const job = this.jobs.get(pid)
    return job === undefined ? EBADF : job.ending()
  }

  signal(pid: number, signal: SignalName): number {
    if (!ENDING.includes(signal)) return numberOf('ENOSYS')
    return this.jobs.get(pid)?.terminate(signal) ?? numberOf('ESRCH')
  }

  askToLeave(pid: number, group: boolean): void {
    const job = this.jobs.get(pid)
    if (job === undefined || !job.lives) return
    // Nobody could be asked: a console reaches groups alone.
    if (!group || !job.askToLeave()) job.terminate('SIGTERM')
  }

  /** Its number is its own until its descriptor is closed. */
  reap(): void {}

  groupLives(pid: number): boolean {
    return this.jobs.get(pid)?.lives ?? false
  }

  /** Windows has no table that it would stay in. */
  leave(): void {}

  /** A message of the job with this key. */
  told(key: number, pid: number, message: number): void {
    if (message !== EXIT_PROCESS && message !== ABNORMAL_EXIT_PROCESS) return
    const job = this.jobs.get(pid)
    if (job?.key === key) job.ended()
  }

  /** The driver is closed: nothing outlives it but what shall. */
  close(): void {
    for (const job of [...this.jobs.values()]) job.close()
  }

  private launch(
    plan: ProcessPlan,
    program: string,
    place: string,
    env: readonly string[],
    streams: readonly number[],
  ): Job | number {
    const { windows, port } = this
    const calls = this.calls as ProcessFunctions
    const key = this.nextKey++
    const job = makeJob(windows, calls, port.handle, key, plan)
    if (job < 0) return job
    const suspended = this.create(calls, plan, program, place, env, streams)
    if (typeof suspended === 'number') {
      windows.closeHandle(job)
      return suspended
    }
    const { process, thread, pid } = suspended
    const assigned = calls.assignToJob(job, process) !== 0
    const result = assigned ? 0 : resultOf(windows.lastError())
    if (assigned) calls.resumeThread(thread)
    else calls.terminateProcess(process, 1)
    windows.closeHandle(thread)
    if (assigned) return new Job(windows, calls, process, job, pid, key, () => void this.jobs.delete(pid))
    windows.closeHandle(process)
    windows.closeHandle(job)
    return result
  }

  private create(
    calls: ProcessFunctions,
    { command, args, group, detached }: ProcessPlan,
    program: string,
    place: string,
    env: readonly string[],
    streams: readonly number[],
  ): Suspended | number {
    const text = commandLine([command, ...args])
    if (text.length >= MOST_LETTERS) return numberOf('ENAMETOOLONG')
    /** Windows knows addresses alone, so what they are of is held here until it has started. */
    const held: ArrayBufferView[] = []
    const at = (view: ArrayBufferView): number => {
      held.push(view)
      return this.windows.addressOf(view)
    }
    const attributesAt = at(new Uint8Array(ATTRIBUTE_BYTES))
    const sizeAt = at(new BigUint64Array([BigInt(ATTRIBUTE_BYTES)]))
    if (calls.initAttributes(attributesAt, 1, 0, sizeAt) === 0) return resultOf(this.windows.lastError())
    // Each handle once.
    const inherited = new BigInt64Array([...new Set(streams)].map(BigInt))
    calls.setAttribute(attributesAt, 0, c.ATTRIBUTE_HANDLE_LIST, at(inherited), inherited.byteLength, 0, 0)
    const startup = new Uint32Array(STARTUP_WORDS)
    startup[0] = startup.byteLength
    startup[STARTUP_FLAGS] = c.STARTF_USESTDHANDLES
    streams.forEach((handle, i) => void setWord(startup, STARTUP_STDIN + i * 2, handle))
    setWord(startup, STARTUP_ATTRIBUTES, attributesAt)
    const flags =
      c.CREATE_SUSPENDED +
      c.CREATE_UNICODE_ENVIRONMENT +
      c.EXTENDED_STARTUPINFO +
      (group || detached ? c.CREATE_NEW_PROCESS_GROUP : 0) +
      (detached ? c.DETACHED_PROCESS : 0)
    const info = new Uint32Array(INFO_WORDS)
    const done = calls.createProcess(
      at(wide(program)),
      at(wide(text)),
      0,
      0,
      1,
      flags,
      at(wide(environmentBlock(env, process.env))),
      at(wide(place)),
      at(startup),
      at(info),
    )
    const code = done === 0 ? this.windows.lastError() : 0
    calls.deleteAttributes(attributesAt)
    held.length = 0
    if (done === 0) return resultOf(code)
    return { process: info[0] as number, thread: info[2] as number, pid: info[4] as number }
  }

  /** 0, or why nothing can begin there. */
  private folder(path: string): number {
    const attributes = (this.calls as ProcessFunctions).attributesOf(path)
    if (attributes === c.INVALID_ATTRIBUTES) return ENOENT
    return (attributes & c.FILE_ATTRIBUTE_DIRECTORY) !== 0 ? 0 : numberOf('ENOTDIR')
  }

  private isFile(path: string): boolean {
    const attributes = (this.calls as ProcessFunctions).attributesOf(path)
    return attributes !== c.INVALID_ATTRIBUTES && (attributes & c.FILE_ATTRIBUTE_DIRECTORY) === 0
  }
}
