/**
 * Sockets by descriptors, as the operations of posix/ call them: Winsock under the names of BSD.
 *
 * Every socket is non-blocking, belongs to the driver's port, is inherited by no child process, and
 * leaves no packet for a call that succeeds at once. Results are ≥ 0, or negative in libuv's
 * numbers.
 */
import { UNSUPPORTED } from '../../kernel/driver/contract.js'
import { SOCK_DGRAM } from '../posix/constants.js'
import { EAGAIN, EBADF, EMSGSIZE } from '../posix/errno.js'
import type { FdCalls, LookupCalls } from '../posix/libc.js'
import * as c from './constants.js'
import { resultOf } from './errors.js'
import { type Handles, Opened } from './handles.js'
import type { Windows } from './kernel32.js'
import type { Port } from './port.js'

/** What `winsock` returns. */
export type Winsock = FdCalls &
  LookupCalls & {
    /** Takes a socket in that Windows has made; its descriptor. */
    adopt(handle: number, family: number, type: number): number
  }

const VERSION_2_2 = 0x202
/** WSADATA, rounded up. */
const STARTUP_BYTES = 512

/** Winsock for one driver. */
export function winsock(windows: Windows, handles: Handles, port: Port): Winsock {
  const { addressOf, socketError } = windows
  const started = new Uint8Array(STARTUP_BYTES)
  windows.startSockets(VERSION_2_2, addressOf(started))
  const ints = new Uint32Array(2)
  const intsAt = addressOf(ints)
  const second = intsAt + 4

  const checked = (result: number): number => (result >= 0 ? result : resultOf(socketError()))
  /** For what is rarely called: a descriptor that is none is EBADF, as everywhere else. */
  const cold =
    (call: (handle: number, ...operands: number[]) => number) =>
    (fd: number, ...operands: number[]): number => {
      const handle = handles.at(fd)
      return handle === c.INVALID_HANDLE ? EBADF : checked(call(handle, ...operands))
    }
  const adopt = (handle: number, family: number, type: number): number => {
    ints[0] = 1
    let result = checked(windows.controlSocket(handle, c.FIONBIO, intsAt))
    if (result >= 0) result = port.associate(handle)
    if (result < 0) {
      windows.closeSocket(handle)
      return result
    }
    windows.setPacketModes(handle, c.SKIP_ON_SUCCESS)
    if (type === SOCK_DGRAM) {
      // An ICMP answer to one datagram would fail the next receive.
      ints[0] = 0
      windows.askSocket(handle, c.SIO_UDP_CONNRESET, intsAt, 4, 0, 0, second, 0, 0)
    }
    return handles.add(new Opened(handle, family, type, -1))
  }
  const bind = cold(windows.bindSocket)
  const setsockopt = cold(windows.setsockopt)

  return {
    constants: c.WINDOWS,
    environment: null,
    addressOf,
    adopt,
    statusFlags: (fd) => (handles.get(fd) === null ? EBADF : 0),
    recv: (fd, at, length) => checked(windows.recv(handles.at(fd), at, length, 0)),
    send: (fd, at, length) => checked(windows.send(handles.at(fd), at, length, 0)),
    readv(fd, pieces, count) {
      ints[1] = 0
      const result = windows.receive(handles.at(fd), pieces, count, intsAt, second, 0, 0)
      return result === 0 ? (ints[0] as number) : checked(result)
    },
    sendv(fd, pieces, count) {
      const result = windows.sendPieces(handles.at(fd), pieces, count, intsAt, 0, 0, 0)
      return result === 0 ? (ints[0] as number) : checked(result)
    },
    // What is no socket of ours is no descriptor of this driver's.
    read: () => EBADF,
    write: () => EBADF,
    writev: () => EBADF,
    // Asked of what may take the thread, and nothing here does.
    poll: () => UNSUPPORTED,
    recvfrom(fd, at, length, from, fromLength) {
      const result = checked(windows.recvfrom(handles.at(fd), at, length, 0, from, fromLength))
      // More than there is room for: the rest of the datagram is lost.
      return result === EMSGSIZE ? length + 1 : result
    },
    sendto: (fd, at, length, to, toLength) => checked(windows.sendto(handles.at(fd), at, length, 0, to, toLength)),
    accept(fd) {
      const listener = handles.get(fd)
      if (listener === null) return EBADF
      const handle = windows.accept(listener.handle, 0, 0)
      return handle === c.INVALID_HANDLE ? resultOf(socketError()) : adopt(handle, listener.family, listener.type)
    },
    connect(fd, at, length) {
      const result = checked(windows.connect(handles.at(fd), at, length))
      return result === EAGAIN ? UNSUPPORTED : result
    },
    socket(family, type) {
      const handle = windows.makeSocket(family, type, 0, 0, 0, c.WSA_FLAG_OVERLAPPED_PRIVATE)
      return handle === c.INVALID_HANDLE ? resultOf(socketError()) : adopt(handle, family, type)
    },
    bind(fd, at, length) {
      const result = bind(fd, at, length)
      const opened = handles.get(fd)
      if (result === 0 && opened !== null) opened.bound = true
      return result
    },
    listen: cold(windows.listen),
    getsockopt: cold(windows.getsockopt),
    setsockopt(fd, level, name, at, length) {
      if (level === 0 && name === 0) return UNSUPPORTED
      // A port that nobody listens on any more can be had at once, and with this option one could
      // have it that somebody does listen on.
      const [socketLevel, reuse] = c.WINDOWS.SOCKET_OPTIONS.reuseAddress
      if (level === socketLevel && name === reuse && handles.get(fd)?.type !== SOCK_DGRAM) return fd >= 0 ? 0 : EBADF
      return setsockopt(fd, level, name, at, length)
    },
    getsockname: cold(windows.getsockname),
    getpeername: cold(windows.getpeername),
    shutdown: cold(windows.shutdown),
    close(fd) {
      const opened = handles.remove(fd)
      if (opened === null) return EBADF
      if (opened.isSocket) return checked(windows.closeSocket(opened.handle))
      windows.closeHandle(opened.handle)
      if (opened.hostFd >= 0) process.getBuiltinModule('node:fs').closeSync(opened.hostFd)
      return 0
    },
    getaddrinfo: windows.getaddrinfo,
    freeaddrinfo: windows.freeaddrinfo,
    getnameinfo: windows.getnameinfo,
    pointerAt: (at) => Number(new BigUint64Array(copy(at, 8))[0]),
    intAt: (at) => new Int32Array(copy(at, 4))[0] as number,
    bytesAt: (at, count) => new Uint8Array(copy(at, count)),
  }

  function copy(at: number, bytes: number): ArrayBuffer {
    return (windows.koffi.view(at as never, bytes) as ArrayBuffer).slice(0)
  }
}
