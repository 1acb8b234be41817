/**
 * The C library, as a table of plain functions on numbers: what every POSIX system has. Each
 * platform adds its own (linux/libc.ts).
 *
 * Every function returns ≥ 0 or the negated errno. Memory goes in as an address (a number): taking
 * one costs more than a call, so callers take it once with `addressOf` and keep it, and keep the
 * memory alive too. None of these functions checks an fd: to the C side NaN is 0, which is
 * somebody's standard input.
 */
import { type Koffi, loadKoffi } from '../koffi.js'
import { F_GETFL, F_SETFD, F_SETFL, FD_CLOEXEC, type PosixConstants } from './constants.js'
import type { MessageConstants } from './descriptors.js'
import { Environment } from './environment.js'
import { bindProcesses, type ProcessConstants } from './process-calls.js'
import { setWord } from './words.js'

/** A flag of dlopen's, the same everywhere. Nobody gives the handle back, so the file stays. */
const RTLD_LAZY = 0x1

export type Call = (...operands: number[]) => number

/** Binds functions of the process's own libraries. */
export class Binder {
  readonly koffi: Koffi = loadKoffi((koffi, file) => {
    koffi.load(null).func('dlopen', 'uintptr_t', ['str', 'int'])(file, RTLD_LAZY)
  })
  readonly library = this.koffi.load(null)
  readonly isMainThread = process.getBuiltinModule('node:worker_threads').isMainThread
  /** What a call returned, or the negated errno. */
  readonly checked = (result: number): number => (result >= 0 ? result : -this.koffi.errno())

  /**
   * A function that returns an int. It is enough for counts: no system moves more than 2 ** 31
   * bytes in one call.
   */
  bind(name: string, ...types: string[]): Call {
    return this.library.func(name, 'int', types) as Call
  }

  addressOf(view: ArrayBufferView): number {
    return addressOf(this.koffi, view)
  }

  /** Bound when first used. */
  bindLate(name: string, ...types: string[]): Call {
    let call = this.isMainThread ? null : this.bind(name, ...types)
    return (...operands) => {
      call ??= this.bind(name, ...types)
      return call(...operands)
    }
  }

  /**
   * The same, checked, for what is rarely called: bound when first used, which saves 2 of 10 ms of
   * a first run. Not in a worker: one that is terminated while koffi binds takes the process down,
   * and a call of what is bound does not.
   */
  bindChecked(name: string, ...types: string[]): Call {
    const call = this.bindLate(name, ...types)
    return (...operands) => this.checked(call(...operands))
  }
}

/** What a platform adds to the table, because the systems differ in it. */
export interface PlatformCalls {
  readonly constants: PosixConstants
  readonly processes: ProcessConstants
  readonly messages: MessageConstants
  /** Accepts a connection, non-blocking and closed in child processes from the start. */
  accept(fd: number): number
  /** Makes a socket like that. */
  socket(family: number, type: number, protocol: number): number
  /** Makes a pipe like that; both fds go to an address. */
  pipe(at: number): number
  /** Makes two connected Unix sockets like that; both fds go to an address. */
  socketPair(type: number, at: number): number
  /** How many bytes a regular file has; Infinity for a disk, negative for anything else. */
  fileBytes(fd: number): number
  isFifo(file: number | string): boolean
  /** Has somebody opened this FIFO for writing? One that came, wrote and went counts, too. */
  hasWriter(fifo: number): boolean
  /**
   * Reads at a position what the system has in memory. Negative: it has not, or cannot say. Where
   * the system can do that.
   */
  readCached?(fd: number, at: number, bytes: number, position: number): number
}

/** What drivers of POSIX systems call. */
export type Libc = ReturnType<typeof bindPosix> & PlatformCalls

/**
 * What of it operations on descriptors need. Sockets of another making do as well, if they have
 * numbers and these functions (windows/winsock.ts).
 */
