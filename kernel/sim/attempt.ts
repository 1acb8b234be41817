/**
 * One attempt at an operation on a simulated socket: it completes now, with a result, or it has to
 * wait.
 *
 * The counterpart of native/posix/attempt.ts, with the simulated system's answers where that one
 * makes system calls.
 */
import { BUSY, CLOSED, isIntact, isReader } from '../driver/contract.js'
import {
  ACCEPT,
  type Address,
  CONNECT,
  type IoOp,
  partsOf,
  READ,
  READABLE,
  RECEIVE,
  SEND,
  WRITE,
} from '../protocol/io-op.js'
import { canonical, type IpAddress, isLoopback, isWildcard } from './address.js'
import { aim, receive, send } from './datagram.js'
import * as errno from './errno.js'
import { connectLocally, requestConnection } from './handshake.js'
import type { SimHost } from './host.js'
import type { BufferLender } from './lender.js'
import { type SimSocket, speaks } from './socket.js'
import { aimLocally, hasRoom, sendLocally } from './unix-datagram.js'

const POLLIN = 1
const POLLOUT = 4

/** What an attempt may need of the process. */
export interface Desk {
  /** @internal */
  readonly host: SimHost
  /** @internal */
  readonly lender: BufferLender
  /** @internal Takes a socket in; its new descriptor, or EMFILE. */
  adopt(socket: SimSocket): number
}

/** True: `op.result` is set. False: it has to wait. */
export function attempt(desk: Desk, socket: SimSocket, op: IoOp): boolean {
  if (socket.inbox !== null) {
    if (op.vector !== null) return finish(op, errno.EINVAL)
    if (socket.kind === 'unixDatagram') return attemptLocally(desk.host, socket, op)
    if (op.kind === SEND || op.kind === WRITE) return finish(op, send(desk.host, socket, op))
    if (op.kind === RECEIVE || op.kind === READ) return receive(socket, op)
    if (op.kind === CONNECT) return finish(op, aim(desk.host, socket, op))
  }
  if (op.kind === READ) return read(desk, socket, op)
  if (op.kind === WRITE) return write(desk, socket, op)
  if (op.kind === ACCEPT) return accept(desk, socket, op)
  if (op.kind === CONNECT) return connect(desk, socket, op)
  if (op.kind === SEND || op.kind === RECEIVE) return finish(op, errno.EINVAL)
  if (op.kind === READABLE) return isReadable(socket) ? finish(op, POLLIN) : false
  return isWritable(socket) ? finish(op, POLLOUT) : false
}

/** The same, for Unix datagrams. */
function attemptLocally(host: SimHost, socket: SimSocket, op: IoOp): boolean {
  if (op.kind === RECEIVE || op.kind === READ) return receive(socket, op)
  if (op.kind === SEND || op.kind === WRITE) return sendLocally(host, socket, op)
  if (op.kind === CONNECT) return finish(op, aimLocally(host, socket, op))
  if (op.kind === READABLE) return isReadable(socket) ? finish(op, POLLIN) : false
  if (op.kind === ACCEPT) return finish(op, errno.EINVAL)
  return hasRoom(socket) ? finish(op, POLLOUT) : false
}

/** Why an operation cannot even be tried; 0 if it can. */
export function refusalOf(socket: SimSocket, op: IoOp): number {
  if (socket.closing) return CLOSED
  if ((isReader(op.kind) ? socket.reader : socket.writer) !== null) return BUSY
  return fits(op) ? 0 : errno.EFAULT
}

/** Does the operation stay inside its buffer? */
function fits(op: IoOp): boolean {
  const { kind } = op
  if (kind === READ && op.lend) return true
  return (kind !== READ && kind !== WRITE && kind !== SEND && kind !== RECEIVE) || isIntact(op)
}

function read(desk: Desk, socket: SimSocket, op: IoOp): boolean {
  if (op.length === 0) return finish(op, 0)
  const { incoming } = socket
  if (incoming === null) {
    if (socket.connecting) return false
    return finish(op, socket.error === 0 ? errno.ENOTCONN : socket.takeError())
  }
  if (incoming.received.length > 0) {
    if (op.lend && op.buffer === null) desk.lender.lend(op)
    const room = op.lend ? Math.min(op.length, (op.buffer as Uint8Array).length - op.offset) : op.length
    const count = partOf(desk, Math.min(room, incoming.received.length))
    for (const part of partsOf(op, op.offset, op.offset + count)) incoming.readInto(part)
    return finish(op, count)
  }
  if (socket.error !== 0 || incoming.ended || socket.broken) {
    op.lender?.release(op)
    return finish(op, socket.takeError())
  }
  return false
}

