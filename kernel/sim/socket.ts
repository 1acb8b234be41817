/**
 * A simulated socket: a fresh one, a listening one, or one end of a connection. It behaves as
 * Linux's do.
 *
 * The socket knows what a read, a write or a connect would give now. What waits for it is known to
 * the driver (attempt.ts asks, driver.ts waits). A socket outlives its descriptor until its last
 * bytes have been sent.
 */
import { isDatagrams, type SocketKind } from '../driver/contract.js'
import { Fifo } from '../protocol/fifo.js'
import type { Address, IoOp } from '../protocol/io-op.js'
import type { IpAddress } from './address.js'
import { ECONNRESET, EPIPE, ETIMEDOUT } from './errno.js'
import { Flow, type FlowEnds } from './flow.js'
import type { Path } from './path.js'

/** How many bytes wait at either side of a connection. */
const BUFFER_BYTES = 256 * 1024

/** The process that has the socket. */
export interface Holder {
  /** @internal Something changed: what waits should try again. */
  touch(socket: SimSocket): void
}

/** The place where it has its name: a host. */
export interface Home {
  /** @internal */
  readonly name: string
  /** @internal Does it run, and can it be reached? */
  readonly up: boolean
  /** @internal */
  forget(socket: SimSocket): void
  /** @internal */
  pathTo(home: Home): Path
}

/** A datagram, and where it came from. */
export interface Parcel {
  readonly bytes: Uint8Array
  /** Null: it has no address. */
  readonly from: Address | null
}

export class SimSocket {
  reader: IoOp | null = null
  writer: IoOp | null = null
  /** The number that its process knows it by. */
  fd = -1
  /** Its driver will look at it in the next poll. */
  touched = false
  /** Its descriptor is being closed. */
  closing = false
  /** Its descriptor is closed. */
  closed = false
  local: Address | null = null
  remote: Address | null = null
  v6only = false
  reusePort = false
  reuseAddress = false
  sendBytes = BUFFER_BYTES
  receiveBytes = BUFFER_BYTES
  /**
   * Listening: the connections that wait to be accepted, how many are on their way, and how many
   * may be.
   */
  queue: Fifo<SimSocket> | null = null
  arriving = 0
  backlog = 0
  /** On its way to a connection. */
  connecting = false
  incoming: Flow | null = null
  outgoing: Flow | null = null
  /** The other end of a connection, or whom a socket for Unix datagrams is connected to. */
  peer: SimSocket | null = null
  /** Datagrams that have come; null for a socket that has none. */
  readonly inbox: Fifo<Parcel> | null
  /** Bytes in it. */
  inboxBytes = 0
  /** Unix datagrams: the sockets that wait for room in it. */
  readonly senders = new Set<SimSocket>()
  broadcast = false
  /** The groups that it is a member of, and whom it hears there: null is everybody. */
  readonly groups = new Map<string, Set<string> | null>()
  /** 0: what is sent to a group stays inside the host. */
  multicastTtl = 1
  /** What is sent to a group comes to members on the same host, too. */
  multicastLoopback = true
  /** To be reported by the next operation; 0 for none. */
  error = 0
  /** The connection is gone. */
  broken = false

  constructor(
    readonly kind: SocketKind,
    readonly home: Home,
    public holder: Holder | null,
  ) {
    this.inbox = isDatagrams(kind) ? new Fifo() : null
  }

  /** What waits should try again. */
  touch(): void {
    this.holder?.touch(this)
  }

  /** Its name, if that is an IP address. */
  get ip(): IpAddress | null {
    return this.local === null || this.local.family === 'unix' ? null : this.local
  }

  /** Is it one end of a connection, or was it? */
  get connected(): boolean {
    return this.outgoing !== null
  }

  /** There is room in its inbox, or it is gone: its senders try again. */
  touchSenders(): void {
    const senders = [...this.senders]
    this.senders.clear()
    for (const sender of senders) sender.touch()
  }

  /** What is to be reported: once. */
  takeError(): number {
    const { error } = this
    this.error = 0
    return error
  }

  /** The other side, or the network, has ended the connection. */
  break(code: number): void {
    if (this.broken) return
    this.broken = true
    // Linux says EPIPE if the peer had ended the stream before.
    this.error = code === ECONNRESET && this.incoming?.ended ? EPIPE : code
    this.outgoing?.kill()
    if (this.incoming !== null) this.incoming.dead = true
    this.touch()
  }

  /** Breaks the connection from this side, and tells the peer if it can be reached. */
  reset(): void {
    const { peer } = this
    if (peer === null || this.broken) return
    this.broken = true
    this.outgoing?.kill()
    if (this.incoming !== null) this.incoming.dead = true
    this.home.pathTo(peer.home).send(0, () => peer.break(ECONNRESET))
  }

  /**
   * The descriptor is gone: ends the stream, or resets it if there are bytes that will not be read.
   */
  close(): void {
    this.closed = true
    this.holder = null
    this.home.forget(this)
    this.touchSenders()
    while (this.queue !== null && this.queue.size > 0) this.queue.take().reset()
    if (this.incoming === null || this.outgoing === null) return
    if (this.incoming.received.length > 0) {
      this.incoming.received.clear()
      this.reset()
      return
    }
    this.incoming.abandoned = true
    this.outgoing.finish()
  }

  /** The process has crashed. */
  vanish(): void {
    this.closed = true
    this.holder = null
    this.home.forget(this)
    this.touchSenders()
    this.outgoing?.kill()
    if (this.incoming !== null) this.incoming.abandoned = true
  }
}

/** Ties two sockets together; what each writes the other reads. */
export function join(a: SimSocket, b: SimSocket): void {
  const there = a.home.pathTo(b.home)
  const back = b.home.pathTo(a.home)
  const local = a.home === b.home
  a.peer = b
  b.peer = a
  a.outgoing = b.incoming = new Flow(there, back, local, endsOf(a, b), b.receiveBytes, a.sendBytes)
  b.outgoing = a.incoming = new Flow(back, there, local, endsOf(b, a), a.receiveBytes, b.sendBytes)
}

function endsOf(sender: SimSocket, receiver: SimSocket): FlowEnds {
  return {
    arrived: () => receiver.touch(),
    drained: () => sender.touch(),
    refused: () => {
      if (!sender.broken) receiver.home.pathTo(sender.home).send(0, () => sender.break(ECONNRESET))
    },
    gaveUp: () => sender.break(ETIMEDOUT),
    hears: () => receiver.home.up,
  }
}

/** Can a socket have, or reach, an address of this family? */
export function speaks({ kind }: SimSocket, { family }: IpAddress): boolean {
  return !kind.startsWith('unix') && kind.endsWith('4') === (family === 'ipv4')
}
