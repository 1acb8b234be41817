/**
 * Sessions on node:tls: a TLSSocket, and below it a Duplex in memory.
 *
 * What the peer sent is pushed into the Duplex; what the socket writes there is the output.
 * node:tls says what it has decrypted, when the handshake is done and when a write is; whether
 * there is more to come, news.ts finds out.
 */
import type { X509Certificate } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { ClosedError, TlsError } from '../../kernel/protocol/errors.js'
import {
  TLS_END,
  TLS_WANTS_INPUT,
  type TlsCertificate,
  type TlsDetails,
  type TlsLater,
  type TlsSession,
  type TlsSessionOptions,
} from '../../kernel/protocol/tls.js'
import { certificateOf } from '../tls/certificate.js'
import { CUT_OFF } from '../tls/checks.js'
import { logKey } from '../tls/key-log.js'
import { ByteQueue } from './byte-queue.js'
import type { NodeTlsContext } from './context.js'
import { hostError, verifyError } from './errors.js'
import { News } from './news.js'
import { chainOf, objection } from './peer.js'
import { packed, type Ticket, unpacked } from './tickets.js'

function ignore(): void {}

export class NodeTlsSession implements TlsSession, TlsLater {
  readonly later = this
  readonly engine: string
  readonly side: 'client' | 'server'
  private readonly below: Duplex
  private socket: TLSSocket | null = null
  private readonly output = new ByteQueue()
  private readonly plain = new ByteQueue()
  private readonly news = new News()
  private writes = 0
  private agreed: TlsDetails | null = null
  private chain: readonly X509Certificate[] = []
  /** What it goes on with, and what the server gave last. */
  private readonly earlier: Ticket | null
  private newest: Uint8Array | null = null
  private failure: TlsError | null = null
  /** The peer has said that it ends; the connection has ended; nothing may be used any more. */
  private peerEnded = false
  private cut = false
  private freed = false
  /** The peer was refused: what would complete the handshake does not leave. */
  private muted = false
  private ended = false

  constructor(
    private readonly context: NodeTlsContext,
    private readonly options: TlsSessionOptions,
  ) {
    this.engine = context.engine
    this.side = context.side
    const { Duplex } = process.getBuiltinModule('node:stream')
    this.below = new Duplex({
      read: ignore,
      write: (chunk: Uint8Array, _encoding, done) => {
        if (!this.muted) this.output.put(new Uint8Array(chunk))
        this.news.happened()
        done()
      },
    })
    this.below.on('error', ignore)
    const { host, session } = options
    this.earlier = session === null ? null : unpacked(host, session)
    this.news.settle()
    if (this.side === 'client') this.connect()
    else this.accept()
  }

  get isBusy(): boolean {
    return this.isWriting || (!this.freed && this.news.isTurning)
  }

  get isWriting(): boolean {
    return this.writes > 0 && this.failure === null && !this.freed
  }

  get hasNews(): boolean {
    return this.news.isNew
  }

  changed(wake: () => void): () => void {
    return this.news.next(wake)
  }

  handshake(): boolean {
    this.assertAlive()
    this.news.look()
    if (this.failure !== null) throw this.failure
    if (this.agreed === null && this.cut && !this.isBusy) throw new TlsError(this.action, CUT_OFF)
    return this.agreed !== null
  }

  feed(bytes: Uint8Array): void {
    this.assertAlive()
    this.news.settle()
    // It is lent, and the socket keeps it.
    if (!this.below.destroyed) this.below.push(Buffer.from(bytes))
  }

  endInput(): void {
    this.cut = true
    this.news.settle()
  }

  read(into: Uint8Array): number {
    this.assertAlive()
    this.news.look()
    const bytes = this.plain.take(into)
    if (bytes > 0) return bytes
    if (this.failure !== null) throw this.failure
    if (this.peerEnded) return TLS_END
    if (this.cut && !this.isBusy) throw new TlsError(this.action, CUT_OFF)
    return TLS_WANTS_INPUT
  }

  mayHaveMore(): boolean {
    return !this.plain.isEmpty || this.peerEnded || this.failure !== null
  }

  write(bytes: Uint8Array): void {
    this.assertAlive()
    if (this.failure !== null) throw this.failure
    this.socket?.write(Buffer.from(bytes), this.writing())
  }

  shutdown(): void {
    if (this.agreed === null || this.failure !== null || this.ended) return
    this.ended = true
    this.news.settle()
    this.socket?.end(this.writing())
  }

  takeOutput(into: Uint8Array): number {
    this.assertAlive()
    return this.output.take(into)
  }

