/**
 * Unix datagrams: whole messages between programs on one machine, in order, none lost. Addresses
 * are paths, and a sender without one is nobody.
 *
 * A sender waits while the queue of its peer is full. The OS tells when there is room again, but
 * only senders that are connected to that peer. So for one that is not, another socket is connected
 * there and waits in its place. Where the OS tells nobody, it is tried again after a pause.
 */
import { operation, tracked } from '../../kernel/protocol/debug.js'
import { ClosedError, SystemError } from '../../kernel/protocol/errors.js'
import { INSPECT } from '../../kernel/protocol/inspect.js'
import type { Address } from '../../kernel/protocol/io-op.js'
import { checkBytes, checkCount, checkOptions, timeoutOf, type WaitOptions } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import * as io from '../raw/io.js'
import { BYTES_OR_STRING, type Bytes, encoded } from '../raw/text.js'
import { sleep } from '../raw/time.js'
import { within } from '../scope/scope.js'
import { DatagramSocket } from './datagram.js'
import { checkPath, isAbstract, openAt, type SocketFile } from './unix.js'

/** Linux’s default for what waits to be received is less, and no datagram may have more. */
const USUAL_BYTES = 256 * 1024
const MOST_BYTES = 0x7fffffff
const LONGEST_PAUSE_MS = 50
const UNCONNECTED = 'to must be a path; only a connected socket needs none'
/** What BSD systems say of a full queue. */
const FULL = new Set(['EAGAIN', 'ENOBUFS'])

/** Where a socket for Unix datagrams is, and whom it talks to. */
export interface UnixDatagramOptions {
  /** Its own address: a path, or an abstract name of Linux (`'\0name'`). Default: it has none. */
  readonly path?: string
  /**
   * The permissions of its file: who may send. It is set right after the file was made. Default:
   * what the umask leaves of 0o777.
   */
  readonly mode?: number
  /** The path of the one peer that it sends to and hears. Default: each datagram has its own. */
  readonly remote?: string
}

/** A socket for Unix datagrams. */
export class UnixDatagramSocket extends DatagramSocket<string | null> {
  private to: string | null = null
  /** Sockets that wait for room at a peer. Whoever takes one out of here closes it. */
  private readonly watchers = new Set<number>()

  /** @internal */
  constructor(
    fd: number,
    /** Where it is bound; null: it has no address, and its peers cannot answer. */
    readonly path: string | null,
    /** Has it a peer? */
    private connected = false,
    private readonly file: SocketFile | null = null,
  ) {
    super(fd, USUAL_BYTES, MOST_BYTES)
  }

  /** `console.log(socket)` is one line. */
  [INSPECT](): string {
    const fd = this.fd < 0 ? 'closed' : `fd ${this.fd}`
    return `UnixDatagramSocket (${this.path === null ? '' : `${this.path}, `}${fd})`
  }

  /** @internal */
  protected override sourceOf(address: Address | null): string | null {
    return address?.family === 'unix' && address.path !== '' ? address.path : null
  }

  /** The path of the peer that it is connected to; null if there is none, or it has no path. */
  get remote(): string | null {
    return this.to
  }

  /**
   * Sends one datagram, and returns how many bytes it had. Waits while the peer’s queue is full; a
   * task that waits for one peer does not keep others from sending to another. If the task is
   * cancelled while it waits, it was not sent.
   *
   * @param payload The bytes; a string stands for its UTF-8 bytes. They must not change until then.
   * @param to A path, or an abstract name. A connected socket needs none.
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws SystemError if the OS refuses it: `ECONNREFUSED` if nobody is there any more, `ENOENT`,
   * `EMSGSIZE`, `EPERM` if the peer is connected to another one, …
   * @throws ClosedError if the socket is closed, before or meanwhile.
   * @throws BusyError if another task is sending and the OS has no room for it.
   * @throws BufferError if the bytes were transferred or made smaller meanwhile.
   * @throws TimeoutError after `timeout` milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  send(payload: Bytes, to?: string | null, options?: WaitOptions): Operation<number> {
    const bytes = checkBytes('send a datagram', 'payload', encoded(payload), BYTES_OR_STRING)
    const ms = timeoutOf('send a datagram', options)
    if (to == null && !this.connected) throw new TypeError(`Cannot send a datagram: ${UNCONNECTED}`)
    const address = to == null ? null : addressOf('send a datagram', to)
    this.opened('send a datagram')
    return tracked('send', within('send a datagram', ms, this.sendOperation(bytes, address)))
  }

  private *sendOperation(bytes: Uint8Array, address: Address | null): Operation<number> {
    for (let ms = 0; ; ms = Math.min(2 * ms + 1, LONGEST_PAUSE_MS)) {
      try {
        return yield* this.sending(bytes, address, Number.POSITIVE_INFINITY)
      } catch (error) {
        if (!(error instanceof SystemError) || !FULL.has(error.code)) throw error
      }
      if (ms > 0) yield* sleep(ms)
      yield* this.room(address)
    }
  }

  /** Waits until there may be room. What is wrong with the peer, the next attempt tells. */
  private *room(peer: Address | null): Operation<void> {
    let watcher = -1
    try {
      yield* io.writable(this.opened('send a datagram'))
      if (peer === null) return
      watcher = yield* io.socket('unixDatagram')
      this.watchers.add(watcher)
      if (this.fd < 0) return
      yield* io.connect(watcher, peer)
      yield* io.writable(watcher)
    } catch (error) {
      if (!(error instanceof SystemError || (error instanceof ClosedError && this.fd < 0))) throw error
    } finally {
      if (this.watchers.delete(watcher)) yield* io.close(watcher)
    }
  }

