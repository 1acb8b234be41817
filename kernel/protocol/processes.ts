/**
 * What a driver does about processes: it starts one, says how one ended, sends it a signal.
 *
 * All of it is immediate. The wait in between is an operation like any other: a started process
 * comes with a descriptor that is readable when the process has ended. That such a process stays in
 * the system's table until it is reaped is what makes its number, and that of its group, safe to
 * use: no other process can have it before.
 */
import type { Fd } from './io-op.js'

/** The name of a signal, as POSIX has it. */
export type SignalName =
  | 'SIGHUP'
  | 'SIGINT'
  | 'SIGQUIT'
  | 'SIGTERM'
  | 'SIGKILL'
  | 'SIGSTOP'
  | 'SIGCONT'
  | 'SIGTSTP'
  | 'SIGUSR1'
  | 'SIGUSR2'
  | 'SIGPIPE'
  | 'SIGALRM'
  | 'SIGABRT'
  | 'SIGWINCH'

/** The signals that every POSIX system has and that can be sent. */
export const SIGNALS: readonly SignalName[] = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGKILL',
  'SIGSTOP',
  'SIGCONT',
  'SIGTSTP',
  'SIGUSR1',
  'SIGUSR2',
  'SIGPIPE',
  'SIGALRM',
  'SIGABRT',
  'SIGWINCH',
]

/** In a plan: the standard stream is a new pipe, whose other end is ours. */
export const STDIO_PIPE = -1
/** In a plan: it is empty, and what is written to it is dropped. */
export const STDIO_IGNORE = -2
/** In a plan, for the error output: it goes where the output goes. */
export const STDIO_OUTPUT = -3
/** In a plan: it is that of this process. */
export const STDIO_INHERIT = -4

/** What to start. */
export interface ProcessPlan {
  /** A path if there is a slash in it, otherwise looked for in the PATH of `env`. */
  readonly command: string
  /** What it is given, without its own name. */
  readonly args: readonly string[]
  /** `NAME=value` of each variable; null: those of this process. */
  readonly env: readonly string[] | null
  /** Where it begins; null: where this process is. */
  readonly cwd: string | null
  /** Input, output and error output: a descriptor of this process, or `STDIO_…`. */
  readonly stdio: readonly number[]
  /** It leads a process group of its own. */
  readonly group: boolean
  /** It leads a session of its own, and shall outlive its starter. */
  readonly detached: boolean
}

/** A process that runs. */
export interface StartedProcess {
  /** Its number. */
  readonly pid: number
  /** Readable when it has ended; negative where the system has nothing of the kind. */
  readonly exitFd: Fd
  /** Our ends of its pipes; negative where there is none. */
  readonly pipes: readonly Fd[]
}

/** Why there is none: a negative errno, and what it is about. */
export interface RefusedProcess {
  /** A negative errno. */
  readonly result: number
  /** What was refused: the program, or the directory where it begins. */
  readonly syscall: 'spawn' | 'chdir'
  /** The path that it is about. */
  readonly path: string
}

/** How a process ended: with a code, or by a signal. */
export interface Exit {
  /** What it returned; null if a signal ended it. */
  readonly code: number | null
  /** The signal that ended it, as `SIGTERM`; null if it ended by itself. */
  readonly signal: string | null
}

/** How a program ended, and what it wrote. */
export interface ExecResult extends Exit {
  /** What it wrote. */
  readonly stdout: Uint8Array
  /** What it wrote about errors. */
  readonly stderr: Uint8Array
}

/** They never wait. */
export interface ProcessCalls {
  /**
   * Starts a process.
   *
   * @param plan What to start.
   */
  start(plan: ProcessPlan): StartedProcess | RefusedProcess
  /**
   * How a process ended; null as long as it runs. It stays in the system's table.
   *
   * @param pid A process that was started here.
   */
  ending(pid: number): Exit | number | null
  /**
   * Sends a signal.
   *
   * @param pid A process that was started here and is not reaped.
   * @param signal Its name.
   * @param group To all of its group.
   */
  signal(pid: number, signal: SignalName, group: boolean): number
  /**
   * Asks a process to leave, in a way that it can answer: SIGTERM, and SIGCONT for what is stopped;
   * on Windows Ctrl-Break. Where nothing can be asked it is ended.
   *
   * @param pid A process that was started here, or the number of its group.
   * @param group All of its group.
   */
  askToLeave(pid: number, group: boolean): void
  /**
   * Takes a process that has ended out of the system's table.
   *
   * @param pid Its number, which may be another's from here on.
   */
  reap(pid: number): void
  /**
   * Whether the group of a process that was reaped still has members.
   *
   * @param pid What its number was.
   */
  groupLives(pid: number): boolean
  /**
   * Nobody waits for this process any more: the driver reaps it when it has ended.
   *
   * @param pid Its number.
   */
  leave(pid: number): void
}
