/**
 * UDP: datagrams, one at a time, each with the address that it came from or goes to.
 */

import { operation, tracked } from '../../kernel/protocol/debug.js'
import { ClosedError } from '../../kernel/protocol/errors.js'
import { Fifo } from '../../kernel/protocol/fifo.js'
import type { Task } from '../../kernel/protocol/handles.js'
import { INSPECT } from '../../kernel/protocol/inspect.js'
import { type Address, IoOp, RECEIVE, SEND } from '../../kernel/protocol/io-op.js'
import { checkBytes, checkOptions, checkSwitch, timeoutOf, type WaitOptions } from '../../kernel/protocol/operands.js'
import type { Operation, Trap } from '../../kernel/protocol/trap.js'
import type { Giver } from '../../kernel/protocol/wait-queue.js'
import { ask, pass } from '../raw/call.js'
import * as io from '../raw/io.js'
import { type Endpoint, placeOf, toAddress } from '../raw/ip.js'
import { ASYNC_DISPOSE, Disposal } from '../scope/disposal.js'

/** The largest payload that UDP can carry. */
const MOST_BYTES = 65_535

/** Where a datagram socket listens. */
export interface UdpOptions {
  /** An IP address, or `localhost`. Default `0.0.0.0`: every IPv4 address of the machine. */
  readonly host?: string
  /** Default 0: a free one. */
  readonly port?: number
  /** Allows datagrams to broadcast addresses. */
  readonly broadcast?: boolean
  readonly reusePort?: boolean
}

/** What came: the bytes, owned by the caller, and the address that they came from. */
export interface Datagram {
  readonly bytes: Uint8Array
  readonly from: Address
}

/** A bound datagram socket. */
export class UdpSocket implements Giver {
  /** Datagrams that were received for a task which was cancelled before it saw them. */
  private readonly unclaimed = new Fifo<Datagram>()

  /** @internal */
  constructor(
    private fd: number,
    /** Where it is bound. */
    readonly address: Address,
  ) {}

  /** `console.log(socket)` is one line. */
  [INSPECT](): string {
    return `UdpSocket (${placeOf(this.address)}, ${this.fd < 0 ? 'closed' : `fd ${this.fd}`})`
  }

  /** The port that it is bound to. */
  get port(): number {
    return this.address.family === 'unix' ? 0 : this.address.port
  }

  /**
   * Waits for a datagram. If the task is cancelled while it waits, or `timeout` is over, none was
   * taken.
   *
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws ClosedError if the socket is closed, before or meanwhile.
   * @throws BusyError if another task is receiving.
   * @throws TimeoutError after `timeout` milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  receive(options?: WaitOptions): Operation<Datagram> {
    if (this.unclaimed.size > 0) return tracked('receive', this.receiveUnclaimed(options))
    const fd = this.opened('receive a datagram')
    const op = new IoOp<Datagram>(
      RECEIVE,
      fd,
      new Uint8Array(MOST_BYTES),
      0,
      MOST_BYTES,
      timeoutOf('receive a datagram', options),
      this,
    )
    op.convert = datagram
    return op
  }

  private *receiveUnclaimed(options: WaitOptions | undefined): Operation<Datagram> {
    yield* pass()
    // Meanwhile another task may have had it.
    return this.unclaimed.size > 0 ? this.unclaimed.take() : yield* this.receive(options)
  }

  /** @internal For the kernel: a datagram was not delivered, so it is for the next `receive`. */
  undo(_task: Task, trap: Trap<unknown>, bytes: unknown): boolean {
    this.unclaimed.add(datagram(trap as IoOp, bytes as number))
    return true
  }

  /**
   * Sends one datagram, and returns how many bytes it had. Waits only if the OS has no room for it.
   * If the task is cancelled while it waits, it was not sent.
   *
   * @param bytes The payload.
   * @param to An address, or a host and a port.
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws SystemError if the OS refuses it: `EMSGSIZE`, `ENETUNREACH`, …
   * @throws ClosedError if the socket is closed, before or meanwhile.
   * @throws BusyError if another task is sending.
   * @throws TimeoutError after `timeout` milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  send(bytes: Uint8Array, to: Endpoint, options?: WaitOptions): Trap<number> {
    checkBytes('send a datagram', 'bytes', bytes)
    const fd = this.opened('send a datagram')
    const op = new IoOp<number>(SEND, fd, bytes, 0, bytes.length, timeoutOf('send a datagram', options))
    op.address = toAddress('send a datagram', to)
    return op
  }

  /**
   * Closes it; tasks that wait on it get a ClosedError. A second close does nothing. Does not wait.
   */
  close(): Trap<void> {
    return ask('close', (driver) => {
      if (this.fd < 0) return undefined
      const fd = this.fd
      this.fd = -1
      const result = driver.closeFd(fd)
      return result < 0 ? result : undefined
    }) as Trap<void>
  }

  /** Closes it at the end of a block: `yield* using(…)`, or `use`. */
  [ASYNC_DISPOSE](): Disposal {
    return new Disposal(this)
  }

  private opened(action: string): number {
    if (this.fd < 0) throw new ClosedError(action)
    return this.fd
  }
}

function datagram(op: IoOp, bytes: number): Datagram {
  const buffer = op.buffer as Uint8Array
  op.dropBytes()
  // A copy of the right size: the buffer is as large as the largest datagram.
  return { bytes: buffer.slice(0, bytes), from: op.address as Address }
}

/**
 * Opens a datagram socket. Close it when done.
 *
 * @param options Where to listen. Default: a free port of all IPv4 addresses.
 * @throws SystemError if the port is taken (`EADDRINUSE`), not allowed (`EACCES`), …, with
 * `address` and `port`.
 * @throws RangeError if the port is no port.
 * @throws TypeError if `host` is neither an IP address nor `localhost`.
 * @example
 * import { run, udp } from 'drupe'
 *
 * await run(function* () {
 *   const a = yield* udp({ host: '127.0.0.1' })
 *   const b = yield* udp({ host: '127.0.0.1' })
 *   yield* a.send(new TextEncoder().encode('ping'), { host: '127.0.0.1', port: b.port })
 *   const { bytes, from } = yield* b.receive()
 *   console.log(new TextDecoder().decode(bytes), from.family) // => ping ipv4
 *   yield* a.close()
 *   yield* b.close()
 * })
 */
export function udp(options: UdpOptions = {}): Operation<UdpSocket> {
  checkOptions('bind', 'options', options)
  checkSwitch('bind', 'broadcast', options.broadcast)
  checkSwitch('bind', 'reusePort', options.reusePort)
  const address = toAddress('bind', { host: options.host ?? '0.0.0.0', port: options.port ?? 0 })
  return operation('udp', function* () {
    const fd = yield* io.socket(address.family === 'ipv6' ? 'udp6' : 'udp4')
    try {
      if (options.broadcast) yield* io.setOption(fd, 'broadcast', true)
      if (options.reusePort) yield* io.setOption(fd, 'reusePort', true)
      yield* io.bind(fd, address)
      return new UdpSocket(fd, yield* io.localAddress(fd))
    } catch (error) {
      yield* io.close(fd)
      throw error
    }
  })
}