function write(desk: Desk, socket: SimSocket, op: IoOp): boolean {
  const { outgoing } = socket
  if (socket.error !== 0) return finish(op, socket.takeError())
  if (socket.connecting) return false
  if (outgoing === null || outgoing.finished || socket.broken) return finish(op, errno.EPIPE)
  for (;;) {
    const left = op.length - op.moved
    const room = Math.min(left, outgoing.room)
    if (room === 0 && left > 0) return false
    const count = op.all ? room : partOf(desk, room)
    const from = op.offset + op.moved
    for (const part of partsOf(op, from, from + count)) outgoing.write(part)
    op.moved += count
    if (!op.all || op.moved === op.length) return finish(op, op.moved)
  }
}

function accept(desk: Desk, socket: SimSocket, op: IoOp): boolean {
  if (socket.queue === null) return finish(op, errno.EINVAL)
  // A connection that broke while it waited does not concern the listener.
  while (socket.queue.first?.broken && socket.queue.first.incoming?.received.length === 0) socket.queue.take()
  const next = socket.queue.first
  if (next === undefined) return false
  const fd = desk.adopt(next)
  if (fd >= 0) socket.queue.take()
  return finish(op, fd)
}

function connect({ host }: Desk, socket: SimSocket, op: IoOp): boolean {
  if (socket.error !== 0) return finish(op, socket.takeError())
  if (socket.connected) return finish(op, 0)
  if (socket.connecting) return false
  if (op.address === null || socket.queue !== null) return finish(op, errno.EINVAL)
  if (op.address.family === 'unix') return connectToPath(host, socket, op, op.address.path)
  const target = canonical(op.address)
  const result = begin(host, socket, target)
  return result === 0 ? false : finish(op, result)
}

/** Asks an address for a connection; 0, or why that is not possible. */
function begin(host: SimHost, socket: SimSocket, target: IpAddress): number {
  if (!speaks(socket, target)) return errno.EAFNOSUPPORT
  // To connect to "every address" is to connect to oneself.
  const self = isWildcard(target) || isLoopback(target) || host.has(target)
  const address = isWildcard(target) ? { ...target, host: target.family === 'ipv4' ? '127.0.0.1' : '::1' } : target
  const other = self ? host : host.network.hostAt(address)
  if (other === null) return errno.EHOSTUNREACH
  const result = host.bindFor(socket, address)
  if (result < 0) return result
  socket.remote = address
  requestConnection(socket, other, address)
  return 0
}

function connectToPath(host: SimHost, socket: SimSocket, op: IoOp, path: string): boolean {
  if (socket.kind !== 'unix') return finish(op, errno.EAFNOSUPPORT)
  const listener = host.socketAtPath(path)
  if (listener === undefined) return finish(op, path.startsWith('\0') ? errno.ECONNREFUSED : errno.ENOENT)
  if (listener !== null && listener.kind !== 'unix') return finish(op, errno.EPROTOTYPE)
  if (listener === null || listener.queue === null) return finish(op, errno.ECONNREFUSED)
  // As on Linux; nothing tells when to try again.
  return finish(op, connectLocally(socket, listener) ? 0 : errno.EAGAIN)
}

function isReadable({ queue, incoming, error, broken, connecting, inbox }: SimSocket): boolean {
  if (inbox !== null) return inbox.size > 0
  if (queue !== null) return queue.size > 0
  if (incoming === null) return !connecting
  return incoming.received.length > 0 || incoming.ended || error !== 0 || broken
}

function isWritable({ outgoing, error, broken, connecting, queue }: SimSocket): boolean {
  if (outgoing === null) return !connecting && queue === null
  return outgoing.room > 0 || outgoing.finished || error !== 0 || broken
}

/** Moves fewer bytes than it could, where the host is one that does so. */
function partOf({ host }: Desk, bytes: number): number {
  const { partial = 0 } = host.options
  if (partial === 0 || bytes < 2 || host.network.random() >= partial) return bytes
  return 1 + Math.floor(host.network.random() * (bytes - 1))
}

function finish(op: IoOp, result: number): true {
  op.result = result
  return true
}

/** The name of a socket that has none yet. */
export function nameless({ kind }: SimSocket): Address {
  if (kind.startsWith('unix')) return { family: 'unix', path: '' }
  return kind === 'tcp4' || kind === 'udp4'
    ? { family: 'ipv4', host: '0.0.0.0', port: 0 }
    : { family: 'ipv6', host: '::', port: 0 }
}
