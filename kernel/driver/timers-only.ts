/**
 * The base of drivers that have timers and nothing else: every I/O call is refused as unsupported.
 *
 * The host driver and the virtual driver differ in their clock, and in what calls the turn.
 */
import type { Capabilities } from '../protocol/capabilities.js'
import {
  type Address,
  type Attachment,
  type Driver,
  type IoOp,
  type Membership,
  PORTABLE_TEXTS,
  type Request,
  type SocketKind,
  type SocketOption,
  UNSUPPORTED,
  type WakeToken,
} from './contract.js'

/** A clock, and nothing else. */
export const TIMERS_ONLY: Capabilities = {
  blocking: true,
  threads: false,
  sockets: false,
  unixSockets: false,
  unixDatagrams: false,
  namedPipes: false,
  reusePort: false,
  files: false,
  processes: false,
  foreignFds: false,
  multicast: false,
  watch: false,
}

/** The base of drivers without an operating system. */
export abstract class TimersOnlyDriver implements Driver {
  abstract readonly name: string
  readonly can: Capabilities = TIMERS_ONLY
  readonly wakeToken: WakeToken | null = null
  /** When the alarm goes off. */
  protected alarm = Number.POSITIVE_INFINITY

  abstract now(): number
  abstract poll(wait: boolean): void
  abstract attach(turn: () => void): Attachment
  abstract close(): void

  start(_complete: (op: IoOp) => void, _completeRequest: (request: Request) => void): void {}

  openSockets(): number {
    return 0
  }

  arm(at: number): void {
    this.alarm = at
  }

  submit(op: IoOp): boolean {
    op.result = UNSUPPORTED
    return true
  }

  cancel(_op: IoOp): boolean {
    return true
  }

  submitRequest(request: Request): boolean {
    request.result = UNSUPPORTED
    return true
  }

  cancelRequest(_request: Request): boolean {
    return true
  }

  socket(_kind: SocketKind): number {
    return UNSUPPORTED
  }

  bind(_fd: number, _address: Address): number {
    return UNSUPPORTED
  }

  listen(_fd: number, _backlog: number): number {
    return UNSUPPORTED
  }

  lock(_path: string): number {
    return UNSUPPORTED
  }

  setOption(_fd: number, _option: SocketOption, _value: number): number {
    return UNSUPPORTED
  }

  localAddress(_fd: number): Address | number {
    return UNSUPPORTED
  }

  socketPair(_kind: 'unix' | 'unixDatagram'): readonly [number, number] | number {
    return UNSUPPORTED
  }

  remoteAddress(_fd: number): Address | number {
    return UNSUPPORTED
  }

  membership(_fd: number, _joins: boolean, _membership: Membership): number {
    return UNSUPPORTED
  }

  disconnect(_fd: number): number {
    return UNSUPPORTED
  }

  shutdown(_fd: number): number {
    return UNSUPPORTED
  }

  closeFd(_fd: number): number {
    return UNSUPPORTED
  }

  describeError(result: number): readonly [name: string, text: string] {
    return PORTABLE_TEXTS.get(result) ?? ['EIO', `result ${result}`]
  }
}
