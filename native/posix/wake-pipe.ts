/**
 * Being woken by other threads, on POSIX systems: a pipe.
 *
 * Descriptors are the process's, so any of its threads can write to it. What is written means
 * nothing: it makes the other end readable, and the driver there looks.
 */
import type { WakeToken } from '../../kernel/driver/contract.js'
import { Descriptor } from './descriptor.js'
import { Binder, type Libc } from './libc.js'

interface PipeToken {
  readonly pipe: number
}

/** The pipe of one driver. */
export class WakePipe {
  /** Readable when another thread has called. */
  readonly reader: Descriptor
  private readonly writer: Descriptor
  private readonly drain = new Uint8Array(4096)
  private readonly drainAt: number

  constructor(private readonly libc: Libc) {
    this.drainAt = libc.addressOf(this.drain)
    const pipe = new Int32Array(2)
    const result = libc.pipe(libc.addressOf(pipe))
    if (result < 0) pipe.fill(result)
    this.reader = new Descriptor(libc, pipe[0] as number)
    this.writer = new Descriptor(libc, pipe[1] as number)
  }

  /** Negative: there is none. */
  get fd(): number {
    return this.reader.fd
  }

  get token(): WakeToken {
    return { pipe: this.writer.fd } satisfies PipeToken as unknown as WakeToken
  }

  /** Empties it. Who finds it full need not write: it has not been emptied yet. */
  empty(): void {
    while (this.libc.read(this.fd, this.drainAt, this.drain.length) === this.drain.length);
  }

  close(): void {
    this.reader.close()
    this.writer.close()
  }
}

/** Is this such a token? Programs hand them from thread to thread. */
export function isPipeToken(token: unknown): token is WakeToken {
  const pipe = (token as PipeToken | null | undefined)?.pipe
  return Number.isInteger(pipe) && (pipe as number) >= 0
}

let write: ((pipe: number) => void) | null = null

/** Wakes the driver that the token is of. */
export function wakePipe(token: WakeToken): void {
  write ??= bindWrite()
  write((token as unknown as PipeToken).pipe)
}

function bindWrite(): (pipe: number) => void {
  const binder = new Binder()
  const call = binder.bind('write', 'int', 'uintptr_t', 'size_t')
  const byte = new Uint8Array(8)
  const at = binder.addressOf(byte)
  // Its closure keeps the byte alive.
  return (pipe) => void call(pipe, at, Math.min(byte.length, 1))
}
