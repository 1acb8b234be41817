/**
 * How a process is started: the options, checked and brought into the words of a driver.
 */
import {
  checkFd,
  checkList,
  checkOptions,
  checkSwitch,
  checkText,
  checkTime,
  wrong,
} from '../../kernel/protocol/operands.js'
import {
  type ProcessPlan,
  STDIO_IGNORE,
  STDIO_INHERIT,
  STDIO_OUTPUT,
  STDIO_PIPE,
} from '../../kernel/protocol/processes.js'

const GRACE_MS = 5000
const WORDS = '"pipe", "inherit", "ignore", a descriptor, or something that has one as fd'

/**
 * What a standard stream of a process is. `'pipe'`: a stream that our side reads or writes.
 * `'inherit'`: that of this program. `'ignore'`: nothing. A number, or an object with an `fd`: that
 * descriptor, which stays ours. (On Windows only a `File` has one that can be given away.)
 */
export type Stdio = 'pipe' | 'inherit' | 'ignore' | number | { readonly fd: number }

/** What a process is given by where it is started. */
export interface ProcessPlace {
  /** Where it begins: a path. Default: where this program is. */
  readonly cwd?: string | undefined
  /**
   * Its environment, whole; a value of `undefined` is left out. Default: that of this program
   * (`process.env`). `{ ...process.env, NAME: 'value' }` adds to it.
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /**
   * Milliseconds that its group has after SIGTERM, before SIGKILL (on Windows: after Ctrl-Break,
   * before its job is ended). Default 5000. Within the grace
   * of a scope that is cancelled.
   */
  readonly grace?: number | undefined
}

/** How a process is started. */
export interface ProcessOptions extends ProcessPlace {
  /** What it reads. Default `'pipe'`. */
  readonly stdin?: Stdio | undefined
  /** What it writes. Default `'pipe'`: what nobody reads keeps it waiting when the pipe is full. */
  readonly stdout?: Stdio | undefined
  /** What it writes about errors; `'stdout'`: to the same place. Default `'pipe'`. */
  readonly stderr?: Stdio | 'stdout' | undefined
  /**
   * Whether it leads a process group of its own. Default true. With false it stays in ours, as a
   * program must that asks at the terminal, and signals reach it alone.
   */
  readonly group?: boolean | undefined
  /**
   * It has a session of its own and shall outlive the scope, which only lets go of it then. Its
   * streams are closed, so give it others than pipes. Default false.
   */
  readonly detached?: boolean | undefined
}

/** The plan of a process. */
export function planOf(
  action: string,
  command: string,
  args: readonly string[],
  options: ProcessOptions = {},
): ProcessPlan {
  checkText(action, 'command', command)
  checkList(action, 'args', args)
  args.forEach((arg, i) => void checkText(action, `args[${i}]`, arg))
  checkOptions(action, 'options', options)
  const { cwd, env, group, detached, stdin = 'pipe', stdout = 'pipe', stderr = 'pipe' } = options
  if (cwd !== undefined) checkText(action, 'cwd', cwd)
  checkSwitch(action, 'group', group)
  checkSwitch(action, 'detached', detached)
  return {
    command,
    args: [...args],
    env: env === undefined ? null : variablesOf(action, env),
    cwd: cwd ?? null,
    stdio: [
      stdioOf(action, 'stdin', stdin),
      stdioOf(action, 'stdout', stdout),
      stderr === 'stdout' ? STDIO_OUTPUT : stdioOf(action, 'stderr', stderr),
    ],
    group: group ?? true,
    detached: detached ?? false,
  }
}

/** How long it has to leave. */
export function graceOf(action: string, options: ProcessPlace | undefined): number {
  return checkTime(action, 'grace', options?.grace ?? GRACE_MS)
}

function stdioOf(action: string, name: string, stdio: Stdio): number {
  if (stdio === 'pipe') return STDIO_PIPE
  if (stdio === 'ignore') return STDIO_IGNORE
  if (stdio === 'inherit') return STDIO_INHERIT
  if (typeof stdio === 'number') return checkFd(action, name, stdio)
  if (typeof stdio === 'object' && stdio !== null && typeof stdio.fd === 'number') {
    return checkFd(action, `${name}.fd`, stdio.fd)
  }
  throw wrong(action, name, WORDS, stdio, 'string')
}

function variablesOf(action: string, env: Readonly<Record<string, string | undefined>>): string[] {
  checkOptions(action, 'env', env)
  const list: string[] = []
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue
    if (name === '' || name.includes('=') || name.includes('\0')) {
      throw wrong(action, 'env', 'an object whose keys have neither "=" nor NUL', name, 'string')
    }
    list.push(`${name}=${checkText(action, `env.${name}`, value)}`)
  }
  return list
}
