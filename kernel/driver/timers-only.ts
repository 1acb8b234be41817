/**
 * The ground that drivers without an operating system stand on: every I/O call says clearly that it
 * cannot.
 *
 * The host driver and the virtual driver differ in their clock and in who calls the turn, and in
 * nothing else.
 */
import {
  type Address,
  type Attachment,
  type Driver,
  type IoOp,
  PORTABLE_TEXTS,
  type SocketKind,
  type SocketOption,
  UNSUPPORTED,
  type WakeToken,
} from './contract.js'

/** The ground of drivers that have no system under them. */
export abstract class TimersOnlyDriver implements Driver {
  abstract readonly name: string
  readonly wakeToken: WakeToken | null = null
  /** When the alarm goes off. */
  protected alarm = Number.POSITIVE_INFINITY

  abstract now(): number
  abstract poll(wait: boolean): void
  abstract attach(turn: () => void): Attachment
  abstract close(): void

  start(_complete: (op: IoOp) => void): void {}

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

  socket(_kind: SocketKind): number {
    return UNSUPPORTED
  }

  bind(_fd: number, _address: Address): number {
    return UNSUPPORTED
  }

  listen(_fd: number, _backlog: number): number {
    return UNSUPPORTED
  }

  setOption(_fd: number, _option: SocketOption, _value: number): number {
    return UNSUPPORTED
  }

  localAddress(_fd: number): Address | number {
    return UNSUPPORTED
  }

  remoteAddress(_fd: number): Address | number {
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
