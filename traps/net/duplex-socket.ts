/**
 * The class of Duplexes over streams. It is made when the first one is, because its base is a class
 * of the host's, and in a browser there is none.
 *
 * A socket of Node's can do more than a Duplex, and servers call that without asking: `http` sets
 * timeouts and `destroySoon`, `pg` says `setNoDelay`. What is cheap and true is done here.
 * What is decided elsewhere changes nothing: options of the socket where it is opened, and whether
 * the process lives by what the tasks wait for.
 */

// biome-ignore lint/suspicious/noTsIgnore: it must be no error where the types are there
/** @ts-ignore Where there are no types of Node's, this is any. */
import type { Duplex, DuplexOptions } from 'node:stream'
import { clearTimeout, queueMicrotask, setTimeout } from '../../kernel/protocol/host-functions.js'
import type { Address } from '../../kernel/protocol/io-op.js'
import { checkTime } from '../../kernel/protocol/operands.js'
import type { ByteStream } from './byte-stream.js'
import { Pumps } from './pumps.js'

/** What a Duplex over a stream has besides, as a socket of Node's has it. */
export interface SocketFace {
  /** The address of the other end; undefined if the stream is no connection of IP. */
  readonly remoteAddress: string | undefined
  /** Its family: `IPv4`, `IPv6`. */
  readonly remoteFamily: string | undefined
  /** Its port. */
  readonly remotePort: number | undefined
  /** The address of this end. */
  readonly localAddress: string | undefined
  /** Its family. */
  readonly localFamily: string | undefined
  /** Its port. */
  readonly localPort: number | undefined
  /** How many bytes came. */
  readonly bytesRead: number
  /** How many bytes left. */
  readonly bytesWritten: number
  /** Milliseconds of `setTimeout`; undefined without one. */
  readonly timeout: number | undefined
  /** Always false: a stream is connected. */
  readonly connecting: boolean
  /** Always false: a stream is connected. */
  readonly pending: boolean
  /** `open`, `readOnly`, `writeOnly` or `closed`. */
  readonly readyState: string
  /** Returns the address of this end, as Node has it. */
  address(): object
  /**
   * Emits `'timeout'` when nothing has come or gone for so long, on the host's clock.
   *
   * @param ms Milliseconds; 0 for no limit.
   * @param callback Is called once then.
   */
  setTimeout(ms: number, callback?: () => void): this
  /** Changes nothing: see `noDelay` of `listen` and `connect`. */
  setNoDelay(): this
  /** Changes nothing: see `keepAlive` of `listen` and `connect`. */
  setKeepAlive(): this
  /** Changes nothing: the process lives by what tasks wait for. */
  ref(): this
  /** Changes nothing: the process lives by what tasks wait for. */
  unref(): this
  /** It is connected, and says so: emits `'connect'`. For clients that call this first. */
  connect(): this
  /** Destroys it when all that was written has left. */
  destroySoon(): void
}

/** The same, for Drupe. */
export interface SocketDuplex {
  readonly pumps: Pumps
  leave(error: Error | null): void
}

type Addresses = readonly [local: Address | null, remote: Address | null]
type Made = Duplex & SocketFace & SocketDuplex
type Callback = (error?: Error | null) => void

let made: ((stream: ByteStream, options: DuplexOptions, addresses: Addresses) => Made) | null = null

/** Makes a Duplex over a stream; somebody has to run its pumps. */
export function socketDuplex(stream: ByteStream, options: DuplexOptions, addresses: Addresses): Made {
  made ??= makeClass()
  return made(stream, options, addresses)
}

function ignore(): void {}

