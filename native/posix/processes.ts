/**
 * Processes on POSIX systems: posix_spawn starts one, waitid asks for its end, waitpid takes it out
 * of the system's table.
 *
 * posix_spawn copies nothing of this process and reports what went wrong before the program began,
 * so an error of the start is thrown at the start. The child inherits three descriptors and no
 * other, whatever other code of this process has opened. A process of ours is not libuv's: that
 * waits for those alone that it has started, and so do we.
 */
import {
  type Exit,
  type ProcessCalls,
  type ProcessPlan,
  type RefusedProcess,
  type SignalName,
  STDIO_IGNORE,
  STDIO_INHERIT,
  STDIO_OUTPUT,
  STDIO_PIPE,
  type StartedProcess,
} from '../../kernel/driver/contract.js'
import { setTimeout } from '../../kernel/protocol/host-functions.js'
import { ENOENT, EPERM, numberOf } from './errno.js'
import type { Libc } from './libc.js'
import { hasRunning } from './process-group.js'
import { fromHere, placesOf } from './program-path.js'
import { SpawnMemory } from './spawn-memory.js'

const X_OK = 1
const WNOHANG = 1
/** What siginfo_t says of a process that ended by itself. */
const CLD_EXITED = 1
const SIGINFO_CODE = 2
const FIRST_OTHER_FD = 3
/** How often those are looked for that nobody waits for. */
const SWEEP_MS = 500
const EACCES = numberOf('EACCES')
const ENOTDIR = numberOf('ENOTDIR')

/** The processes of one driver. */
export class Processes implements ProcessCalls {
  private readonly libc: Libc
  private readonly exitDescriptor: (pid: number) => number
  private memory: SpawnMemory | null = null
  private readonly info = new Int32Array(32)
  private infoAt = 0
  private numbers: Readonly<Record<string, number>> = {}
  private readonly names = new Map<number, string>()
  /** Those that are not reaped, and whether they lead a group. */
  private readonly ours = new Map<number, boolean>()
  /** Those that nobody waits for. */
  private readonly left = new Set<number>()
  private sweeping = false

  /** @param exitDescriptor makes a descriptor that is readable when a process has ended. */
  constructor(libc: Libc, exitDescriptor: (pid: number) => number) {
    this.libc = libc
    this.exitDescriptor = exitDescriptor
  }

  start(plan: ProcessPlan): StartedProcess | RefusedProcess {
    this.sweep()
    const env = plan.env ?? ownEnvironment()
    /** Theirs alone, and closed here when they have them. */
    const theirs: number[] = []
    const pipes = [-1, -1, -1]
    const sources = plan.stdio.map((wanted, i) => this.source(i, wanted, pipes, theirs))
    const failed = sources.find((source) => source !== null && source < 0) ?? 0
    const result = failed < 0 ? failed : this.spawn(plan, env, sources)
    for (const fd of theirs) this.libc.close(fd)
    if (result < 0) {
      for (const fd of pipes) if (fd >= 0) this.libc.close(fd)
      return this.refusal(plan, result)
    }
    for (const fd of pipes) if (fd >= 0) this.libc.environment?.own(fd)
    if (!plan.detached) this.ours.set(result, plan.group)
    const exitFd = this.exitDescriptor(result)
    if (exitFd >= 0) this.libc.environment?.own(exitFd)
    return { pid: result, exitFd, pipes }
  }

  ending(pid: number): Exit | number | null {
    const { P_PID, WEXITED, WNOWAIT, SIGINFO_PID, SIGINFO_STATUS } = this.libc.processes
    const { info } = this
    info[SIGINFO_PID] = 0
    const result = this.libc.waitid(P_PID, pid, this.infoAt, WEXITED | WNOHANG | WNOWAIT)
    if (result < 0) return result
    if (info[SIGINFO_PID] === 0) return null
    const status = info[SIGINFO_STATUS] as number
    if (info[SIGINFO_CODE] === CLD_EXITED) return { code: status, signal: null }
    return { code: null, signal: this.names.get(status) ?? `SIG${status}` }
  }

  signal(pid: number, signal: SignalName, group: boolean): number {
    return this.libc.kill(group ? -pid : pid, this.numbers[signal] as number)
  }

  askToLeave(pid: number, group: boolean): void {
    this.signal(pid, 'SIGTERM', group)
    this.signal(pid, 'SIGCONT', group)
  }

  reap(pid: number): void {
    this.libc.waitpid(pid, 0, WNOHANG)
    this.ours.delete(pid)
  }

  groupLives(pid: number): boolean {
    // Where this process is the one that orphans are given to, they are its own to reap.
    while (this.libc.waitpid(-pid, 0, WNOHANG) > 0);
    const result = this.libc.kill(-pid, 0)
    return (result >= 0 || result === EPERM) && hasRunning(pid)
  }

  leave(pid: number): void {
    this.ours.delete(pid)
    this.left.add(pid)
    this.sweepLater()
  }

  /** The driver is closed, or its thread ends: nothing outlives it but what shall. */
  close(): void {
    for (const [pid, group] of this.ours) {
      this.signal(pid, 'SIGKILL', group)
      this.leave(pid)
    }
  }

