/**
 * Listeners: sockets that accept connections, of whatever kind they are.
 *
 * A listener goes on: out of descriptors, with connections that fail before they are accepted, and
 * with one that was accepted for a task which is gone.
 */

import { mustBeClosed, tracked } from '../../kernel/protocol/debug.js'
import { ClosedError, SystemError } from '../../kernel/protocol/errors.js'
import { Fifo } from '../../kernel/protocol/fifo.js'
import type { Task } from '../../kernel/protocol/handles.js'
import { INSPECT } from '../../kernel/protocol/inspect.js'
import { ACCEPT, type Address, IoOp } from '../../kernel/protocol/io-op.js'
import { timeoutOf, type WaitOptions } from '../../kernel/protocol/operands.js'
import type { Operation, Trap } from '../../kernel/protocol/trap.js'
import { wasClosed } from '../../kernel/protocol/unclosed.js'
import type { Giver } from '../../kernel/protocol/wait-queue.js'
import { ask, pass } from '../raw/call.js'
import * as io from '../raw/io.js'
import { placeOf } from '../raw/ip.js'
import { sleep } from '../raw/time.js'
import { ASYNC_DISPOSE, Disposal } from '../scope/disposal.js'
import { within } from '../scope/scope.js'
import { Event } from '../sync/event.js'
import { type SocketOptions, setOptions } from './socket-options.js'
import { Stream } from './stream.js'
import { wrap } from './tls.js'
import type { TlsServerOptions } from './tls-options.js'
import type { Connection } from './tls-stream.js'
import type { SocketFile } from './unix.js'

/**
 * Accepting fails with these when the process or the OS has run out of something, and works again
 * later.
 */
const EXHAUSTED = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])
/**
 * It was the connection that failed before it was accepted, or a firewall that forbids it: not the
 * listener's trouble, and the next one may be fine. Linux gives accept(2) whatever error is pending
 * on the new connection.
 */
const GONE = new Set([
  ...[
    'ECONNABORTED',
    'EPROTO',
    'ENOPROTOOPT',
    'EPERM',
    'ENONET',
    'ENETDOWN',
    'EHOSTDOWN',
    'ENETUNREACH',
    'EHOSTUNREACH',
  ],
  // One number with two names, and what a connection can have pending.
  ...['EOPNOTSUPP', 'ENOTSUP', 'ETIMEDOUT', 'ECONNRESET'],
])

/**
 * After so many of those in a row it pauses, too: then it is all of them, and to ask at once would
 * be to spin.
 */
const MOST_GONE = 16
const PAUSE_MS = 100

/**
 * Where to listen: a port, of one host or of all, or a path. The options of a connection are those
 * of every one that is accepted.
 */
export interface ListenOptions extends SocketOptions {
  /** An IP address, or `localhost`. Default: every address of the machine. */
  readonly host?: string
  /** 0 takes a free one; `listener.port` tells which. */
  readonly port?: number
  /**
   * A Unix socket, instead of `host` and `port`. On Linux one that begins with `\0` is an abstract
   * name, without a file; on Windows `\\\\.\\pipe\\name` is a named pipe.
   */
  readonly path?: string
  /** The permissions of the file at `path`: who may connect. Default: as the umask says. */
  readonly mode?: number
  /**
   * Whether an IPv6 address is for IPv6 alone. Default: not so for `::`, which is every address of
   * the machine.
   */
  readonly ipv6Only?: boolean
  /** How many connections wait to be accepted before more are refused. Default 511. */
  readonly backlog?: number
  /**
   * Lets several sockets of one user listen on the same port, the OS sharing out connections: other
   * threads (see `serve`), but other processes, too.
   */
  readonly reusePort?: boolean
  /** Speaks TLS. Streams shake hands when they are first used; `serve` does it before. */
  readonly tls?: TlsServerOptions
}

/** A socket that accepts connections; `S`: what they are, streams or streams over TLS. */
export class Listener<S extends Connection = Stream> implements Giver {
  private op: IoOp<number> | null = null
  /** Connections that were accepted for a task which was cancelled before it saw them. */
  private readonly unclaimed = new Fifo<number>()
  /** @internal Set when it is closed. */
  readonly over = new Event()