  /**
   * Connects it: from now on `send` needs no path, and it hears that peer alone. Another call takes
   * another peer; what waits to be received is lost then, and the earlier peer, if it is connected
   * to this socket, gets an ECONNRESET. Does not wait.
   *
   * @param to A path, or an abstract name.
   * @throws SystemError if nobody is there (`ECONNREFUSED`, `ENOENT`), the peer is connected to
   * another one (`EPERM`), …
   * @throws ClosedError if the socket is closed.
   */
  connect(to: string): Operation<void> {
    const address = addressOf('connect', to)
    return tracked('connect', this.connectOperation(this.opened('connect'), address, to))
  }

  private *connectOperation(fd: number, address: Address, to: string): Operation<void> {
    yield* io.connect(fd, address)
    this.to = to
    this.connected = true
  }

  /**
   * Undoes `connect`: each datagram says where it goes, and it hears everybody. What waits to be
   * received is lost. Does not wait.
   *
   * @throws ClosedError if the socket is closed.
   */
  disconnect(): Operation<void> {
    return tracked('disconnect', this.disconnectOperation(this.opened('disconnect')))
  }

  private *disconnectOperation(fd: number): Operation<void> {
    if (!this.connected) return
    this.connected = false
    this.to = null
    yield* io.disconnect(fd)
  }

  /**
   * Closes it; tasks that wait on it get a ClosedError. A second close does nothing. Does not wait,
   * but for its file to be gone, and no cancel keeps that from happening. A file that has taken its
   * place is left alone.
   */
  close(): Operation<void> {
    return tracked('close', this.closeOperation())
  }

  private *closeOperation(): Operation<void> {
    if (this.file !== null && this.fd >= 0) yield* this.file.remove()
    yield* this.closeFd()
    for (const watcher of this.watchers) if (this.watchers.delete(watcher)) yield* io.close(watcher)
  }
}

function addressOf(action: string, path: string): Address {
  return { family: 'unix', path: checkPath(action, path, 'to') }
}

/**
 * Opens a socket for Unix datagrams. Close it when done. The file of a socket that nobody has open
 * any more is replaced, and the file goes when it is closed. If the task is cancelled while it
 * waits, nothing is left behind. Not on Windows, which has none.
 *
 * @param options Where it is, and whom it talks to. Default: it has no address, and can send.
 * @throws SystemError if somebody is at the path, if it is another file than a socket’s, or if it
 * cannot be told (`EADDRINUSE`), if nobody is at `remote` (`ECONNREFUSED`, `ENOENT`), …
 * @throws UnsupportedError where there are no Unix datagrams.
 * @throws RangeError if a path is empty or too long.
 * @throws TypeError if an option is of another type than it should be, or a mode is for no file.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { mkdtempSync, rmdirSync } from 'node:fs'
 * import { run, unixDatagram } from 'drupe'
 *
 * const directory = mkdtempSync('/tmp/drupe-')
 * await run(function* () {
 *   const log = yield* unixDatagram({ path: `${directory}/log` })
 *   const program = yield* unixDatagram({ remote: `${directory}/log` })
 *   yield* program.send('it has begun')
 *   const { bytes, from } = yield* log.receive()
 *   console.log(new TextDecoder().decode(bytes), from) // => it has begun null
 *   yield* program.close()
 *   yield* log.close()
 * })
 * rmdirSync(directory)
 */
export function unixDatagram(options: UnixDatagramOptions = {}): Operation<UnixDatagramSocket> {
  checkOptions('open a datagram socket', 'options', options)
  const { path, mode, remote } = options
  if (path !== undefined) checkPath('open a datagram socket', path)
  if (remote !== undefined) checkPath('open a datagram socket', remote, 'remote')
  if (mode !== undefined) {
    checkCount('open a datagram socket', 'mode', mode, 0, 0o777)
    if (path === undefined || isAbstract(path))
      throw new TypeError('Cannot open a datagram socket: mode is for the path of a file')
  }
  return operation('unixDatagram', function* () {
    const socket = yield* opened(path, mode)
    try {
      if (remote !== undefined) yield* socket.connect(remote)
      return socket
    } catch (error) {
      yield* socket.close()
      throw error
    }
  })
}

function* opened(path: string | undefined, mode: number | undefined): Operation<UnixDatagramSocket> {
  if (path === undefined) return new UnixDatagramSocket(yield* io.socket('unixDatagram'), null)
  const [fd, file] = yield* openAt('unixDatagram', path, mode)
  return new UnixDatagramSocket(fd, path, false, file)
}
