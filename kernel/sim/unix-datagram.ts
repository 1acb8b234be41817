/**
 * Unix datagrams on a simulated host: none is lost or overtaken. A sender waits while the queue of
 * its peer is full.
 *
 * As on Linux, a socket that is connected to another hears nobody else, and one whose peer was
 * closed is told once, when it sends.
 */
import type { IoOp } from '../protocol/io-op.js'
import { ECONNREFUSED, EINVAL, EMSGSIZE, ENOENT, ENOTCONN, EPERM, EPROTOTYPE } from './errno.js'
import type { SimHost } from './host.js'
import type { SimSocket } from './socket.js'

/** So many wait to be received, Linux's default; then a sender waits. */
const MOST_WAITING = 10

/** True: `op.result` is set. False: the queue of the peer is full. */
export function sendLocally(host: SimHost, socket: SimSocket, op: IoOp): boolean {
  const peer = op.address === null ? (socket.peer ?? ENOTCONN) : peerAt(host, socket, op.address)
  if (typeof peer === 'number') return finish(op, peer)
  if (peer.closed) {
    socket.peer = null
    return finish(op, ECONNREFUSED)
  }
  if (peer.inbox === null || op.length > socket.sendBytes) return finish(op, EMSGSIZE)
  if (isFull(peer, socket)) {
    peer.senders.add(socket)
    return false
  }
  const bytes = (op.buffer ?? new Uint8Array(0)).slice(op.offset, op.offset + op.length)
  peer.inbox.add({ bytes, from: socket.local })
  peer.inboxBytes += bytes.length
  peer.touch()
  return finish(op, bytes.length)
}

/** Connects it; 0 or a negative errno. */
export function aimLocally(host: SimHost, socket: SimSocket, { address }: IoOp): number {
  if (address === null) return EINVAL
  const peer = peerAt(host, socket, address)
  if (typeof peer === 'number') return peer
  if (socket.peer !== peer) leavePeer(socket)
  socket.peer = peer
  return 0
}

/** It has no peer any more; what it has not received of an earlier one is lost, as on Linux. */
export function leavePeer(socket: SimSocket): void {
  if (socket.peer === null) return
  socket.peer = null
  while (socket.inbox !== null && socket.inbox.size > 0) socket.inbox.take()
  socket.inboxBytes = 0
  socket.touchSenders()
}

/** Connects two sockets to each other. */
export function pairUp(a: SimSocket, b: SimSocket): void {
  a.peer = b
  b.peer = a
}

/** Is there room at the peer, if it has one? If not, it will be touched when there is. */
export function hasRoom(socket: SimSocket): boolean {
  const { peer } = socket
  if (peer === null || peer.closed || !isFull(peer, socket)) return true
  peer.senders.add(socket)
  return false
}

/** Those that are connected to each other are limited by bytes alone. */
function isFull(peer: SimSocket, sender: SimSocket): boolean {
  if (peer.peer === sender) return peer.inboxBytes >= sender.sendBytes
  return (peer.inbox?.size ?? 0) > MOST_WAITING
}

/** The socket at an address, if this one may send there; or a negative errno. */
function peerAt(host: SimHost, socket: SimSocket, address: Exclude<IoOp['address'], null>): SimSocket | number {
  if (address.family !== 'unix') return EINVAL
  const found = host.socketAtPath(address.path)
  if (found === undefined) return address.path.startsWith('\0') ? ECONNREFUSED : ENOENT
  if (found === null) return ECONNREFUSED
  if (found.kind !== socket.kind) return EPROTOTYPE
  return found.peer !== null && found.peer !== socket ? EPERM : found
}

function finish(op: IoOp, result: number): true {
  op.result = result
  return true
}
