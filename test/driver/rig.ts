/**
 * A driver under test, without a kernel: submits ops, polls, and keeps account of what completed.
 *
 * The account is the point: every completion is checked to be the only one of its op, whatever the test is about.
 */
import assert from 'node:assert/strict'
import {
  ACCEPT,
  type Address,
  CONNECT,
  type Driver,
  IoOp,
  READ,
  READABLE,
  Request,
  type SocketKind,
  type WakeToken,
  WRITABLE,
  WRITE,
} from '../../kernel/driver/contract.js'
import { wakeFromThread } from '../../native/notify.js'
import { PATIENCE_MS } from '../patience.js'

export const LOOPBACK: Address = { family: 'ipv4', host: '127.0.0.1', port: 0 }

/** What is submitted. */
type Pending = IoOp<unknown> | Request

export class Rig {
  readonly driver: Driver
  /** In order of completion; ops that completed inline are not in it. */
  readonly completed: IoOp<unknown>[] = []
  /** Called from inside each completion. */
  onComplete: (op: IoOp<unknown>) => void = () => {}
  /** Accepts completions of ops that were submitted to the driver behind our back. */
  forget = false
  private readonly pending = new Set<Pending>()

  constructor(driver: Driver) {
    this.driver = driver
    const complete = (op: Pending): void => {
      assert(this.pending.delete(op) || this.forget, 'completed an op that is not under way')
      this.completed.push(op as IoOp<unknown>)
      this.onComplete(op as IoOp<unknown>)
    }
    driver.start(complete, complete)
  }

  /** Returns true if it completed inline. */
  submit(op: Pending): boolean {
    assert(!this.pending.has(op))
    this.pending.add(op)
    const inline = op instanceof Request ? this.driver.submitRequest(op) : this.driver.submit(op)
    if (inline) assert(this.pending.delete(op), 'completed both inline and through complete()')
    return inline
  }

  /** True if withdrawn; then it must never complete. */
  cancel(op: Pending): boolean {
    const withdrawn = op instanceof Request ? this.driver.cancelRequest(op) : this.driver.cancel(op)
    if (withdrawn) assert(this.pending.delete(op), 'withdrew an op that is not under way')
    return withdrawn
  }

  /** As another thread would; false if this driver has nothing to be notified by. */
  notify(): boolean {
    const { can, wakeToken } = this.driver
    if (can.threads) wakeFromThread(wakeToken as WakeToken)
    return can.threads
  }

  isPending(op: Pending): boolean {
    return this.pending.has(op)
  }

  /** Polls until the op is complete; its result. */
  finish(op: Pending): number {
    const limit = this.driver.now() + PATIENCE_MS
    while (this.pending.has(op)) {
      assert(this.driver.now() < limit, 'the op did not complete in time')
      this.driver.arm(limit)
      this.driver.poll(true)
    }
    return op.result
  }

  run(op: Pending): number {
    this.submit(op)
    return this.finish(op)
  }

  /** Polls for a while without waiting, to see whether anything comes. */
  settle(rounds = 20): void {
    for (let i = 0; i < rounds; i++) this.driver.poll(false)
  }

  /** Polls for this many milliseconds. */
  pass(ms: number): void {
    const end = this.driver.now() + ms
    while (this.driver.now() < end) {
      this.driver.arm(end)
      this.driver.poll(true)
    }
  }

  socket(kind: SocketKind): number {
    return ok(this.driver.socket(kind))
  }

  /** A listening socket and the address to reach it. */
  listen(kind: SocketKind = 'tcp4', address: Address = LOOPBACK, backlog = 16): [fd: number, address: Address] {
    const fd = this.socket(kind)
    ok(this.driver.bind(fd, address))
    ok(this.driver.listen(fd, backlog))
    const bound = this.driver.localAddress(fd)
    assert(typeof bound === 'object')
    return [fd, bound]
  }

  /** Two connected sockets: the one that connected and the one that was accepted. */
  pair(kind: SocketKind = 'tcp4', address: Address = LOOPBACK): [client: number, server: number] {
    const [listener, bound] = this.listen(kind, address)
    const accepting = acceptOp(listener)
    this.submit(accepting)
    const client = this.socket(kind)
    ok(this.run(connectOp(client, bound)))
    const server = ok(this.finish(accepting))
    ok(this.driver.closeFd(listener))
    return [client, server]
  }

  write(fd: number, text: string): void {
    const bytes = new TextEncoder().encode(text)
    const op = writeOp(fd, bytes)
    op.all = true
    assert.equal(this.run(op), bytes.length)
  }

  read(fd: number, length = 1000): string {
    const op = readOp(fd, length)
    return textOf(op, ok(this.run(op)))
  }

  close(...fds: number[]): void {
    for (const fd of fds) ok(this.driver.closeFd(fd))
  }
}

export function ok(result: number): number {
  assert(result >= 0, `failed with ${result}`)
  return result
}

export function readOp(fd: number, length = 1000): IoOp<unknown> {
  return new IoOp(READ, fd, new Uint8Array(length), 0, length, Number.POSITIVE_INFINITY)
}

export function scatterOp(fd: number, pieces: readonly Uint8Array[]): IoOp<unknown> {
  const op = readOp(fd, 0)
  op.buffer = null
  op.vector = pieces
  op.length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  return op
}

export function lentReadOp(fd: number, length = 1 << 20): IoOp<unknown> {
  const op = new IoOp(READ, fd, null, 0, length, Number.POSITIVE_INFINITY)
  op.lend = true
  return op
}

export function writeOp(fd: number, bytes: Uint8Array): IoOp<unknown> {
  return new IoOp(WRITE, fd, bytes, 0, bytes.length, Number.POSITIVE_INFINITY)
}

export function gatherOp(fd: number, pieces: readonly Uint8Array[], all = true): IoOp<unknown> {
  const op = writeOp(fd, new Uint8Array(0))
  op.buffer = null
  op.vector = pieces
  op.length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  op.all = all
  return op
}

export function acceptOp(fd: number): IoOp<unknown> {
  return new IoOp(ACCEPT, fd, null, 0, 0, Number.POSITIVE_INFINITY)
}

export function connectOp(fd: number, address: Address): IoOp<unknown> {
  const op = new IoOp(CONNECT, fd, null, 0, 0, Number.POSITIVE_INFINITY)
  op.address = address
  return op
}

export function levelOp(fd: number, direction: 'readable' | 'writable'): IoOp<unknown> {
  return new IoOp(direction === 'readable' ? READABLE : WRITABLE, fd, null, 0, 0, Number.POSITIVE_INFINITY)
}

export function textOf(op: IoOp<unknown>, length = op.result): string {
  assert(op.buffer !== null)
  return new TextDecoder().decode(op.buffer.subarray(op.offset, op.offset + length))
}