  details(): TlsDetails {
    if (this.agreed === null) throw new ClosedError('use the TLS session', 'there was no handshake')
    return this.agreed
  }

  peerCertificates(): readonly TlsCertificate[] {
    return this.chain.map(certificateOf)
  }

  ticket(): Uint8Array | null {
    const { earlier, newest, chain, agreed } = this
    const [leaf] = chain
    if (newest !== null && leaf !== undefined)
      return packed(this.options.host, { certificate: leaf.raw, session: newest })
    return earlier !== null && agreed?.resumed === true ? packed(this.options.host, earlier) : null
  }

  free(): void {
    if (this.freed) return
    this.freed = true
    this.socket?.destroy()
    this.below.destroy()
    this.output.clear()
    this.plain.clear()
    this.news.happened()
  }

  /** Something is written: what is called when it has become output. */
  private writing(): () => void {
    this.writes++
    return () => {
      this.writes--
      this.news.happened()
    }
  }

  private connect(): void {
    const { connect } = process.getBuiltinModule('node:tls')
    const { options, secure } = this.context
    const { servername } = this.options
    const { earlier } = this
    const socket = connect({
      socket: this.below,
      secureContext: secure,
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(servername === null ? {} : { servername }),
      ...(options.alpn === undefined || options.alpn.length === 0 ? {} : { ALPNProtocols: [...options.alpn] }),
      ...(earlier === null ? {} : { session: Buffer.from(earlier.session) }),
    })
    this.adopt(socket)
    socket.once('secureConnect', () => this.secured(socket, servername))
    socket.on('session', (newest) => {
      this.newest = newest
      this.news.happened()
    })
    socket.on('keylog', (line) => logKey(options.keyLogFile, line))
  }

  private accept(): void {
    const { createServer } = process.getBuiltinModule('node:tls')
    const { context } = this
    const server = createServer({
      ...context.serving,
      SNICallback: (name, done) => {
        const secure = context.contextFor(name)
        // Without a certificate there is no cipher in common, which the peer is told.
        if (secure === null) this.fail(new TlsError(this.action, noName(name)))
        done(null, secure ?? undefined)
      },
    })
    server.on('secureConnection', (socket) => {
      this.adopt(socket)
      this.secured(socket, typeof socket.servername === 'string' ? socket.servername : null)
    })
    server.on('tlsClientError', (error) => this.fail(hostError(this.action, error)))
    server.on('keylog', (line) => logKey(context.options.keyLogFile, line))
    server.emit('connection', this.below)
  }

  private adopt(socket: TLSSocket): void {
    this.socket = socket
    socket.on('error', (error) => this.fail(hostError(this.action, error)))
    socket.on('data', (bytes) => {
      this.plain.put(bytes)
      this.news.happened()
    })
    socket.on('end', () => {
      this.peerEnded = true
      this.news.happened()
    })
    socket.on('close', () => this.news.happened())
  }

  /** The handshake is done: who is it? */
  private secured(socket: TLSSocket, servername: string | null): void {
    if (this.failure !== null || this.freed) return
    this.chain = chainOf(socket, this.earlier)
    const { requestCert = false, rejectUnauthorized } = this.context.options
    const asks = this.side === 'client' || requestCert
    const reason = asks ? objection(socket, this.chain[0], this.options.host) : null
    if (reason !== null && rejectUnauthorized) {
      this.muted = true
      this.output.clear()
      this.fail(verifyError(this.action, reason, this.peerCertificates()))
      socket.destroy()
      return
    }
    this.agreed = {
      protocol: socket.getProtocol() ?? '',
      cipher: socket.getCipher().name,
      alpnProtocol: socket.alpnProtocol || null,
      servername,
      authorized: asks && reason === null && this.chain.length > 0,
      authorizationError: this.chain.length > 0 ? reason : null,
      resumed: socket.isSessionReused(),
    }
    this.news.settle()
    this.news.happened()
  }

  /** The first error counts. What node:tls has to say to the peer about it is still to come. */
  private fail(error: TlsError): void {
    if (this.failure !== null || this.freed) return
    this.failure = error
    this.news.settle()
    this.news.happened()
  }

  private get action(): string {
    if (this.agreed !== null) return 'read over TLS'
    const peer = this.options.host ?? this.options.servername
    return peer === null ? 'shake hands over TLS' : `shake hands over TLS with ${peer}`
  }

  private assertAlive(): void {
    if (this.freed) throw new ClosedError('use the TLS session')
  }
}

function noName(name: string): { readonly reason: string; readonly text: string } {
  return { reason: 'CALLBACK_FAILED', text: `there is no certificate for ${name}` }
}
