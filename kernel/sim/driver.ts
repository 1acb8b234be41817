/**
 * The simulated driver: sockets of a simulated host, under the same contract as epoll's and
 * io_uring's.
 *
 * It is one process of its host: a table of descriptors, and the operations that wait on them. A
 * socket that has news is *touched*, and looked at in the next `poll`. To sleep is to step the
 * stage, which lets other kernels run and moves the common clock. In the `completion` style nothing
 * completes at once and a cancel answers "its completion will come", as mechanisms of that kind do.
 */
import { type Attachment, CANCELED, CLOSED, type Driver, isReader } from '../driver/contract.js'
import { CONNECT, type IoOp } from '../protocol/io-op.js'
import type { Request } from '../protocol/request.js'
import { attempt, type Desk, refusalOf } from './attempt.js'
import { EBADF, ESPIPE } from './errno.js'
import type { SimHost } from './host.js'
import { BufferLender } from './lender.js'
import { FIRST_FD, SimProcess } from './process.js'
import type { Holder, SimSocket } from './socket.js'
import type { Actor } from './stage.js'
import { stuck } from './stuck.js'

/**
 * A driver for a kernel on a simulated host; `host.driver()` makes it.
 *
 * @example
 * import { Kernel } from 'drupe'
 * import { SimNetwork } from 'drupe/testing'
 *
 * const network = new SimNetwork()
 * const kernel = new Kernel({ driver: network.host('server').driver() })
 * console.log(kernel.driver) // => simulated
 * kernel.closeSync()
 */
export class SimDriver extends SimProcess implements Actor, Desk, Driver, Holder {
  /** @internal */
  readonly lender = new BufferLender()
  private readonly touched: SimSocket[] = []
  private readonly cancelled = new Set<IoOp>()
  private readonly completing: boolean
  private complete: (op: IoOp) => void = () => {}
  private completeRequest: (request: Request) => void = () => {}
  private turn: (() => void) | null = null
  private scheduled = false
  private woken = false
  /** In a turn, or asleep in `poll`: what steps the stage meanwhile must not call the turn. */
  private busy = 0
  /** The clock never goes backwards, and never shows less than an alarm that went off. */
  private latest = Number.NEGATIVE_INFINITY

  /** @internal */
  constructor(host: SimHost) {
    super(host)
    this.completing = host.options.style === 'completion'
    host.network.stage.actors.add(this)
  }

  now(): number {
    const now = this.host.now()
    if (now > this.latest) this.latest = now
    return this.latest
  }

  override start(complete: (op: IoOp) => void, completeRequest: (request: Request) => void): void {
    this.complete = complete
    this.completeRequest = completeRequest
  }

  override arm(at: number): void {
    super.arm(at)
    if (at !== Number.POSITIVE_INFINITY) this.host.network.stage.request()
  }

  override submit(op: IoOp): boolean {
    const socket = this.files[op.fd]
    const refusal = this.closed
      ? CLOSED
      : socket === undefined
        ? EBADF
        : op.position >= 0
          ? ESPIPE
          : refusalOf(socket, op)
    if (refusal !== 0 || socket === undefined) {
      op.result = refusal
      op.lender?.release(op)
      return true
    }
    op.moved = 0
    if (op.buffer !== op.pinned) op.lender = null
    // A connection begins at once in both styles: it is the network that takes its time.
    if ((!this.completing || op.kind === CONNECT) && attempt(this, socket, op)) return true
    op.lender?.release(op)
    if (isReader(op.kind)) socket.reader = op
    else socket.writer = op
    if (this.completing) this.touch(socket)
    return false
  }

  override cancel(op: IoOp): boolean {
    const socket = this.files[op.fd]
    if (socket === undefined || (socket.reader !== op && socket.writer !== op)) return false
    if (this.completing) {
      this.cancelled.add(op)
      this.touch(socket)
      return false
    }
    take(socket, op)
    return true
  }

