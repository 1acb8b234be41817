/**
 * Descriptors that are passed over Unix sockets: sendmsg and recvmsg with SCM_RIGHTS.
 *
 * There is always room for as many as a system passes at once, whatever was asked for: systems do
 * not agree on what becomes of those that find no room. If some are missing or too many, all are
 * closed, since nobody could say which is which. On macOS a descriptor is closed in child
 * processes a call later, and one that is started in between inherits it.
 */
import type { ReceivedMessage } from '../../kernel/driver/contract.js'
import { EINTR } from './errno.js'
import type { Libc } from './libc.js'
import { setWord } from './words.js'

/** How a message looks to a system: struct msghdr, struct cmsghdr, and flags. */
export interface MessageConstants {
  /** Are the lengths in both of 64 bits, and not of 32? */
  readonly LONG_LENGTHS: boolean
  /** Where in a cmsghdr its descriptors begin, and what the next one is aligned to. */
  readonly DATA_AT: number
  readonly ALIGN: number
  readonly DONTWAIT: number
  readonly TRUNC: number
  readonly CTRUNC: number
  /** Closed in child processes from the start; 0 where that is not to be had. */
  readonly CMSG_CLOEXEC: number
}

const SCM_RIGHTS = 1
/** No system passes more at once. */
const MOST_DESCRIPTORS = 512
/** In words of 32 bits: struct msghdr, struct iovec, and then the control message. */
const IOVEC = 14
const CONTROL = IOVEC + 4
const CONTROL_BYTES = 32 + 4 * MOST_DESCRIPTORS

/** Sends and receives; holds the memory that the calls need. */
export class Descriptors {
  private readonly words = new Uint32Array(CONTROL + CONTROL_BYTES / 4)
  private readonly at: number
  /** Where level and type are in a cmsghdr, and the flags in a msghdr; in words. */
  private readonly levelAt: number
  private readonly flagsAt: number

  constructor(
    private readonly libc: Libc,
    private readonly system: MessageConstants,
  ) {
    this.at = libc.addressOf(this.words)
    this.levelAt = system.LONG_LENGTHS ? 2 : 1
    this.flagsAt = system.LONG_LENGTHS ? 12 : 11
  }

  /** How many bytes went, with all of the descriptors; or a negative errno. */
  send(fd: number, bytes: Uint8Array, descriptors: readonly number[]): number {
    const { words, levelAt, system } = this
    const length = system.DATA_AT + 4 * descriptors.length
    this.prepare(bytes, Math.ceil(length / system.ALIGN) * system.ALIGN)
    words[CONTROL] = length
    words[CONTROL + levelAt] = this.libc.constants.SOL_SOCKET
    words[CONTROL + levelAt + 1] = SCM_RIGHTS
    words.set(descriptors, CONTROL + system.DATA_AT / 4)
    let result: number
    do result = this.libc.sendMessage(fd, this.at, system.DONTWAIT)
    while (result === EINTR)
    return result
  }

  /** What came, or a negative errno. */
  receive(fd: number, buffer: Uint8Array, most: number): ReceivedMessage | number {
    const { words, system } = this
    this.prepare(buffer, CONTROL_BYTES)
    let bytes: number
    do bytes = this.libc.receiveMessage(fd, this.at, system.DONTWAIT | system.CMSG_CLOEXEC)
    while (bytes === EINTR)
    if (bytes < 0) return bytes
    const flags = words[this.flagsAt] as number
    const all = this.taken()
    if (system.CMSG_CLOEXEC === 0) for (const one of all) this.libc.setCloseOnExec(one)
    const lost = all.length > most || (flags & system.CTRUNC) !== 0
    if (lost) for (const one of all) this.libc.close(one)
    return { bytes, descriptors: lost ? [] : all, lost, truncated: (flags & system.TRUNC) !== 0 }
  }

  private prepare(bytes: Uint8Array, controlBytes: number): void {
    const { words, at } = this
    words.fill(0)
    setWord(words, 4, at + 4 * IOVEC)
    words[6] = 1
    setWord(words, 8, at + 4 * CONTROL)
    words[10] = controlBytes
    setWord(words, IOVEC, this.libc.addressOf(bytes))
    setWord(words, IOVEC + 2, bytes.length)
  }

  /** The descriptors of all control messages that came. */
  private taken(): number[] {
    const { words, levelAt, system } = this
    const found: number[] = []
    const end = CONTROL + Math.min(words[10] as number, CONTROL_BYTES) / 4
    for (let at = CONTROL; at + system.DATA_AT / 4 <= end; ) {
      const length = words[at] as number
      if (length < system.DATA_AT) break
      const isRights = words[at + levelAt] === this.libc.constants.SOL_SOCKET && words[at + levelAt + 1] === SCM_RIGHTS
      if (isRights) found.push(...words.subarray(at + system.DATA_AT / 4, at + Math.floor(length / 4)))
      at += (Math.ceil(length / system.ALIGN) * system.ALIGN) / 4
    }
    return found
  }
}