export type FdCalls = Pick<
  Libc,
  | 'readCached'
  | 'constants'
  | 'addressOf'
  | 'statusFlags'
  | 'read'
  | 'write'
  | 'readv'
  | 'writev'
  | 'recv'
  | 'send'
  | 'sendv'
  | 'recvfrom'
  | 'sendto'
  | 'accept'
  | 'connect'
  | 'poll'
  | 'socket'
  | 'bind'
  | 'listen'
  | 'getsockopt'
  | 'setsockopt'
  | 'getsockname'
  | 'getpeername'
  | 'shutdown'
  | 'close'
> & { readonly environment: Pick<Environment, 'own'> | null }

/** What a look-up of names needs. */
export type LookupCalls = Pick<
  Libc,
  'constants' | 'addressOf' | 'getaddrinfo' | 'freeaddrinfo' | 'getnameinfo' | 'pointerAt' | 'intAt' | 'bytesAt'
>

/**
 * The functions that all POSIX systems have.
 *
 * @param sendFlags go with each send.
 * @param lengthFlag lets a receive return the length of the whole datagram; 0 where none does.
 * @param anyLibrary dlsym's handle for all that is loaded.
 */
export function bindPosix(binder: Binder, sendFlags: number, anyLibrary: number, lengthFlag = 0) {
  const { koffi, library, isMainThread, checked } = binder
  const environment = isMainThread ? null : Environment.find(library, anyLibrary)
  // The hot ones are written out: a rest parameter would allocate, and a shared closure would not
  // be inlined.
  const read = binder.bind('read', 'int', 'uintptr_t', 'size_t')
  const write = binder.bind('write', 'int', 'uintptr_t', 'size_t')
  const recv = binder.bind('recv', 'int', 'uintptr_t', 'size_t', 'int')
  const send = binder.bind('send', 'int', 'uintptr_t', 'size_t', 'int')
  const recvfrom = binder.bind('recvfrom', 'int', 'uintptr_t', 'size_t', 'int', 'uintptr_t', 'uintptr_t')
  const readv = binder.bind('readv', 'int', 'uintptr_t', 'int')
  const writev = binder.bind('writev', 'int', 'uintptr_t', 'int')
  const sendmsg = binder.bind('sendmsg', 'int', 'uintptr_t', 'int')
  const sendto = binder.bind('sendto', 'int', 'uintptr_t', 'size_t', 'int', 'uintptr_t', 'uint')
  const poll = binder.bind('poll', 'uintptr_t', 'ulong', 'int')
  // Variadic in C, which on some machines is another way of passing the last operand.
  const fcntl = library.func('fcntl', 'int', ['int', 'int', '...']) as (
    fd: number,
    code: number,
    ...rest: unknown[]
  ) => number
  const open = library.func('open', 'int', ['uintptr_t', 'int', '...']) as (
    path: number,
    flags: number,
    ...rest: unknown[]
  ) => number
  const lseek = library.func('lseek', 'int64_t', ['int', 'int64_t', 'int']) as Call
  const close = binder.bindChecked('close', 'int')
  // struct msghdr; only the list's address and its number of entries are not 0.
  const message = new Uint32Array(14)
  const messageAt = addressOf(koffi, message)

  return {
    koffi,
    isMainThread,
    /** In a worker thread, where the host has one. */
    environment,
    read: (fd: number, at: number, length: number) => checked(read(fd, at, length)),
    write: (fd: number, at: number, length: number) => checked(write(fd, at, length)),
    recv: (fd: number, at: number, length: number) => checked(recv(fd, at, length, 0)),
    send: (fd: number, at: number, length: number) => checked(send(fd, at, length, sendFlags)),
    readv: (fd: number, pieces: number, count: number) => checked(readv(fd, pieces, count)),
    writev: (fd: number, pieces: number, count: number) => checked(writev(fd, pieces, count)),
    /** Sends a list of pieces (gather.ts). */
    sendv(fd: number, pieces: number, count: number): number {
      setWord(message, 4, pieces)
      message[6] = count
      return checked(sendmsg(fd, messageAt, sendFlags))
    },
    /** More than `length`: the datagram was longer, and its end is lost. */
    recvfrom: (fd: number, at: number, length: number, from: number, fromLength: number) =>
      checked(recvfrom(fd, at, length, lengthFlag, from, fromLength)),
    sendto: (fd: number, at: number, length: number, to: number, toLength: number) =>
      checked(sendto(fd, at, length, sendFlags, to, toLength)),
    /** A struct msghdr at an address, and flags. */
    sendMessage: (fd: number, at: number, flags: number) => checked(sendmsg(fd, at, sendFlags | flags)),
    receiveMessage: binder.bindChecked('recvmsg', 'int', 'uintptr_t', 'int'),
    setCloseOnExec: (fd: number) => checked(fcntl(fd, F_SETFD, 'long', FD_CLOEXEC)),
    poll: (fds: number, count: number, ms: number) => checked(poll(fds, count, ms)),
    /** The new position; a number, since no file is of 2 ** 53 bytes. */
    lseek: (fd: number, offset: number, from: number) => checked(Number(lseek(fd, offset, from))),
    setStatusFlags: (fd: number, flags: number) => checked(fcntl(fd, F_SETFL, 'long', flags)),
    open: (path: number, flags: number, mode: number) => checked(open(path, flags, 'uint', mode)),
    statusFlags: (fd: number) => checked(fcntl(fd, F_GETFL, 'long', 0)),
    /** Another descriptor of the same file, from `F_DUPFD_CLOEXEC` on. */
    duplicate: (fd: number, code: number) => checked(fcntl(fd, code, 'long', 0)),
    ...bindProcesses(binder),
    /** Not an errno, but an error of its own, and 0 is none. */
    getaddrinfo: binder.bindLate('getaddrinfo', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t'),
    freeaddrinfo: binder.bindLate('freeaddrinfo', 'uintptr_t'),
    getnameinfo: binder.bindLate('getnameinfo', 'uintptr_t', 'uint', 'uintptr_t', 'uint', 'uintptr_t', 'uint', 'int'),
    /** Memory that C has given: a pointer, an int, bytes that are copied. */
    pointerAt: (at: number): number =>
      Number(new BigUint64Array((koffi.view(at as never, 8) as ArrayBuffer).slice(0))[0]),
    intAt: (at: number): number => new Int32Array((koffi.view(at as never, 4) as ArrayBuffer).slice(0))[0] as number,
    bytesAt: (at: number, count: number): Uint8Array =>
      new Uint8Array((koffi.view(at as never, count) as ArrayBuffer).slice(0)),
    bind: binder.bindChecked('bind', 'int', 'uintptr_t', 'uint'),
    listen: binder.bindChecked('listen', 'int', 'int'),
    connect: binder.bindChecked('connect', 'int', 'uintptr_t', 'uint'),
    getsockopt: binder.bindChecked('getsockopt', 'int', 'int', 'int', 'uintptr_t', 'uintptr_t'),
    setsockopt: binder.bindChecked('setsockopt', 'int', 'int', 'int', 'uintptr_t', 'uint'),
    getsockname: binder.bindChecked('getsockname', 'int', 'uintptr_t', 'uintptr_t'),
    getpeername: binder.bindChecked('getpeername', 'int', 'uintptr_t', 'uintptr_t'),
    shutdown: binder.bindChecked('shutdown', 'int', 'int'),
    flock: binder.bindChecked('flock', 'int', 'int'),
    close: (fd: number) => {
      environment?.disown(fd)
      return close(fd)
    },

    addressOf: (view: ArrayBufferView): number => addressOf(koffi, view),
  }
}

/**
 * The memory address of a view, valid as long as the view is alive and attached. Small typed arrays
 * live inside V8's heap and move; reading `.buffer` moves them out, for good.
 */
export function addressOf(koffi: Koffi, view: ArrayBufferView): number {
  void view.buffer
  return Number(koffi.address(view))
}