  poll(wait: boolean): void {
    const { stage } = this.host.network
    stage.timeline.runDue()
    let reaped = this.reap()
    if (!wait || this.closed) return
    this.busy++
    stage.stepping++
    try {
      while (!reaped && !this.isUp()) {
        const moved = stage.step()
        reaped = this.reap()
        // The step may have been the news itself.
        if (!moved && !reaped) {
          stuck(this.waiting())
          return
        }
      }
    } finally {
      stage.stepping--
      this.busy--
    }
  }

  attach(turn: () => void): Attachment {
    this.turn = turn
    const close = (): void => {
      this.turn = null
    }
    return { schedule: () => this.schedule(), ref: () => {}, unref: () => {}, close }
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.turn = null
    for (const fd of this.files.keys()) if (this.files[fd] !== undefined) this.closeFd(fd)
    for (const request of this.lookups.close()) this.completeRequest(request)
    this.leave()
    this.complete = this.completeRequest = () => {}
  }

  /** @internal The process has crashed; its kernel is never called again. */
  die(): void {
    this.closed = true
    this.turn = null
    for (const socket of this.files) {
      for (const waiting of socket?.queue ?? []) waiting.vanish()
      socket?.vanish()
    }
    this.files.length = 0
    this.lookups.close()
    this.leave()
  }

  /** @internal */
  touch(socket: SimSocket): void {
    if (socket.touched) return
    socket.touched = true
    this.touched.push(socket)
    this.schedule()
  }

  /** @internal */
  get alarmTime(): number {
    return this.alarm === Number.POSITIVE_INFINITY ? this.alarm : this.host.stageTime(this.alarm)
  }

  /** @internal */
  ring(): void {
    this.latest = Math.max(this.latest, this.alarm)
    this.alarm = Number.POSITIVE_INFINITY
    this.woken = true
    this.schedule()
  }

  /** @internal */
  get attached(): boolean {
    return this.turn !== null
  }

  /** @internal */
  get wantsTurn(): boolean {
    return this.scheduled && this.busy === 0 && this.turn !== null
  }

  /** @internal */
  takeTurn(): void {
    this.scheduled = this.woken = false
    this.busy++
    try {
      this.turn?.()
    } finally {
      this.busy--
    }
  }

  override closeFd(fd: number): number {
    const socket = this.files[fd]
    // A driver that is closed has closed everything already.
    if (socket === undefined) return this.closed && fd >= FIRST_FD && fd < this.files.length ? 0 : EBADF
    if (socket.closing) return 0
    socket.closing = true
    for (const op of [socket.reader, socket.writer]) if (op !== null) this.finish(socket, op, CLOSED)
    this.files[fd] = undefined
    socket.close()
    return 0
  }

  /** Looks at the sockets that have news; did that complete any operation? */
  private reap(): boolean {
    const answered = this.lookups.take()
    for (const request of answered) this.completeRequest(request)
    let completed = answered.length > 0
    // A completion may touch more; those have their turn in the next poll.
    for (const socket of this.touched.splice(0)) {
      socket.touched = false
      for (const op of [socket.reader, socket.writer]) {
        if (op === null || (socket.reader !== op && socket.writer !== op)) continue
        if (attempt(this, socket, op)) this.finish(socket, op, op.result)
        else if (this.cancelled.has(op)) this.finish(socket, op, CANCELED)
        else continue
        completed = true
      }
    }
    return completed
  }

  private finish(socket: SimSocket, op: IoOp, result: number): void {
    take(socket, op)
    this.cancelled.delete(op)
    op.result = result
    if (result < 0) op.lender?.release(op)
    this.complete(op)
  }

  /** Has something happened that ends a sleep? */
  private isUp(): boolean {
    if (this.alarm <= this.now()) this.ring()
    const up = this.woken
    this.woken = false
    return up
  }

  protected schedule(): void {
    this.scheduled = true
    this.host.network.stage.request()
  }

  private leave(): void {
    this.alarm = Number.POSITIVE_INFINITY
    this.host.network.stage.actors.delete(this)
    this.host.drivers.delete(this)
  }

  private waiting(): IoOp[] {
    return this.files.flatMap((socket) => [socket?.reader ?? [], socket?.writer ?? []].flat())
  }
}

function take(socket: SimSocket, op: IoOp): void {
  if (socket.reader === op) socket.reader = null
  else if (socket.writer === op) socket.writer = null
}
