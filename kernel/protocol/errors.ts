/**
 * Every error that Drupe makes.
 *
 * Each class has a stable `code` to switch on; messages read "Cannot <action>: <why>" and may
 * improve. Three classes say why a stream does not work any more, as in Trio: you closed it
 * (ClosedError), another task is using it (BusyError), the other side broke it (BrokenError).
 * `Cancelled` is not a failure: it asks a task to leave, and it should pass through every `catch`
 * that is not about it.
 */
import type { ExecResult } from './processes.js'
import type { TlsCertificate } from './tls.js'

/** How much of a program's error output goes into a message. */
const SHOWN_BYTES = 1000

/**
 * What all of Drupe's own errors have in common: a stable `code`, and a `cause` where there is one.
 *
 * @example
 * import { DrupeError, run, sleep, timeout } from 'drupe'
 *
 * try {
 *   await run(() => timeout(1, () => sleep(60_000)))
 * } catch (error) {
 *   if (error instanceof DrupeError) console.log(error.code) // => DRUPE_TIMEOUT
 * }
 */
export class DrupeError extends Error {
  /** Stable, to switch on: `DRUPE_TIMEOUT`; of a SystemError the symbolic name, `ECONNREFUSED`. */
  readonly code: string

  /**
   * @param code For programs; it stays.
   * @param message For people.
   * @param options A `cause`.
   */
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  /** The name of the class. */
  override get name(): string {
    return this.constructor.name
  }
}

/**
 * Thrown into a task, at the trap it waits in, when a scope around it is cancelled.
 *
 * Clean up in `finally`, or catch it, clean up and throw it on. The scope that was cancelled
 * catches it at its edge.
 *
 * @see https://trio.readthedocs.io/en/stable/reference-core.html#cancellation-and-timeouts
 */
export class Cancelled extends DrupeError {
  /** The scope that was cancelled; only this scope catches the error. */
  readonly scope!: object
  /** What was given to `cancel(reason)`; undefined for a deadline. */
  readonly reason: unknown

  /**
   * @param scope The scope that is cancelled.
   * @param what Its name, for the message.
   * @param reason What the canceller said.
   */
  constructor(scope: object, what: string, reason: unknown) {
    super('DRUPE_CANCELLED', `Cannot go on: ${what} was cancelled${reason === undefined ? '' : ` (${textOf(reason)})`}`)
    // Not enumerable: printing the error would print the whole kernel.
    Object.defineProperty(this, 'scope', { value: scope })
    this.reason = reason
  }
}

/**
 * The scope that a thrown value is the `Cancelled` of; null if it is something else. Anything can
 * be thrown, also what throws when it is asked for its class.
 */
export function scopeOf(error: unknown): object | null {
  try {
    return error instanceof Cancelled ? error.scope : null
  } catch {
    return null
  }
}

/** A reason can be anything, and not everything can be made a string. */
function textOf(reason: unknown): string {
  try {
    return String(reason)
  } catch {
    return typeof reason
  }
}

/** `timeout(ms, …)` or the `{ timeout }` of an I/O trap ran out. */
export class TimeoutError extends DrupeError {
  /** How long was allowed, in milliseconds; NaN where only an absolute deadline was given. */
  readonly ms: number

  /**
   * @param action What was to be done: "Cannot <action>: …".
   * @param ms Milliseconds that it had.
   * @param options A `cause`.
   */
  constructor(action: string, ms: number, options?: ErrorOptions) {
    super(
      'DRUPE_TIMEOUT',
      `Cannot ${action}: ${Number.isNaN(ms) ? 'the deadline has passed' : `not done within ${ms} ms`}`,
      options,
    )
    this.ms = ms
  }
}

/**
 * `join()` on a task that was cancelled. Never the joiner's own `Cancelled`: the two must not be
 * confused.
 */
export class TaskCancelledError extends DrupeError {
  /**
   * @param task Its name.
   * @param options A `cause`.
   */
  constructor(task: string, options?: ErrorOptions) {
    super('DRUPE_TASK_CANCELLED', `Cannot join ${task}: it was cancelled`, options)
  }
}

/** The thing was closed on this side: before the call, or by another task during it. */
export class ClosedError extends DrupeError {
  /**
   * @param action What was to be done: "Cannot <action>: …".
   * @param why The rest of the message.
   * @param options A `cause`.
   */
  constructor(action: string, why = 'it is closed', options?: ErrorOptions) {
    super('DRUPE_CLOSED', `Cannot ${action}: ${why}`, options)
  }
}

