/**
 * Accepting and connecting, as Windows does them: AcceptEx is given the socket that it makes a
 * connection of, ConnectEx one that has an address.
 *
 * Afterwards each socket has to be told what it has become, or its addresses cannot be asked for
 * and it cannot be shut down.
 */
import type { Address } from '../../kernel/driver/contract.js'
import { allocatePages } from '../memory/pages.js'
import { SOCK_DGRAM } from '../posix/constants.js'
import { EAGAIN, EBADF, ECONNABORTED, ECONNRESET, EISCONN, ENOTCONN } from '../posix/errno.js'
import { ADDRESS_BYTES, encodeAddress } from '../posix/sockaddr.js'
import * as c from './constants.js'
import { resultOf } from './errors.js'
import type { Handles, Opened } from './handles.js'
import type { Windows } from './kernel32.js'
import type { Overlapped } from './overlapped.js'
import type { Winsock } from './winsock.js'

const { SOL_SOCKET } = c.WINDOWS

/** Windows wants room for each address, and sixteen bytes more. */
const ADDRESS_ROOM = 144

/** GUIDs of functions that Winsock gives by name of these. */
const ACCEPT_EX = [0xb5367df1, 0x11cfcbac, 0x8000ca95, 0x92a1485f]
const CONNECT_EX = [0x25a207b9, 0x4660ddf3, 0xe576e98e, 0x3e06748c]

/** A refused connection in the loopback fails at once, and is not tried again for two seconds. */
const NO_SYN_AGAIN = 0xfeffff

/** Makes connections for one driver. */
export class Establishing {
  private readonly sockaddr = new Uint8Array(ADDRESS_BYTES)
  private readonly sockaddrAt: number
  private readonly words = new Uint32Array(4)
  private readonly wordsAt: number
  private readonly guid = new Uint32Array(4)
  private readonly guidAt: number
  private acceptEx = 0n
  private connectEx = 0n

  constructor(
    private readonly windows: Windows,
    private readonly winsock: Winsock,
    private readonly handles: Handles,
  ) {
    this.sockaddrAt = windows.addressOf(this.sockaddr)
    this.wordsAt = windows.addressOf(this.words)
    this.guidAt = windows.addressOf(this.guid)
  }

  /** 0: accepted; EAGAIN: a packet will come; else negative. `record.extra` is the new socket. */
  accept(record: Overlapped, listener: number): number {
    const opened = this.handles.get(listener)
    if (opened === null) return EBADF
    this.acceptEx ||= this.find(opened, ACCEPT_EX)
    const fd = this.winsock.socket(opened.family, opened.type, 0)
    if (fd < 0) return fd
    const { view, address } = allocatePages(2 * ADDRESS_ROOM, this.windows.addressOf)
    record.memory = view
    record.extra = fd
    const handle = this.handles.at(fd)
    const done = this.windows.acceptEx(
      this.acceptEx,
      opened.handle,
      handle,
      address,
      0,
      ADDRESS_ROOM,
      ADDRESS_ROOM,
      this.wordsAt,
      record.at,
    )
    const result = this.begun(done)
    const made = this.handles.get(fd)
    if (made !== null) made.awaited = result === EAGAIN
    if (result < 0 && result !== EAGAIN) this.winsock.close(fd)
    return result
  }

  /** The socket of a connection that was accepted, or, if it was not, `result`. */
  accepted(record: Overlapped, listener: number, result: number): number {
    const fd = record.extra
    if (result < 0) {
      this.winsock.close(fd)
      // The peer has gone again: accept(2) has a name for that, which says whose fault it is.
      return result === ECONNRESET || result === ENOTCONN ? ECONNABORTED : result
    }
    const opened = this.handles.get(fd)
    if (opened !== null) {
      opened.bound = true
      opened.awaited = false
    }
    const handle = this.handles.at(listener)
    this.words[0] = handle
    this.words[1] = handle / 2 ** 32
    this.winsock.setsockopt(fd, SOL_SOCKET, c.SO_UPDATE_ACCEPT_CONTEXT, this.wordsAt, 8)
    return fd
  }

  /** 0: connected; EAGAIN: a packet will come; else negative. */
  connect(record: Overlapped, fd: number, address: Address): number {
    const opened = this.handles.get(fd)
    if (opened === null) return EBADF
    const length = encodeAddress(c.WINDOWS, address, this.sockaddr)
    // Where datagrams go is known at once.
    if (address.family === 'unix' || opened.type === SOCK_DGRAM)
      return this.winsock.connect(fd, this.sockaddrAt, length)
    const local = toLoopback(this.sockaddr, length)
    if (!opened.bound) {
      const bound = this.bindToAny(fd, opened)
      if (bound < 0) return bound
    }
    if (local) {
      this.words[0] = NO_SYN_AGAIN
      this.windows.askSocket(opened.handle, c.SIO_TCP_INITIAL_RTO, this.wordsAt, 4, 0, 0, this.wordsAt + 8, 0, 0)
    }
    this.connectEx ||= this.find(opened, CONNECT_EX)
    const done = this.windows.connectEx(
      this.connectEx,
      opened.handle,
      this.sockaddrAt,
      length,
      0,
      0,
      this.wordsAt,
      record.at,
    )
    const result = this.begun(done)
    return result === 0 ? this.connected(fd, 0) : result
  }

  /** The result of a connection that was made, or not. */
  connected(fd: number, result: number): number {
    if (result === 0 || result === EISCONN) this.winsock.setsockopt(fd, SOL_SOCKET, c.SO_UPDATE_CONNECT_CONTEXT, 0, 0)
    return result
  }

  private begun(done: number): number {
    if (done !== 0) return 0
    const code = this.windows.socketError()
    return code === c.ERROR_IO_PENDING ? EAGAIN : resultOf(code)
  }

  private bindToAny(fd: number, { family }: Opened): number {
    const any = new Uint8Array(ADDRESS_BYTES)
    any[0] = family
    return this.winsock.bind(fd, this.windows.addressOf(any), family === c.IPV4 ? 16 : 28)
  }

  private find({ handle }: Opened, guid: readonly number[]): bigint {
    this.guid.set(guid)
    const found = new BigUint64Array(1)
    const { addressOf, askSocket } = this.windows
    const code = c.SIO_GET_EXTENSION_FUNCTION_POINTER
    askSocket(handle, code, this.guidAt, 16, addressOf(found), 8, this.wordsAt, 0, 0)
    return found[0] as bigint
  }
}

/**
 * Is this an address of the loopback? Nobody can be reached at the address that stands for any:
 * POSIX takes that for the loopback, Windows refuses it.
 */
function toLoopback(sockaddr: Uint8Array, length: number): boolean {
  const host = length === 16 ? sockaddr.subarray(4, 8) : sockaddr.subarray(8, 24)
  if (host.every((byte) => byte === 0)) {
    if (length === 16) host[0] = 127
    host[host.length - 1] = 1
    return true
  }
  return length === 16 ? host[0] === 127 : host.every((byte, i) => byte === (i === 15 ? 1 : 0))
}
