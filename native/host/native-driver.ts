/**
 * What all native drivers have in common: the calls that never wait, and requests off the loop.
 *
 * Sockets are made, named and set up by the calls of BSD, whoever brings them (posix/sockets.ts);
 * files are opened and names looked up by the host's threads (off-loop.ts), or at once where the
 * thread is taken anyhow. How operations wait, and what wakes the driver, is for each to say.
 */
import {
  type Address,
  type Attachment,
  CLOSED,
  type Driver,
  type IoOp,
  isDatagrams,
  isKind,
  type Membership,
  Request,
  type SocketKind,
  type SocketOption,
  UNSUPPORTED,
  type WakeToken,
} from '../../kernel/driver/contract.js'
import type { Capabilities } from '../../kernel/protocol/capabilities.js'
import { now } from '../../kernel/protocol/host-functions.js'
import { SOCK_DGRAM, SOCK_STREAM } from '../posix/constants.js'
import { describeError, EBADF } from '../posix/errno.js'
import type { FdCalls, LookupCalls } from '../posix/libc.js'
import { lookUp, nameOf } from '../posix/lookup.js'
import { Sockets } from '../posix/sockets.js'
import { type Resolver, workOf } from './host-work.js'
import { OffLoop, type Outcome } from './off-loop.js'

/**
 * How long a worker may wait in the OS. Its JavaScript may be ended at any moment, by `terminate()`
 * or by the exit of the process, which both wait for it, and only finds out when it comes back.
 */
export const SLICE_MS = 100

/** The base of drivers with an operating system. */
export abstract class NativeDriver implements Driver {
  abstract readonly name: string
  abstract readonly can: Capabilities
  abstract readonly wakeToken: WakeToken
  readonly note: string | undefined
  protected readonly offLoop = new OffLoop(() => this.attachment?.schedule())
  protected completeRequest: (request: Request) => void = () => {}
  protected attachment: Attachment | null = null
  /** Another thread has called. */
  protected woken = false
  protected closed = false
  private readonly resolver: Resolver
  private readonly sockets: Sockets

  constructor(calls: FdCalls & LookupCalls, note: string | undefined) {
    this.resolver = {
      lookUp: (host, port) => outcomeOf(lookUp(calls, host, port)),
      nameOf: (host) => {
        const name = nameOf(calls, host)
        return outcomeOf(typeof name === 'number' ? name : [name])
      },
    }
    this.note = note
    this.sockets = new Sockets(calls)
  }

  abstract submit(op: IoOp<unknown>): boolean
  abstract cancel(op: IoOp<unknown>): boolean
  abstract poll(wait: boolean, loans?: number): void
  abstract arm(at: number): void
  abstract attach(turn: () => void): Attachment
  abstract close(): void
  abstract closeFd(fd: number): number
  abstract openSockets(): number
  /** From now on completions of ops go there. */
  protected abstract begin(complete: (op: IoOp<unknown>) => void): void
  /** Notes a new socket of our own. */
  protected abstract adopt(fd: number, datagrams: boolean): void
  /**
   * The host has opened a file, or could not (negative). True: the request is complete, its result
   * is set.
   */
  protected abstract opened(request: Request<'open'>, hostFd: number): boolean
  /** What the host calls a descriptor; negative: it is none. */
  protected abstract hostFd(fd: number): number

  start(complete: (op: IoOp<unknown>) => void, completeRequest: (request: Request) => void): void {
    this.completeRequest = completeRequest
    this.begin(complete)
  }

  now(): number {
    return now()
  }

  submitRequest(request: Request): boolean {
    if (this.closed) return end(request, CLOSED)
    const { input } = request
    if (!this.can.files && ('flags' in input || 'fd' in input)) return end(request, UNSUPPORTED)
    if ('fd' in input && this.hostFd(input.fd) < 0) return end(request, EBADF)
    const work = workOf(request, this.resolver, (fd) => this.hostFd(fd))
    if (this.attachment === null || work.once) return this.settle(request, work.now())
    this.offLoop.add(request, work, (outcome) => {
      if (this.settle(request, outcome)) this.completeRequest(request)
    })
    return false
  }

  cancelRequest(request: Request): boolean {
    return this.offLoop.withdraw(request)
  }

  socket(kind: SocketKind): number {
    if (this.closed) return CLOSED
    if (kind === 'unixDatagram' && !this.can.unixDatagrams) return UNSUPPORTED
    const fd = this.sockets.open(kind)
    if (fd >= 0) this.adopt(fd, isDatagrams(kind))
    return fd
  }

  socketPair(kind: 'unix' | 'unixDatagram'): readonly [number, number] | number {
    if (this.closed) return CLOSED
    const datagrams = isDatagrams(kind)
    const pair = this.sockets.pair(datagrams ? SOCK_DGRAM : SOCK_STREAM)
    if (typeof pair !== 'number') for (const fd of pair) this.adopt(fd, datagrams)
    return pair
  }

  bind(fd: number, address: Address): number {
    return this.sockets.bind(fd, address)
  }

  listen(fd: number, backlog: number): number {
    return this.sockets.listen(fd, backlog)
  }

  lock(_path: string): number {
    return UNSUPPORTED
  }

  setOption(fd: number, option: SocketOption, value: number): number {
    return this.sockets.setOption(fd, option, value)
  }

  localAddress(fd: number): Address | number {
    return this.sockets.localAddress(fd)
  }

  remoteAddress(fd: number): Address | number {
    return this.sockets.remoteAddress(fd)
  }

  membership(fd: number, joins: boolean, membership: Membership): number {
    return this.sockets.membership(fd, joins, membership)
  }

  disconnect(fd: number): number {
    return this.sockets.disconnect(fd)
  }

  shutdown(fd: number): number {
    return this.sockets.shutdown(fd)
  }

  describeError(result: number, _syscall?: string): readonly [name: string, text: string] {
    return describeError(result)
  }

  /** These, and all requests that are off the loop, complete with CLOSED. */
  protected closeRequests(waiting: readonly object[] = []): void {
    for (const request of [...waiting, ...this.offLoop.close()]) {
      if (!(request instanceof Request)) continue
      end(request, CLOSED)
      this.completeRequest(request)
    }
    this.completeRequest = () => {}
  }

  /** What an outcome means for its request. False: it is not complete. */
  private settle(request: Request, [result, output]: Outcome): boolean {
    if (isKind(request, 'open')) return this.opened(request, result)
    request.output = output as typeof request.output
    return end(request, result)
  }
}

/** Of a look-up on this thread. */
function outcomeOf(found: number | readonly unknown[]): Outcome {
  return typeof found === 'number' ? [found, null] : [0, found]
}

/** The request is complete. */
export function end(request: Request, result: number): true {
  request.result = result
  return true
}
