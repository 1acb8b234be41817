/**
 * The standard streams of a child process: three handles that it inherits, and our ends of its
 * pipes.
 *
 * A pipe is a named pipe with a name that nobody knows, because only those have ends that complete
 * to a port. Our end does; the child's is an ordinary one, as every program expects it. What the
 * child is given is made for it, inheritable, and closed here as soon as the child has it.
 */
import { STDIO_IGNORE, STDIO_INHERIT, STDIO_OUTPUT, STDIO_PIPE } from '../../kernel/driver/contract.js'
import { EBADF, numberOf } from '../posix/errno.js'
import * as c from './constants.js'
import { resultOf } from './errors.js'
import type { Handles } from './handles.js'
import type { Windows } from './kernel32.js'
import type { Port } from './port.js'
import type { ProcessFunctions } from './process-calls.js'

/** What Windows keeps in a pipe before a write has to wait. */
const BUFFER_BYTES = 64 * 1024
const OWN_PROCESS = -1

/** The streams of one child. */
export class ChildStreams {
  /** What it inherits: input, output, error output. */
  readonly handles: number[] = []
  /** Our ends; invalid where there is none. */
  readonly ends = [c.INVALID_HANDLE, c.INVALID_HANDLE, c.INVALID_HANDLE]

  constructor(
    private readonly windows: Windows,
    private readonly calls: ProcessFunctions,
    private readonly port: Port,
    private readonly opened: Handles,
  ) {}

  /** 0, or why there are none. */
  open(stdio: readonly number[]): number {
    for (const [target, wanted] of stdio.entries()) {
      const handle = this.handleFor(target, wanted)
      if (handle < 0) return handle
      this.handles.push(handle)
    }
    return 0
  }

  /** The child has them, or there will be none. */
  closeTheirs(): void {
    for (const handle of new Set(this.handles)) this.windows.closeHandle(handle)
  }

  closeOurs(): void {
    for (const handle of this.ends) if (handle !== c.INVALID_HANDLE) this.windows.closeHandle(handle)
  }

  private handleFor(target: number, wanted: number): number {
    if (wanted === STDIO_PIPE) return this.pipe(target)
    if (wanted === STDIO_OUTPUT) return this.handles[1] as number
    if (wanted === STDIO_IGNORE) return this.nothing()
    if (wanted === STDIO_INHERIT) {
      const own = this.windows.handleOf(target)
      // A program without a console may have none.
      return own <= 0 ? this.nothing() : this.copy(own)
    }
    const file = this.opened.get(wanted)
    if (file === null) return EBADF
    // What completes to our port is no stream for a program that does not know of it.
    if (file.hostFd < 0) return numberOf('ENOTSUP')
    // The host's own handle: ours is for overlapped calls.
    return this.copy(this.windows.handleOf(file.hostFd))
  }

  private pipe(target: number): number {
    const { windows } = this
    const name = `\\\\.\\pipe\\drupe-${process.getBuiltinModule('node:crypto').randomUUID()}`
    const [ours, theirs] =
      target === 0
        ? [c.PIPE_ACCESS_OUTBOUND, c.GENERIC_READ + c.FILE_WRITE_ATTRIBUTES]
        : [c.PIPE_ACCESS_INBOUND, c.GENERIC_WRITE + c.FILE_READ_ATTRIBUTES]
    const flags = ours + c.FILE_FLAG_OVERLAPPED + c.FILE_FLAG_FIRST_PIPE_INSTANCE
    const end = windows.makePipe(name, flags, c.PIPE_REJECT_REMOTE_CLIENTS, 1, BUFFER_BYTES, BUFFER_BYTES, 0, 0)
    if (end === c.INVALID_HANDLE) return resultOf(windows.lastError())
    this.ends[target] = end
    const result = this.port.associate(end)
    return result < 0 ? result : this.file(name, theirs)
  }

  private nothing(): number {
    return this.file('NUL', c.GENERIC_READ_WRITE)
  }

  private file(path: string, access: number): number {
    const { inheritableAt } = this.calls
    const handle = this.windows.openFile(path, access, c.FILE_SHARE_ALL, inheritableAt, c.OPEN_EXISTING, 0, 0)
    return handle === c.INVALID_HANDLE ? resultOf(this.windows.lastError()) : handle
  }

  private copy(handle: number): number {
    const copy = new BigInt64Array(1)
    const at = this.windows.addressOf(copy)
    const { duplicate } = this.calls
    const done = duplicate(OWN_PROCESS, handle, OWN_PROCESS, at, 0, 1, c.DUPLICATE_SAME_ACCESS)
    return done === 0 ? resultOf(this.windows.lastError()) : Number(copy[0])
  }
}