  /** The descriptor that becomes one of the child's streams, or a negative errno; null: nothing. */
  private source(target: number, wanted: number, pipes: number[], theirs: number[]): number | null {
    if (wanted === STDIO_IGNORE) return null
    if (wanted === STDIO_OUTPUT) return 1
    if (wanted === STDIO_INHERIT) return target
    if (wanted !== STDIO_PIPE) return this.apart(target, wanted, theirs)
    const ends = new Int32Array(2)
    const result = this.libc.pipe(this.libc.addressOf(ends))
    if (result < 0) return result
    const [reads = -1, writes = -1] = ends
    const [own, other] = target === 0 ? [writes, reads] : [reads, writes]
    pipes[target] = own
    theirs.push(other)
    this.libc.setStatusFlags(other, 0)
    return this.apart(target, other, theirs)
  }

  /** The child's streams are set one after the other, so a source must not be one of them. */
  private apart(target: number, fd: number, theirs: number[]): number {
    if (fd >= FIRST_OTHER_FD || fd === target) return fd
    const moved = this.libc.duplicateFrom(fd, this.libc.constants.F_DUPFD_CLOEXEC, FIRST_OTHER_FD)
    if (moved >= 0) theirs.push(moved)
    return moved
  }

  /** The new process, or a negative errno. */
  private spawn(plan: ProcessPlan, env: readonly string[], sources: readonly (number | null)[]): number {
    const memory = this.prepare()
    const { libc } = this
    const actions = memory.actionsAt
    libc.initActions(actions)
    libc.initAttributes(memory.attributesAt)
    try {
      let failure = memory.streams(sources, libc.addDup2, libc.addOpen)
      if (failure === 0) failure = libc.addCloseFrom()?.(actions, FIRST_OTHER_FD) ?? 0
      if (failure === 0 && plan.cwd !== null) {
        const change = libc.addChdir()
        failure = change === null ? -numberOf('ENOSYS') : change(actions, memory.string(plan.cwd))
      }
      if (failure !== 0) return -failure
      this.attributes(plan, memory)
      return this.firstThatRuns(plan, env, memory)
    } finally {
      libc.destroyActions(actions)
      libc.destroyAttributes(memory.attributesAt)
      memory.release()
    }
  }

  private attributes({ group, detached }: ProcessPlan, memory: SpawnMemory): void {
    const { SETPGROUP, SETSID, SETSIGDEF, SETSIGMASK, CLOEXEC_DEFAULT } = this.libc.processes
    const session = detached && SETSID !== 0
    const leads = session ? SETSID : group || detached ? SETPGROUP : 0
    this.libc.setFlags(memory.attributesAt, leads | SETSIGDEF | SETSIGMASK | CLOEXEC_DEFAULT)
    this.libc.setGroup(memory.attributesAt, 0)
    memory.signals(this.libc.setMask, this.libc.setDefaults)
  }

  private firstThatRuns(plan: ProcessPlan, env: readonly string[], memory: SpawnMemory): number {
    const args = memory.list([plan.command, ...plan.args])
    const variables = memory.list(env)
    const places = placesOf(plan.command, env)
    let worst = ENOENT
    for (const place of places) {
      if (places.length > 1) {
        const there = this.libc.access(memory.string(fromHere(place, plan.cwd)), X_OK)
        if (there === EACCES) worst = EACCES
        if (there < 0) continue
      }
      const path = memory.string(place)
      const failure = this.libc.spawn(memory.pidAt, path, memory.actionsAt, memory.attributesAt, args, variables)
      if (failure === 0) return memory.startedPid
      if (-failure === EACCES) worst = EACCES
      else if (-failure !== ENOENT && -failure !== ENOTDIR) return -failure
    }
    return worst
  }

  /** The same error can be about where it was to begin. */
  private refusal({ command, cwd }: ProcessPlan, result: number): RefusedProcess {
    if (cwd !== null && (result === ENOENT || result === EACCES || result === ENOTDIR)) {
      const bytes = new TextEncoder().encode(`${cwd}/.\0`)
      const there = this.libc.access(this.libc.addressOf(bytes), X_OK)
      if (there < 0) return { result: there, syscall: 'chdir', path: cwd }
    }
    return { result, syscall: 'spawn', path: command }
  }

  private prepare(): SpawnMemory {
    if (this.memory !== null) return this.memory
    this.numbers = process.getBuiltinModule('node:os').constants.signals
    for (const [name, number] of Object.entries(this.numbers)) if (!this.names.has(number)) this.names.set(number, name)
    this.infoAt = this.libc.addressOf(this.info)
    this.memory = new SpawnMemory(this.libc, this.numbers['SIGSTOP'] as number)
    return this.memory
  }

  private sweep(): void {
    for (const pid of this.left) {
      const result = this.libc.waitpid(pid, 0, WNOHANG)
      if (result !== 0) this.left.delete(pid)
    }
  }

  private sweepLater(): void {
    if (this.sweeping) return
    this.sweeping = true
    setTimeout(() => {
      this.sweeping = false
      this.sweep()
      if (this.left.size > 0) this.sweepLater()
    }, SWEEP_MS).unref()
  }
}

function ownEnvironment(): string[] {
  return Object.entries(process.env).map(([name, value]) => `${name}=${value}`)
}