/** Another task is already doing this; one reader and one writer at a time. */
export class BusyError extends DrupeError {
  /**
   * @param action What was to be done: "Cannot <action>: …".
   * @param why The rest of the message.
   */
  constructor(action: string, why: string) {
    super('DRUPE_BUSY', `Cannot ${action}: ${why}`)
  }
}

/**
 * The buffer of an operation was transferred, or made smaller, before the operation was done with
 * it.
 */
export class BufferError extends DrupeError {
  /**
   * @param action What was to be done: "Cannot <action>: …".
   */
  constructor(action: string) {
    super('DRUPE_BUFFER', `Cannot ${action}: its buffer was transferred or made smaller meanwhile`)
  }
}

/** The other side broke it: the stream ended in the middle, the peer is gone. */
export class BrokenError extends DrupeError {
  /** What had arrived before it broke, where that is known. */
  readonly partial: Uint8Array | undefined

  /**
   * @param action What was to be done: "Cannot <action>: …".
   * @param why The rest of the message.
   * @param partial What had been read before.
   * @param options A `cause`.
   */
  constructor(action: string, why: string, partial?: Uint8Array, options?: ErrorOptions) {
    super('DRUPE_BROKEN', `Cannot ${action}: ${why}`, options)
    this.partial = partial
  }
}

/**
 * The other end has another key, or what came is not what it sent: changed, repeated or left out.
 */
export class AuthenticationError extends DrupeError {
  /**
   * @param action What was to be done: "Cannot <action>: …".
   * @param why The rest of the message.
   */
  constructor(action: string, why: string) {
    super('DRUPE_AUTHENTICATION', `Cannot ${action}: ${why}`)
  }
}

/**
 * There is more of it than was allowed: a line too long, a stream with too many bytes. What has
 * arrived is still there.
 */
export class TooLargeError extends DrupeError {
  /** How many bytes were allowed. */
  readonly maxBytes: number

  /**
   * @param action What was to be done: "Cannot <action>: …".
   * @param maxBytes The limit.
   */
  constructor(action: string, maxBytes: number) {
    super('DRUPE_TOO_LARGE', `Cannot ${action}: it does not fit into ${maxBytes} bytes`)
    this.maxBytes = maxBytes
  }
}

/**
 * Every task waits for another one, or for host code that will not call back: nothing could ever
 * wake them.
 */
export class DeadlockError extends DrupeError {
  /**
   * @param waiting A line for each task: where it waits.
   * @param why The rest of the message.
   */
  constructor(waiting: readonly string[], why = 'wait for each other and nothing else is under way') {
    super('DRUPE_DEADLOCK', `Cannot go on: ${waiting.length} task(s) ${why}: ${waiting.join('; ')}`)
  }
}

/**
 * A kernel used in a way that it cannot work: closed, entered again from inside, or from another
 * kernel's task.
 */
export class KernelStateError extends DrupeError {
  /**
   * @param action What was to be done: "Cannot <action>: …".
   * @param why The rest of the message.
   * @param options A `cause`.
   */
  constructor(action: string, why: string, options?: ErrorOptions) {
    super('DRUPE_KERNEL_STATE', `Cannot ${action}: ${why}`, options)
  }
}

/**
 * Debug mode: an operation was made and never run, most likely for want of a `yield*`. Its stack is
 * the line that made it.
 */
export class ForgottenYieldError extends DrupeError {
  /**
   * @param name Of the operation that nobody ran.
   * @param task The task that made it.
   */
  constructor(name: string, task: unknown) {
    super(
      'DRUPE_FORGOTTEN_YIELD',
      `Cannot finish ${String(task)}: ${name}() was called and never run; write "yield* ${name}(…)"`,
    )
  }
}

/** The driver has no such operation: files in a browser, say. */
export class UnsupportedError extends DrupeError {
  /**
   * @param action What was to be done: "Cannot <action>: …".
   * @param why The rest of the message.
   */
  constructor(action: string, why: string) {
    super('DRUPE_UNSUPPORTED', `Cannot ${action}: ${why}`)
  }
}

/** What a TlsError tells beside its message. */
export interface TlsErrorFields {
  /** The engine's word for it: `CERT_HAS_EXPIRED`, `WRONG_VERSION_NUMBER`, `UNEXPECTED_EOF`. */
  readonly reason: string
  /** In words. */
  readonly text: string
  /** The certificate at fault. */
  readonly certificate?: TlsCertificate | undefined
}

