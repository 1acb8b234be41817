/**
 * Readiness on Windows: the driver of sockets (AFD) is asked to tell when a socket is readable or
 * writable.
 *
 * The interface has no documentation. It is what select and WSAPoll are made of, and what libuv,
 * mio, wepoll and Trio use, since nothing else waits for room to send without sending. One device
 * handle in the port is asked for all sockets; a question is answered once.
 */
import { setWord } from '../posix/words.js'
import * as c from './constants.js'
import type { Windows } from './kernel32.js'
import type { Overlapped } from './overlapped.js'
import type { Port } from './port.js'

const SYNCHRONIZE = 0x100000
const SHARE_READ_WRITE = 3
const FILE_OPEN = 1
const NAME = '\\Device\\Afd\\Drupe'

/** Something can be read or accepted, also an end or an error. */
export const READ_EVENTS = c.AFD_POLL_RECEIVE | c.AFD_POLL_ACCEPT | c.AFD_POLL_DISCONNECT | c.AFD_POLL_ABORT
/** There is room to send, or nobody to send to. */
export const WRITE_EVENTS = c.AFD_POLL_SEND | c.AFD_POLL_ABORT | c.AFD_POLL_CONNECT_FAIL

/** To whom the questions go. */
export class Afd {
  readonly handle: number

  /** @throws Error if Windows has no such device. */
  constructor(
    private readonly windows: Windows,
    port: Port,
  ) {
    this.handle = openDevice(windows)
    if (port.associate(this.handle) < 0) throw new Error(`Cannot watch sockets: error ${windows.lastError()}`)
    windows.setPacketModes(this.handle, c.SKIP_ON_SUCCESS)
  }

  /** Asks; an NTSTATUS: 0 if it is so already, STATUS_PENDING if a packet will come. */
  poll(record: Overlapped, socket: number, events: number): number {
    const info = record.setPoll(socket, events)
    return this.windows.askDevice(this.handle, 0, 0, record.at, record.at, c.IOCTL_AFD_POLL, info, 32, info, 32) >>> 0
  }

  close(): void {
    this.windows.closeHandle(this.handle)
  }
}

function openDevice(windows: Windows): number {
  const { addressOf } = windows
  const name = Uint16Array.from(NAME, (letter) => letter.charCodeAt(0))
  // UNICODE_STRING: its length twice, 16 bits each, then its address.
  const text = new Uint32Array(4)
  text[0] = name.byteLength | (name.byteLength << 16)
  setWord(text, 2, addressOf(name))
  // OBJECT_ATTRIBUTES: its own length, and the name.
  const attributes = new Uint32Array(12)
  attributes[0] = attributes.byteLength
  setWord(attributes, 4, addressOf(text))
  const status = new Uint32Array(4)
  const handle = new Uint32Array(2)
  const result = windows.openDevice(
    addressOf(handle),
    SYNCHRONIZE,
    addressOf(attributes),
    addressOf(status),
    0,
    0,
    SHARE_READ_WRITE,
    FILE_OPEN,
    0,
    0,
    0,
  )
  if (result < 0) throw new Error(`Cannot watch sockets: ${NAME} cannot be opened (${(result >>> 0).toString(16)})`)
  return handle[0] as number
}
