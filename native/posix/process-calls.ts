/**
 * The C library's part in processes: posix_spawn and its kin, and waiting.
 *
 * They are bound when the first process is started, as a program that starts none should not pay
 * for them; in a worker at once (see `bindChecked`). Two of them are younger than the rest and have
 * no standard; where one is missing it is null.
 */
import type { Binder, Call } from './libc.js'

/** Numbers that differ from system to system. */
export interface ProcessConstants {
  readonly SETPGROUP: number
  readonly SETSIGDEF: number
  readonly SETSIGMASK: number
  /** 0 where there is none: the process then leads a group, but no session. */
  readonly SETSID: number
  /** The child inherits nothing but what it is given; 0 where that is for an action to say. */
  readonly CLOEXEC_DEFAULT: number
  readonly P_PID: number
  readonly WEXITED: number
  readonly WNOWAIT: number
  /** Where siginfo_t has the process and its status, in ints. */
  readonly SIGINFO_PID: number
  readonly SIGINFO_STATUS: number
  readonly RLIMIT_AS: number
  readonly RLIMIT_NPROC: number
  readonly RLIMIT_NOFILE: number
}

/** The functions; those of posix_spawn return an errno, which is positive, and 0 for none. */
export type ProcessFunctions = ReturnType<typeof bindProcesses>

/** Binds them. */
export function bindProcesses(binder: Binder) {
  const actions = (name: string, ...types: string[]): Call =>
    binder.bindLate(`posix_spawn_file_actions_${name}`, 'uintptr_t', ...types)
  const attributes = (name: string, ...types: string[]): Call =>
    binder.bindLate(`posix_spawnattr_${name}`, 'uintptr_t', ...types)
  return {
    spawn: binder.bindLate('posix_spawn', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t'),
    initActions: actions('init'),
    destroyActions: actions('destroy'),
    addDup2: actions('adddup2', 'int', 'int'),
    addOpen: actions('addopen', 'int', 'uintptr_t', 'int', 'uint'),
    addChdir: optional(binder, 'posix_spawn_file_actions_addchdir_np', 'uintptr_t', 'uintptr_t'),
    addCloseFrom: optional(binder, 'posix_spawn_file_actions_addclosefrom_np', 'uintptr_t', 'int'),
    initAttributes: attributes('init'),
    destroyAttributes: attributes('destroy'),
    setFlags: attributes('setflags', 'short'),
    setGroup: attributes('setpgroup', 'int'),
    setMask: attributes('setsigmask', 'uintptr_t'),
    setDefaults: attributes('setsigdefault', 'uintptr_t'),
    waitid: binder.bindChecked('waitid', 'int', 'uint', 'uintptr_t', 'int'),
    waitpid: binder.bindChecked('waitpid', 'int', 'uintptr_t', 'int'),
    kill: binder.bindChecked('kill', 'int', 'int'),
    access: binder.bindChecked('access', 'uintptr_t', 'int'),
    getrlimit: binder.bindChecked('getrlimit', 'int', 'uintptr_t'),
    duplicateFrom: duplicator(binder),
  }
}

/** A function that may be missing: asked for when it is first needed. */
function optional(binder: Binder, name: string, ...types: string[]): () => Call | null {
  let found: Call | null | undefined
  const look = (): Call | null => {
    try {
      return binder.bind(name, ...types)
    } catch {
      return null
    }
  }
  if (!binder.isMainThread) found = look()
  return () => {
    if (found === undefined) found = look()
    return found
  }
}

/** Another descriptor of the same file, from `least` on. Variadic in C. */
function duplicator(binder: Binder): (fd: number, code: number, least: number) => number {
  const fcntl = binder.library.func('fcntl', 'int', ['int', 'int', '...']) as (...operands: unknown[]) => number
  return (fd, code, least) => binder.checked(fcntl(fd, code, 'long', least))
}
