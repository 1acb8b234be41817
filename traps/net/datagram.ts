/**
 * What sockets of datagrams have in common, whatever their addresses are: one that receives loses
 * nothing, and sends wholes.
 *
 * A socket keeps one operation for receiving, and with it the room for the next datagram, whatever
 * became of the last one. What came for a task that was cancelled before it saw it is for the next
 * `receive`.
 */
import { mustBeClosed, tracked } from '../../kernel/protocol/debug.js'
import { ClosedError } from '../../kernel/protocol/errors.js'
import { Fifo } from '../../kernel/protocol/fifo.js'
import type { Task } from '../../kernel/protocol/handles.js'
import { type Address, IoOp, RECEIVE, SEND } from '../../kernel/protocol/io-op.js'
import { checkCount, checkOptions, timeoutOf, type WaitOptions } from '../../kernel/protocol/operands.js'
import type { Operation, Trap } from '../../kernel/protocol/trap.js'
import { wasClosed } from '../../kernel/protocol/unclosed.js'
import type { Giver } from '../../kernel/protocol/wait-queue.js'
import { ask, pass } from '../raw/call.js'
import { ASYNC_DISPOSE, Disposal } from '../scope/disposal.js'

/** How a datagram is received. */
export interface ReceiveOptions extends WaitOptions {
  /** Room for so many bytes; what is longer is cut off, and told. Default: any datagram fits. */
  readonly maxBytes?: number
}

/** What came: the bytes, owned by the caller, and whom they came from. */
export interface Datagram<From = Address> {
  /** What was sent; it belongs to the caller. */
  readonly bytes: Uint8Array
  /** Who sent it. */
  readonly from: From
  /** It was longer than `maxBytes`, and its end is lost. */
  readonly truncated: boolean
}

/** A socket of datagrams: a UdpSocket or a UnixDatagramSocket. */
export abstract class DatagramSocket<From = Address> implements Giver {
  /** Datagrams that were received for a task which was cancelled before it saw them. */
  private readonly unclaimed = new Fifo<Datagram<From>>()
  /** It keeps its room between two uses: much memory takes time to clear. */
  private receiver: IoOp<Datagram<From>> | null = null
  /** The last one, which may not have run yet. */
  private sender: IoOp<number> | null = null
  /** @internal -1 once it is closed. */
  protected fd: number

  /**
   * @internal
   * @param usual Few datagrams have more bytes.
   * @param most No datagram has more.
   */
  constructor(
    fd: number,
    private readonly usual: number,
    private readonly most: number,
  ) {
    this.fd = fd
    mustBeClosed(this)
  }

  /** @internal What an address is to those who receive. */
  protected abstract sourceOf(address: Address | null): From

  /** @internal */
  abstract close(): Operation<void>

  /**
   * Waits for a datagram. If the task is cancelled while it waits, or `timeout` is over, none was
   * taken.
   *
   * A datagram that is longer than `maxBytes` comes cut off, with `truncated`. A connected socket
   * hears its peer alone, and one of UDP is told what became of earlier datagrams.
   *
   * @param options `timeout` in milliseconds, default: no limit; `maxBytes`, default: any.
   * @throws SystemError on a connected socket: `ECONNREFUSED` if nobody listens at the peer.
   * @throws ClosedError if the socket is closed, before or meanwhile.
   * @throws BusyError if another task is receiving.
   * @throws TimeoutError after `timeout` milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  receive(options?: ReceiveOptions): Operation<Datagram<From>> {
    checkOptions('receive a datagram', 'options', options)
    const { maxBytes = this.usual } = options ?? {}
    checkCount('receive a datagram', 'maxBytes', maxBytes, 1, this.most)
    const ms = timeoutOf('receive a datagram', options)
    const fd = this.opened('receive a datagram')
    if (this.unclaimed.size > 0) return tracked('receive', this.receiveUnclaimed(options))
    let op = this.receiver
    if (op === null || !op.claim()) {
      op = new IoOp<Datagram<From>>(RECEIVE, fd, null, 0, 0, 0, this)
      op.claim()
      op.convert = (done, bytes) => this.take(done, bytes)
      // Of two at once the driver says which is too many.
      if (this.receiver?.owner == null) this.receiver = op
    }
    const room = Math.max(maxBytes, this.usual)
    if (op.buffer?.length !== room) op.buffer = new Uint8Array(room)
    op.length = maxBytes
    op.timeout = ms
    return op
  }

  private *receiveUnclaimed(options: ReceiveOptions | undefined): Operation<Datagram<From>> {
    yield* pass()
    this.opened('receive a datagram')
    // Meanwhile another task may have had it.
    return this.unclaimed.size > 0 ? this.unclaimed.take() : yield* this.receive(options)
  }

  /** @internal For the kernel: a datagram was not delivered, so it is for the next `receive`. */
  undo(_task: Task, trap: Trap<unknown>, bytes: unknown): boolean {
    if (this.fd >= 0) this.unclaimed.add(this.take(trap as IoOp, bytes as number))
    return true
  }

  private take(op: IoOp, bytes: number): Datagram<From> {
    const room = op.buffer as Uint8Array
    if (room.length !== this.usual) op.dropBytes()
    return { bytes: room.slice(0, bytes), from: this.sourceOf(op.address), truncated: op.truncated }
  }

  /** @internal The operation that sends one; without an address, to the peer. */
  protected sending(bytes: Uint8Array, address: Address | null, timeout: number): IoOp<number> {
    const fd = this.opened('send a datagram')
    const op = new IoOp<number>(SEND, fd, bytes, 0, bytes.length, timeout)
    op.address = address
    op.convert = sent
    this.sender = op
    return op
  }

  /** @internal Closes the descriptor; a second time does nothing. */
  protected closeFd(): Trap<void> {
    return ask('close', (driver) => {
      if (this.fd < 0) return undefined
      const fd = this.fd
      this.fd = -1
      wasClosed(this)
      this.unclaimed.clear()
      const result = driver.closeFd(fd)
      this.forgetUses()
      return result < 0 ? result : undefined
    }) as Trap<void>
  }

  /** One that has not run must not run on what gets the descriptor next. */
  private forgetUses(): void {
    for (const op of [this.receiver, this.sender]) {
      if (op?.running !== false) continue
      op.fd = -1
      op.dropBytes()
    }
    this.receiver = this.sender = null
  }

  /** Closes it at the end of a block: `yield* using(…)`, or `use`. */
  [ASYNC_DISPOSE](): Disposal {
    return new Disposal(this)
  }

  /** @internal Its descriptor, for an action. */
  protected opened(action: string): number {
    if (this.fd < 0) throw new ClosedError(action)
    return this.fd
  }
}

function sent(op: IoOp, bytes: number): number {
  op.dropBytes()
  return bytes
}