function makeClass(): (stream: ByteStream, options: DuplexOptions, addresses: Addresses) => Made {
  const { Duplex: Base } = process.getBuiltinModule('node:stream')

  class StreamDuplex extends Base implements SocketFace, SocketDuplex {
    readonly pumps: Pumps
    readonly connecting = false
    readonly pending = false
    readonly localAddress: string | undefined
    readonly localFamily: string | undefined
    readonly localPort: number | undefined
    readonly remoteAddress: string | undefined
    readonly remoteFamily: string | undefined
    readonly remotePort: number | undefined
    bytesRead = 0
    bytesWritten = 0
    timeout: number | undefined = undefined
    private timer: ReturnType<typeof setTimeout> | null = null

    constructor(stream: ByteStream, options: DuplexOptions, [local, remote]: Addresses) {
      super(options)
      this.pumps = new Pumps(stream, {
        take: (bytes) => this.arrived(bytes),
        broken: (error) => this.broken(error as Error),
      })
      if (local !== null && local.family !== 'unix') {
        this.localAddress = local.host
        this.localFamily = familyOf(local)
        this.localPort = local.port
      }
      if (remote !== null && remote.family !== 'unix') {
        this.remoteAddress = remote.host
        this.remoteFamily = familyOf(remote)
        this.remotePort = remote.port
      }
    }

    override _read(): void {
      this.pumps.want()
    }

    override _write(chunk: Uint8Array, _encoding: string, done: Callback): void {
      this.send(chunk, chunk.length, done)
    }

    override _writev(chunks: readonly { readonly chunk: Uint8Array }[], done: Callback): void {
      let bytes = 0
      const pieces = chunks.map(({ chunk }) => {
        bytes += chunk.length
        return chunk
      })
      this.send(pieces, bytes, done)
    }

    override _final(done: Callback): void {
      this.pumps.write(null, done as (error?: unknown) => void)
    }

    override _destroy(error: Error | null, done: Callback): void {
      this.setTimeout(0)
      this.pumps.destroy((failure) => done(error ?? (failure as Error | null)))
    }

    /** Destroys it; an error that nobody listens for must not end the process. */
    leave(error: Error | null): void {
      if (this.destroyed) return
      this.on('error', ignore)
      this.destroy(error ?? undefined)
    }

    get readyState(): string {
      const { readable, writable } = this
      if (readable) return writable ? 'open' : 'readOnly'
      return writable ? 'writeOnly' : 'closed'
    }

    address(): object {
      const { localAddress: address, localFamily: family, localPort: port } = this
      return address === undefined ? {} : { address, family, port }
    }

    setTimeout(ms: number, callback?: () => void): this {
      checkTime('set the timeout', 'ms', ms)
      if (this.timer !== null && ms === this.timeout) {
        this.timer.refresh()
      } else {
        if (this.timer !== null) clearTimeout(this.timer)
        this.timeout = ms === 0 ? undefined : ms
        this.timer = ms === 0 || this.destroyed ? null : setTimeout(() => this.emit('timeout'), ms).unref()
      }
      if (callback !== undefined && ms === 0) this.removeListener('timeout', callback)
      else if (callback !== undefined) this.once('timeout', callback)
      return this
    }

    setNoDelay(): this {
      return this
    }

    setKeepAlive(): this {
      return this
    }

    ref(): this {
      return this
    }

    unref(): this {
      return this
    }

    connect(): this {
      queueMicrotask(() => this.emit('connect'))
      return this
    }

    destroySoon(): void {
      if (this.writable) this.end()
      if (this.writableFinished) this.destroy()
      else this.once('finish', () => this.destroy())
    }

    private arrived(bytes: Uint8Array | null): boolean {
      this.timer?.refresh()
      if (this.destroyed) return false
      if (bytes !== null) this.bytesRead += bytes.length
      return this.push(bytes)
    }

    private broken(error: Error): void {
      // A task has closed the stream, so that it is over is no news.
      if (this.pumps.stream.closed) this.leave(error)
      else this.destroy(error)
    }

    private send(bytes: Uint8Array | readonly Uint8Array[], count: number, done: Callback): void {
      this.timer?.refresh()
      this.bytesWritten += count
      this.pumps.write(bytes, done as (error?: unknown) => void)
    }
  }

  return (stream, options, addresses) => new StreamDuplex(stream, options, addresses)
}

function familyOf({ family }: Address): string {
  return family === 'ipv4' ? 'IPv4' : 'IPv6'
}