/**
 * TLS does not come about, or breaks: a peer that is not who it should be, that does not speak it,
 * or that ends in the middle; a certificate or a key that cannot be read.
 */
export class TlsError extends DrupeError {
  /** The engine's word for it, as Node and OpenSSL have it: `CERT_HAS_EXPIRED`. */
  readonly reason: string
  /** The certificate at fault, if it is about one. */
  readonly certificate!: TlsCertificate | undefined

  /**
   * @param action What was to be done: "Cannot <action>: …".
   * @param fields What is known of it.
   * @param options A `cause`.
   */
  constructor(action: string, { reason, text, certificate }: TlsErrorFields, options?: ErrorOptions) {
    const whose =
      certificate === undefined ? '' : `; the certificate is of ${certificate.subject.replaceAll('\n', ', ')}`
    super('DRUPE_TLS', `Cannot ${action}: ${text} (${reason})${whose}`, options)
    this.reason = reason
    // Not enumerable: printing the error would print all bytes of it.
    Object.defineProperty(this, 'certificate', { value: certificate })
  }
}

/** A program that had to succeed did not. Its message has the end of what it wrote about errors. */
export class ProcessError extends DrupeError {
  /** What it returned; null if a signal ended it. */
  readonly exitCode: number | null
  /** The signal that ended it; null if it ended by itself. */
  readonly signal: string | null
  /** What it wrote. */
  readonly stdout!: Uint8Array
  /** What it wrote about errors. */
  readonly stderr!: Uint8Array

  /**
   * @param action What was to be done: "Cannot <action>: …".
   * @param ended How it ended, and what it wrote.
   */
  constructor(action: string, ended: ExecResult) {
    const { code, signal, stdout, stderr } = ended
    const why = signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`
    const text = new TextDecoder().decode(stderr.subarray(-SHOWN_BYTES)).trim()
    super('DRUPE_PROCESS', `Cannot ${action}: ${why}${text === '' ? '' : `: ${text}`}`)
    this.exitCode = code
    this.signal = signal
    // Not enumerable: printing the error would print a megabyte.
    Object.defineProperty(this, 'stdout', { value: stdout })
    Object.defineProperty(this, 'stderr', { value: stderr })
  }
}

/** What Node's own system errors carry, so that code written for those reads these. */
export interface SystemErrorFields {
  /** Symbolic name: `ECONNREFUSED`. */
  code: string
  /** The negative errno, as Node has it. */
  errno: number
  /** The call that failed, as Node calls it: `connect`. */
  syscall: string
  /** In words: `connection refused`. */
  text: string
  /** The IP address, or the path of a Unix socket, that the call was about. */
  address?: string | undefined
  /** The port that the call was about. */
  port?: number | undefined
  /** The file that the call was about. */
  path?: string | undefined
  /** What it came from. */
  cause?: unknown
}

/**
 * The operating system refused. Shaped like Node's own system errors.
 *
 * @example
 * import { readFile, run, SystemError } from 'drupe'
 *
 * await run(function* () {
 *   try {
 *     yield* readFile('no-such-file')
 *   } catch (error) {
 *     if (error instanceof SystemError) console.log(error.code, error.path) // => ENOENT no-such-file
 *   }
 * })
 */
export class SystemError extends DrupeError {
  /** The negative errno, as Node has it. */
  readonly errno: number
  /** The call that failed: `connect`. */
  readonly syscall: string
  /** The IP address, or the path of a Unix socket, that the call was about. */
  readonly address?: string
  /** The port that the call was about. */
  readonly port?: number
  /** The file that the call was about. */
  readonly path?: string

  /**
   * @param fields What Node's errors of the system have.
   */
  constructor(fields: SystemErrorFields) {
    const { code, errno, syscall, text, address, port, path, cause } = fields
    const place = path ?? address
    const where = place === undefined ? '' : port === undefined ? ` ${place}` : ` ${place}:${port}`
    super(code, `Cannot ${syscall}${where}: ${text} (${code})`, cause === undefined ? undefined : { cause })
    this.errno = errno
    this.syscall = syscall
    if (address !== undefined) this.address = address
    if (port !== undefined) this.port = port
    if (path !== undefined) this.path = path
  }
  /** @internal In words: `connection refused`. */
  get text(): string {
    return this.message.slice(this.message.indexOf(': ') + 2, -` (${this.code})`.length)
  }
}
