/**
 * Datagrams: sent whole, and never sent again. They may get lost, arrive twice, or overtake each
 * other.
 */

import type { Membership } from '../protocol/calls.js'
import type { IoOp } from '../protocol/io-op.js'
import { canonical, type IpAddress, isLoopback, isWildcard, mapped, unmapped } from './address.js'
import { EACCES, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EDESTADDRREQ, EINVAL, EMSGSIZE } from './errno.js'
import type { SimHost } from './host.js'
import type { SimSocket } from './socket.js'

/** What fits into an IP packet beside the headers. */
const MOST_BYTES = 65_507
const BROADCAST = '255.255.255.255'

/** Takes the next datagram; false if there is none. What does not fit into the buffer is lost. */
export function receive(socket: SimSocket, op: IoOp): boolean {
  const { inbox } = socket
  if (inbox === null || inbox.size === 0) return false
  const parcel = inbox.take()
  socket.inboxBytes -= parcel.bytes.length
  socket.touchSenders()
  op.buffer ??= new Uint8Array(Math.min(op.length, MOST_BYTES))
  const { buffer } = op
  const count = Math.min(parcel.bytes.length, op.length, buffer.length - op.offset)
  buffer.set(parcel.bytes.subarray(0, count), op.offset)
  op.address = parcel.from
  op.truncated = parcel.bytes.length > count
  op.result = count
  return true
}

/** Sends one; how many bytes it had, or a negative errno. */
export function send(host: SimHost, socket: SimSocket, op: IoOp): number {
  const address = op.address ?? socket.remote
  if (address === null) return EDESTADDRREQ
  if (address.family === 'unix') return EINVAL
  if (op.length > MOST_BYTES) return EMSGSIZE
  const target = unmapped(canonical(address))
  if (socket.kind === 'udp4' && target.family !== 'ipv4') return EAFNOSUPPORT
  if (target.host === BROADCAST && !socket.broadcast) return EACCES
  const bound = named(host, socket)
  if (bound < 0) return bound
  const bytes = (op.buffer ?? new Uint8Array(0)).slice(op.offset, op.offset + op.length)
  for (const other of isGroup(target) ? membersOf(host, socket) : targets(host, target)) {
    const from = sourceFor(host, socket, target)
    host.pathTo(other).cast(bytes.length, () => arrive(other, target, from, bytes))
  }
  return bytes.length
}

/** Connects it: from now on that is where it sends. 0 or a negative errno. */
export function aim(host: SimHost, socket: SimSocket, op: IoOp): number {
  if (op.address === null || op.address.family === 'unix') return EINVAL
  const bound = named(host, socket)
  if (bound < 0) return bound
  socket.remote = canonical(op.address)
  return 0
}

function arrive(host: SimHost, target: IpAddress, from: IpAddress, bytes: Uint8Array): void {
  if (!host.up) return
  if (isGroup(target)) for (const socket of host.members(target, from)) accept(socket, from, bytes)
  else {
    const socket = host.inboxAt(target)
    if (socket !== null) accept(socket, from, bytes)
  }
}

function accept(socket: SimSocket, from: IpAddress, bytes: Uint8Array): void {
  if (socket.inbox === null) return
  if (socket.inboxBytes + bytes.length > socket.receiveBytes) return
  // A connected socket receives from its peer only.
  const source = socket.kind === 'udp6' ? mapped(from) : from
  const { remote } = socket
  if (remote !== null && remote.family !== 'unix' && (remote.host !== source.host || remote.port !== source.port))
    return
  socket.inbox.add({ bytes, from: source })
  socket.inboxBytes += bytes.length
  socket.touch()
}

function targets(host: SimHost, target: IpAddress): Iterable<SimHost> {
  if (target.host === BROADCAST) return host.network.everybody()
  if (isLoopback(target) || isWildcard(target) || host.has(target)) return [host]
  const other = host.network.hostAt(target)
  return other === null ? [] : [other]
}

/** Does this address mean a group of receivers? */
function isGroup({ family, host }: IpAddress): boolean {
  if (family === 'ipv6') return host.startsWith('ff')
  const first = Number.parseInt(host, 10)
  return first >= 224 && first <= 239
}

/** Makes a socket a member of a group, or ends that; 0 or a negative errno. */
export function enrol(socket: SimSocket, joins: boolean, { group, source }: Membership): number {
  const place = group.family === 'unix' ? null : canonical(group)
  if (socket.inbox === null || socket.kind === 'unixDatagram' || place === null || !isGroup(place)) return EINVAL
  if (source !== null && (source.family === 'unix' || source.family !== place.family)) return EINVAL
  const { groups } = socket
  const heard = groups.get(place.host)
  const sender = source === null ? null : canonical(source).host
  if (joins) {
    if (heard === null || (sender === null && heard !== undefined) || (sender !== null && heard?.has(sender))) {
      return EADDRINUSE
    }
    groups.set(place.host, sender === null ? null : new Set([...(heard ?? []), sender]))
    return 0
  }
  if (heard === undefined || (sender !== null && !heard?.delete(sender))) return EADDRNOTAVAIL
  if (sender === null || heard?.size === 0) groups.delete(place.host)
  return 0
}

/** The hosts where members may be: all on the link, or this one alone. */
function* membersOf(host: SimHost, { multicastTtl, multicastLoopback }: SimSocket): Iterable<SimHost> {
  for (const other of host.network.everybody()) {
    if (other === host ? multicastLoopback : multicastTtl > 0) yield other
  }
}

/** Sees to it that the socket has a port. */
function named(host: SimHost, socket: SimSocket): number {
  if (socket.local !== null) return 0
  const wildcard = socket.kind === 'udp4' ? '0.0.0.0' : '::'
  return host.bind(socket, { family: socket.kind === 'udp4' ? 'ipv4' : 'ipv6', host: wildcard, port: 0 })
}

/** The address that the receiver sees. */
function sourceFor(host: SimHost, { ip }: SimSocket, target: IpAddress): IpAddress {
  const own = ip as IpAddress
  if (!isWildcard(own)) return unmapped(own)
  const { port } = own
  if (isLoopback(target) || isWildcard(target))
    return { ...target, host: target.family === 'ipv4' ? '127.0.0.1' : '::1', port }
  const address = host.ips.find(({ family }) => family === target.family)
  return address === undefined ? { ...target, host: '127.0.0.1', port } : { ...address, port }
}
