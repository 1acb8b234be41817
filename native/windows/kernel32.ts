/**
 * The libraries of Windows, as tables of plain functions on numbers: kernel32, ws2_32, and of ntdll
 * what polls a socket.
 *
 * Handles and sockets are numbers, and so are addresses; who has an address keeps the memory alive
 * (posix/libc.ts). koffi keeps the last error of a call until the next one, on this thread.
 */
import { type Koffi, loadKoffi } from '../koffi.js'
import { addressOf } from '../posix/libc.js'

export type Call = (...operands: number[]) => number

/** GET_MODULE_HANDLE_EX_FLAG_PIN. */
const PIN = 0x1

/** Both calls that ask a device take: handle, event, call-back, context, status, code, memory. */
const CONTROL = [
  ...['intptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'uint'],
  ...['uintptr_t', 'uint', 'uintptr_t', 'uint'],
]

/** What `openWindows` returns. */
export type Windows = ReturnType<typeof bind>

let opened: Windows | null = null

/**
 * Loads koffi and binds the tables, once a thread.
 *
 * @throws NoKoffi if it is not installed, has no binary for this platform, or may not be loaded.
 */
export function openWindows(): Windows {
  opened ??= bind(loadKoffi(pin))
  return opened
}

function bind(koffi: Koffi) {
  const kernel32 = koffi.load('kernel32.dll')
  const ws2 = koffi.load('ws2_32.dll')
  const ntdll = koffi.load('ntdll.dll')
  const of = (library: typeof kernel32, name: string, result: string, ...types: string[]): Call =>
    library.func(name, result, types) as Call
  const ofKernel = (name: string, ...types: string[]): Call => of(kernel32, name, 'intptr_t', ...types)
  const ofSocket = (name: string, ...types: string[]): Call => of(ws2, name, 'int', 'intptr_t', ...types)
  return {
    koffi,
    isMainThread: process.getBuiltinModule('node:worker_threads').isMainThread,
    addressOf: (view: ArrayBufferView): number => addressOf(koffi, view),
    lastError: of(kernel32, 'GetLastError', 'uint'),
    socketError: of(ws2, 'WSAGetLastError', 'int'),

    createPort: ofKernel('CreateIoCompletionPort', 'intptr_t', 'intptr_t', 'uintptr_t', 'uint'),
    takePackets: of(
      kernel32,
      'GetQueuedCompletionStatusEx',
      'int',
      'intptr_t',
      'uintptr_t',
      'uint',
      'uintptr_t',
      'uint',
      'int',
    ),
    postPacket: of(kernel32, 'PostQueuedCompletionStatus', 'int', 'intptr_t', 'uint', 'uintptr_t', 'uintptr_t'),
    setPacketModes: of(kernel32, 'SetFileCompletionNotificationModes', 'int', 'intptr_t', 'uint8'),
    cancel: of(kernel32, 'CancelIoEx', 'int', 'intptr_t', 'uintptr_t'),
    closeHandle: of(kernel32, 'CloseHandle', 'int', 'intptr_t'),
    openFile: kernel32.func('CreateFileW', 'intptr_t', [
      'str16',
      'uint',
      'uint',
      'uintptr_t',
      'uint',
      'uint',
      'uintptr_t',
    ]) as (path: string, ...operands: number[]) => number,
    reopenFile: ofKernel('ReOpenFile', 'intptr_t', 'uint', 'uint', 'uint'),
    readFile: of(kernel32, 'ReadFile', 'int', 'intptr_t', 'uintptr_t', 'uint', 'uintptr_t', 'uintptr_t'),
    overlappedFile: of(kernel32, 'GetOverlappedResult', 'int', 'intptr_t', 'uintptr_t', 'uintptr_t', 'int'),
    writeFile: of(kernel32, 'WriteFile', 'int', 'intptr_t', 'uintptr_t', 'uint', 'uintptr_t', 'uintptr_t'),

    makePipe: kernel32.func('CreateNamedPipeW', 'intptr_t', [
      'str16',
      'uint',
      'uint',
      'uint',
      'uint',
      'uint',
      'uint',
      'uintptr_t',
    ]) as (path: string, ...operands: number[]) => number,
    connectPipe: of(kernel32, 'ConnectNamedPipe', 'int', 'intptr_t', 'uintptr_t'),
    /** To an address, from another, so many bytes. */
    copy: of(kernel32, 'RtlMoveMemory', 'void', 'uintptr_t', 'uintptr_t', 'uintptr_t'),

    startSockets: of(ws2, 'WSAStartup', 'int', 'uint16', 'uintptr_t'),
    makeSocket: of(ws2, 'WSASocketW', 'intptr_t', 'int', 'int', 'int', 'uintptr_t', 'uint', 'uint'),
    closeSocket: ofSocket('closesocket'),
    controlSocket: ofSocket('ioctlsocket', 'int', 'uintptr_t'),
    askSocket: ofSocket(
      'WSAIoctl',
      'uint',
      'uintptr_t',
      'uint',
      'uintptr_t',
      'uint',
      'uintptr_t',
      'uintptr_t',
      'uintptr_t',
    ),
    recv: ofSocket('recv', 'uintptr_t', 'int', 'int'),
    send: ofSocket('send', 'uintptr_t', 'int', 'int'),
    recvfrom: ofSocket('recvfrom', 'uintptr_t', 'int', 'int', 'uintptr_t', 'uintptr_t'),
    sendto: ofSocket('sendto', 'uintptr_t', 'int', 'int', 'uintptr_t', 'int'),
    receive: ofSocket('WSARecv', 'uintptr_t', 'uint', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t'),
    sendPieces: ofSocket('WSASend', 'uintptr_t', 'uint', 'uintptr_t', 'uint', 'uintptr_t', 'uintptr_t'),
    overlappedResult: ofSocket('WSAGetOverlappedResult', 'uintptr_t', 'uintptr_t', 'int', 'uintptr_t'),
    accept: of(ws2, 'accept', 'intptr_t', 'intptr_t', 'uintptr_t', 'uintptr_t'),
    connect: ofSocket('connect', 'uintptr_t', 'int'),
    bindSocket: ofSocket('bind', 'uintptr_t', 'int'),
    listen: ofSocket('listen', 'int'),
    getsockopt: ofSocket('getsockopt', 'int', 'int', 'uintptr_t', 'uintptr_t'),
    setsockopt: ofSocket('setsockopt', 'int', 'int', 'uintptr_t', 'int'),
    getsockname: ofSocket('getsockname', 'uintptr_t', 'uintptr_t'),
    getpeername: ofSocket('getpeername', 'uintptr_t', 'uintptr_t'),
    shutdown: ofSocket('shutdown', 'int'),
    getnameinfo: of(ws2, 'getnameinfo', 'int', 'uintptr_t', 'int', 'uintptr_t', 'uint', 'uintptr_t', 'uint', 'int'),
    getaddrinfo: of(ws2, 'getaddrinfo', 'int', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t'),
    freeaddrinfo: of(ws2, 'freeaddrinfo', 'void', 'uintptr_t'),

    openDevice: of(
      ntdll,
      'NtCreateFile',
      'int',
      'uintptr_t',
      'uint',
      'uintptr_t',
      'uintptr_t',
      'uintptr_t',
      'uint',
      'uint',
      'uint',
      'uint',
      'uintptr_t',
      'uint',
    ),
    askDevice: of(ntdll, 'NtDeviceIoControlFile', 'int', ...CONTROL),
    askFiles: of(ntdll, 'NtFsControlFile', 'int', ...CONTROL),
    /** The handle behind a descriptor of the host's. */
    handleOf: of(koffi.load(null), 'uv_get_osfhandle', 'intptr_t', 'int'),
    /** Functions that Winsock gives by their addresses. */
    acceptEx: callAt(koffi, 'intptr_t', 'intptr_t', 'uintptr_t', 'uint', 'uint', 'uint', 'uintptr_t', 'uintptr_t'),
    connectEx: callAt(koffi, 'intptr_t', 'uintptr_t', 'int', 'uintptr_t', 'uint', 'uintptr_t', 'uintptr_t'),
  }
}

function pin(koffi: Koffi, file: string): void {
  const module = new BigUint64Array(1)
  const keep = koffi.load('kernel32.dll').func('GetModuleHandleExW', 'int', ['uint', 'str16', 'uintptr_t'])
  keep(PIN, file, addressOf(koffi, module))
}

/** Calls a function of these types, whose address comes first. */
function callAt(koffi: Koffi, ...types: string[]): (at: bigint, ...operands: number[]) => number {
  const type = koffi.proto('int', types)
  return (at, ...operands) => koffi.call(at, type, ...operands) as number
}