  /** @internal */
  constructor(
    /** @internal -1 once it is closed. */
    public fd: number,
    /** Where it listens. */
    readonly address: Address,
    /** @internal What it was opened with. */
    readonly options: ListenOptions,
    private readonly file: SocketFile | null = null,
  ) {
    mustBeClosed(this)
  }

  /** `console.log(listener)` is one line. */
  [INSPECT](): string {
    return `Listener (${placeOf(this.address)}, ${this.fd < 0 ? 'closed' : `fd ${this.fd}`})`
  }

  /** The port that it listens on; 0 if that is a path. */
  get port(): number {
    return this.address.family === 'unix' ? 0 : this.address.port
  }

  /**
   * Waits for a connection. Out of descriptors or memory it pauses 100 ms and goes on: connected
   * peers are served meanwhile, and the others wait in the backlog. Connections that fail before
   * they are accepted, or that no option can be set on, are passed over. If the task is cancelled
   * while it waits, or `timeout` is over, no connection is lost: it is for the next `accept`.
   *
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws ClosedError if the listener is closed, before or meanwhile.
   * @throws BusyError if another task is accepting.
   * @throws TimeoutError after `timeout` milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  accept(options?: WaitOptions): Operation<S> {
    const ms = timeoutOf('accept a connection', options)
    return tracked('accept', within('accept a connection', ms, this.acceptOperation()))
  }

  private *acceptOperation(): Operation<S> {
    for (let gone = 0; ; ) {
      if (this.fd < 0) throw new ClosedError('accept a connection', 'the listener is closed')
      try {
        const fd = yield* this.next()
        try {
          if (this.address.family !== 'unix') yield* setOptions(fd, this.options)
          return this.streamOf(fd)
        } catch (error) {
          yield* io.close(fd)
          if (!(error instanceof SystemError)) throw error
          gone++
        }
      } catch (error) {
        while (this.fd < 0 && this.unclaimed.size > 0) yield* io.close(this.unclaimed.take())
        if (!(error instanceof SystemError)) throw error
        if (GONE.has(error.code)) gone++
        else if (!EXHAUSTED.has(error.code)) throw error
        else yield* sleep(PAUSE_MS)
      }
      if (gone >= MOST_GONE) yield* sleep(PAUSE_MS)
    }
  }

  private streamOf(fd: number): S {
    const stream = new Stream(fd)
    const { tls } = this.options
    return (tls === undefined ? stream : wrap(stream, 'server', tls, '')) as S
  }

  private *next(): Operation<number> {
    if (this.unclaimed.size > 0) {
      yield* pass()
      if (this.unclaimed.size > 0) return this.unclaimed.take()
    }
    this.op ??= new IoOp<number>(ACCEPT, this.fd, null, 0, 0, Number.POSITIVE_INFINITY, this)
    return yield* this.op
  }

  /** @internal For the kernel: a connection was not delivered, so it is for the next `accept`. */
  undo(_task: Task, _trap: Trap<unknown>, fd: unknown): boolean {
    this.unclaimed.add(fd as number)
    return true
  }

  /**
   * Stops listening; a task in `accept` gets a ClosedError. A second close does nothing. Does not
   * wait, but for the file of a Unix socket to be gone, and no cancel keeps that from happening. A
   * file that has taken its place is left alone.
   */
  close(): Operation<void> {
    return tracked('close', this.closeOperation())
  }

  private *closeOperation(): Operation<void> {
    if (this.file !== null && this.fd >= 0) yield* this.file.remove()
    yield* ask('close', (driver) => {
      if (this.fd < 0) return undefined
      const result = driver.closeFd(this.fd)
      this.fd = -1
      wasClosed(this)
      while (this.unclaimed.size > 0) driver.closeFd(this.unclaimed.take())
      return result < 0 ? result : undefined
    })
    yield* this.over.set()
  }

  /** Closes it at the end of a block: `yield* using(…)`, or `use`. */
  [ASYNC_DISPOSE](): Disposal {
    return new Disposal(this)
  }
}
