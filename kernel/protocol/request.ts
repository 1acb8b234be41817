/**
 * Requests: what a task asks of the OS that is no byte on a descriptor. Files are opened and asked
 * about, names are looked up.
 *
 * An `IoOp` is hot and has one shape; a request is cold and says in types what goes in and what
 * comes out. Each kind is one line of the table below, one in the driver's, and one function in
 * traps/. It lives as an op does (driver/contract.ts): submitted, perhaps cancelled, completed
 * exactly once.
 */
import { tracker } from './debug.js'
import type { Address, Fd } from './io-op.js'
import { checkOptions, checkTime, checkWord } from './operands.js'
import { arrived, probe } from './probe.js'
import { ANSWER, HANDOVER, REQUEST, type Resumed, Trap } from './trap.js'

/** Flag of an open: to read from it. */
export const OPEN_READ = 1
/** Flag of an open: to write to it. */
export const OPEN_WRITE = 2
/** Flag of an open: to write at its end, always. */
export const OPEN_APPEND = 4
/** Flag of an open: make it if it is not there. */
export const OPEN_CREATE = 8
/** Flag of an open: begin with an empty one. */
export const OPEN_TRUNCATE = 16
/** Flag of an open: fail if it is there. */
export const OPEN_EXCLUSIVE = 32

/** What a file is; as `stat` gives it. */
export interface FileStatus {
  /** What it is. */
  readonly kind: 'file' | 'directory' | 'link' | 'socket' | 'pipe' | 'device'
  /** The permission bits: `0o644`. */
  readonly mode: number
  /** Its size in bytes. */
  readonly bytes: number
  /** Its number in the file system. */
  readonly inode: number
  /** How many names it has. */
  readonly links: number
  /** The number of the user that owns it. */
  readonly user: number
  /** The number of the group that owns it. */
  readonly group: number
  /** Milliseconds since 1970, fractions included. */
  readonly accessedMs: number
  /** When its content was changed last; as `accessedMs`. */
  readonly modifiedMs: number
  /** When its content or its status was changed last; as `accessedMs`. */
  readonly changedMs: number
}

/** One name in a directory. */
export interface DirectoryEntry {
  /** Without the path of the directory. */
  readonly name: string
  /** Of a link it is `'link'`. `'device'` is also what the system does not say. */
  readonly type: FileStatus['kind']
}

/** A directory that is open to be read; the driver knows what is behind it. */
export interface DirectoryHandle {
  /** Lets go of it. A second call does nothing. */
  close(): void
}

/** What each kind of request is given, and what it brings. */
export interface RequestKinds {
  /**
   * Opens a file; its fd, which is not the driver's own. It waits for a FIFO's other side, and
   * never takes the thread for that.
   */
  readonly open: {
    /** `flags`: `OPEN_…` together; `mode`: the permissions of a new file. */
    readonly input: { readonly path: string; readonly flags: number; readonly mode: number }
    readonly output: Fd
  }
  /** What a file is: one of a path, where links are followed, or an open one. */
  readonly stat: { readonly input: { readonly path: string } | { readonly fd: Fd }; readonly output: FileStatus }
  /** Waits until what was written to a file is on its medium. */
  readonly sync: { readonly input: { readonly fd: Fd }; readonly output: number }
  /** As `stat` of a path, but a link is not followed. */
  readonly lstat: { readonly input: { readonly path: string }; readonly output: FileStatus }
  /** Sets the permissions of the file at a path, the umask notwithstanding; links are followed. */
  readonly chmod: { readonly input: { readonly path: string; readonly mode: number }; readonly output: number }
  /** Gives an open file another owner and group; -1: the one that it has. */
  readonly chown: {
    readonly input: { readonly fd: Fd; readonly user: number; readonly group: number }
    readonly output: number
  }
  /** Removes a name of a file, and the file with its last one; a link is not followed. */
  readonly unlink: { readonly input: { readonly path: string }; readonly output: number }
  /** Gives a file another name, at once instead of what had that name. */
  readonly rename: { readonly input: { readonly path: string; readonly to: string }; readonly output: number }
  /** Gives a file one more name; EEXIST if anything has it. */
  readonly link: { readonly input: { readonly path: string; readonly to: string }; readonly output: number }
  /** Makes a directory; EEXIST if anything has that name. */
  readonly mkdir: { readonly input: { readonly path: string; readonly mode: number }; readonly output: number }
  /** Makes a directory of a new name that begins so, in that for temporary files if it is empty. */
  readonly mkdtemp: { readonly input: { readonly path: string }; readonly output: string }
  /** Removes an empty directory. */
  readonly rmdir: { readonly input: { readonly path: string }; readonly output: number }
  /** Makes a link at `to` that leads to `path`, whatever is there. */
  readonly symlink: { readonly input: { readonly path: string; readonly to: string }; readonly output: number }
  /** Where a link leads, as it was written. */
  readonly readlink: { readonly input: { readonly path: string }; readonly output: string }
  /** The path of a file without links in it. */
  readonly realpath: { readonly input: { readonly path: string }; readonly output: string }
  /** Cuts an open file, or fills it with zeros, to so many bytes. */
  readonly truncate: { readonly input: { readonly fd: Fd; readonly bytes: number }; readonly output: number }
  /** Copies a file; with `exclusive`, EEXIST if anything has the new name. What has begun ends. */
  readonly copy: {
    readonly input: { readonly path: string; readonly to: string; readonly exclusive: boolean }
    readonly output: number
  }
  /** Opens a directory to be read in pieces. */
  readonly opendir: { readonly input: { readonly path: string }; readonly output: DirectoryHandle }
  /**
   * The next entries of an open directory; none at its end. It completes at once: what a read that
   * was given up has brought would be lost.
   */
  readonly readdir: {
    readonly input: { readonly path: string; readonly handle: DirectoryHandle }
    readonly output: readonly DirectoryEntry[]
  }
  /**
   * The addresses that a host name stands for, in the order in which they should be tried; at least
   * one.
   */
  readonly lookup: {
    readonly input: { readonly host: string; readonly port: number }
    readonly output: readonly Address[]
  }
  /** The names of an IP address; at least one. */
  readonly reverse: { readonly input: { readonly host: string }; readonly output: readonly string[] }
}

/** The kinds of requests. */
export type RequestKind = keyof RequestKinds

/** What they are called in errors, as Node would name the failed call. */
export const REQUEST_NAMES: Readonly<Record<RequestKind, string>> = {
  open: 'open',
  stat: 'stat',
  sync: 'sync',
  lstat: 'lstat',
  chmod: 'chmod',
  chown: 'fchown',
  unlink: 'unlink',
  rename: 'rename',
  link: 'link',
  mkdir: 'mkdir',
  mkdtemp: 'mkdtemp',
  rmdir: 'rmdir',
  symlink: 'symlink',
  readlink: 'readlink',
  realpath: 'realpath',
  truncate: 'ftruncate',
  copy: 'copyfile',
  opendir: 'opendir',
  readdir: 'readdir',
  lookup: 'getaddrinfo',
  reverse: 'getnameinfo',
}

const KINDS = Object.keys(REQUEST_NAMES) as RequestKind[]

/**
 * One request, and at the same time the trap that asks for it. It serves one task at a time.
 *
 * @example
 * import { run } from 'drupe'
 * import { Request } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const { kind } = yield* new Request('lstat', { path: 'package.json' }, Infinity)
 *   console.log(kind) // => file
 * })
 */
export class Request<K extends RequestKind = RequestKind> extends Trap<RequestKinds[K]['output']> {
  /** Which request. */
  readonly kind: K
  /** What it needs to know. */
  readonly input: RequestKinds[K]['input']
  /** Set by the driver, together with a `result` of 0 or more. */
  output: RequestKinds[K]['output'] | null = null
  /** 0 or more, or negative: see driver/contract.ts. */
  result = 0
  /** Milliseconds, or Infinity. The kernel keeps this time; drivers do not look at it. */
  readonly timeout: number
  /** For the kernel alone: the task that waits. */
  owner: unknown = null
  /** For the kernel alone: asked to be withdrawn once, and said that its completion will come. */
  withdrawing = false

  /**
   * @param kind Which request.
   * @param input What it needs to know.
   * @param timeout Milliseconds, or Infinity.
   */
  constructor(kind: K, input: RequestKinds[K]['input'], timeout: number) {
    super(REQUEST, null, null, 0)
    checkWord('make a request', 'kind', kind, KINDS)
    checkOptions('make a request', 'input', input)
    checkTime('make a request', 'timeout', timeout)
    this.kind = kind
    this.input = input
    this.timeout = timeout
    if (tracker !== null) tracker.created(this, kind)
  }

  /** @internal */
  override next(task?: Resumed): IteratorResult<Trap, RequestKinds[K]['output']> {
    if (task === undefined) {
      HANDOVER.value = this
      return HANDOVER
    }
    ANSWER.value = this.output
    return ANSWER as IteratorReturnResult<RequestKinds[K]['output']>
  }

  /** @internal */
  override throw(error: unknown): IteratorResult<Trap, RequestKinds[K]['output']> {
    if (probe !== null && arrived(error)) return HANDOVER
    throw error
  }
}

/** Is it of this kind? Then its types are known. */
export function isKind<K extends RequestKind>(request: Request, kind: K): request is Request & Request<K> {
  return request.kind === kind
}

/** `open /etc/hosts`: for messages. */
export function requestAction({ kind, input }: Request): string {
  if ('to' in input) return `${kind} ${input.path} to ${input.to}`
  if ('path' in input) return `${kind} ${input.path}`
  if ('host' in input) return `look up ${kind === 'reverse' ? 'the name of ' : ''}${input.host}`
  return `${kind} fd ${input.fd}`
}
