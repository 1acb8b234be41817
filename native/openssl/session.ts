/**
 * Sessions: one connection's TLS, between two buffers of memory that OpenSSL keeps.
 *
 * What the peer sent is written into the one, what is to be sent is read from the other, and
 * OpenSSL takes and fills them as it needs. Whatever goes wrong is a TlsError, with the certificate
 * that was at fault.
 */
import { ClosedError, TlsError } from '../../kernel/protocol/errors.js'
import {
  TLS_END,
  TLS_WANTS_INPUT,
  type TlsCertificate,
  type TlsDetails,
  type TlsSession,
  type TlsSessionOptions,
} from '../../kernel/protocol/tls.js'
import { CUT_OFF } from '../tls/checks.js'
import { logKey } from '../tls/key-log.js'
import { packTicket, ticketFor } from '../tls/tickets.js'
import { type Called, calling } from './callbacks.js'
import { describe, stackOf } from './certificates.js'
import type { OpensslContext } from './context.js'
import { queuedError, verifyError, verifyReason } from './errors.js'
import type { Openssl } from './library.js'

/** Results of SSL_get_error. */
const SSL_ERROR_WANT_READ = 2
const SSL_ERROR_ZERO_RETURN = 6
const SET_SERVERNAME = 55
const NAME_IS_HOST = 0
const RECEIVED_SHUTDOWN = 2
/** `*.example.org`, and not `w*.example.org`. */
const NO_PARTIAL_WILDCARDS = 4

/** Frees what nobody closed. */
const forgotten = new FinalizationRegistry<() => void>((free) => free())

export class OpensslSession implements TlsSession, Called {
  readonly engine: string
  readonly later = null
  readonly side: 'client' | 'server'
  readonly protocols: { readonly at: number; readonly bytes: number } | null
  private readonly openssl: Openssl
  private ssl: number
  private readonly input: number
  private readonly output: number
  private ended = false
  private done = false
  /** The first certificate that was not accepted. */
  private refusal: { readonly code: number; readonly certificate: TlsCertificate | undefined } | null = null

  constructor(
    private readonly context: OpensslContext,
    private readonly options: TlsSessionOptions,
  ) {
    const { openssl, at, side } = context
    const { session, bio } = openssl
    this.openssl = openssl
    this.engine = openssl.name
    this.side = side
    this.protocols = context.protocols
    this.ssl = session.create(at)
    if (this.ssl === 0) throw queuedError(openssl, 'begin TLS', 'no memory')
    this.input = bio.create(bio.memory())
    this.output = bio.create(bio.memory())
    session.setBios(this.ssl, this.input, this.output)
    const { ssl } = this
    forgotten.register(this, () => session.free(ssl), this)
    if (side === 'server') session.accepts(ssl)
    else this.connects(ssl)
  }

  private connects(ssl: number): void {
    const { session } = this.openssl
    const { servername, host } = this.options
    session.connects(ssl)
    if (servername !== null) session.control(ssl, SET_SERVERNAME, NAME_IS_HOST, servername)
    if (host !== null && session.setAddress(session.parameters(ssl), host) !== 1) {
      session.setHostFlags(ssl, NO_PARTIAL_WILDCARDS)
      session.setHost(ssl, host)
    }
    const ticket = this.options.session === null ? null : ticketFor(host, this.options.session)
    if (ticket === null) return
    const memory = new Uint8Array(new ArrayBuffer(ticket.length))
    memory.set(ticket)
    const pointer = new BigUint64Array([BigInt(this.openssl.koffi.address(memory))])
    const resumed = session.ticketFrom(0, pointer, ticket.length)
    if (resumed === 0) return
    session.setTicket(ssl, resumed)
    session.freeTicket(resumed)
  }

  handshake(): boolean {
    const { session, errors } = this.openssl
    const ssl = this.alive()
    errors.clear()
    const result = calling(this, () => session.handshake(ssl))
    if (result === 1) {
      this.done = true
      return true
    }
    const peer = this.options.host ?? this.options.servername
    this.check(peer === null ? 'shake hands over TLS' : `shake hands over TLS with ${peer}`, result)
    return false
  }

  feed(bytes: Uint8Array): void {
    this.alive()
    this.openssl.bio.write(this.input, bytes, bytes.length)
  }

  endInput(): void {
    this.ended = true
  }

  read(into: Uint8Array): number {
    const { session, errors } = this.openssl
    const ssl = this.alive()
    errors.clear()
    const bytes = session.read(ssl, into, into.length)
    return bytes > 0 ? bytes : this.check('read over TLS', bytes)
  }

  mayHaveMore(wasFilled: boolean): boolean {
    const { session, bio } = this.openssl
    const ssl = this.alive()
    return (wasFilled && session.pending(ssl) > 0) || bio.pending(this.input) > 0
  }

  write(bytes: Uint8Array): void {
    const { session, errors } = this.openssl
    const ssl = this.alive()
    errors.clear()
    // Memory takes everything.
    const taken = session.write(ssl, bytes, bytes.length)
    if (taken !== bytes.length) throw queuedError(this.openssl, 'write over TLS', 'the session has ended')
  }

  shutdown(): void {
    if (this.done) this.openssl.session.shutdown(this.alive())
    this.openssl.errors.clear()
  }

  takeOutput(into: Uint8Array): number {
    this.alive()
    return Math.max(0, this.openssl.bio.read(this.output, into, into.length))
  }

  details(): TlsDetails {
    const { session } = this.openssl
    const ssl = this.alive()
    const result = session.verifyResult(ssl)
    const shown = session.certificate(ssl)
    if (shown !== 0) this.openssl.certificates.free(shown)
    const code = this.refusal?.code ?? result
    return {
      protocol: session.version(ssl),
      cipher: session.cipherName(session.cipher(ssl)),
      alpnProtocol: this.alpnProtocol(ssl),
      servername: session.servername(ssl, NAME_IS_HOST),
      authorized: shown !== 0 && code === 0,
      authorizationError: code === 0 ? null : verifyReason(code),
      resumed: session.resumed(ssl) === 1,
    }
  }

  peerCertificates(): readonly TlsCertificate[] {
    const { session, certificates } = this.openssl
    const ssl = this.alive()
    const own = session.certificate(ssl)
    if (own === 0) return []
    const chain = stackOf(this.openssl, session.chain(ssl))
    // A client's chain begins with the server's certificate, a server's has not the client's.
    const all = (this.side === 'client' && chain.length > 0 ? chain : [own, ...chain]).map((one) =>
      describe(this.openssl, one),
    )
    certificates.free(own)
    return all.filter((one) => one !== undefined)
  }

  ticket(): Uint8Array | null {
    const { session, koffi } = this.openssl
    const ticket = this.side === 'client' ? session.ticket(this.alive()) : 0
    if (ticket === 0) return null
    try {
      const bytes = session.isResumable(ticket) === 1 ? session.ticketDer(ticket, null) : 0
      if (bytes <= 0) return null
      const der = new Uint8Array(new ArrayBuffer(bytes))
      session.ticketDer(ticket, new BigUint64Array([BigInt(koffi.address(der))]))
      return packTicket(this.options.host, der)
    } finally {
      session.freeTicket(ticket)
    }
  }

  free(): void {
    const { ssl } = this
    if (ssl === 0) return
    this.ssl = 0
    forgotten.unregister(this)
    this.openssl.session.free(ssl)
  }

  refused(code: number, certificate: number): void {
    this.refusal ??= { code, certificate: describe(this.openssl, certificate) }
  }

  contextFor(servername: string): number | null {
    return this.context.contextFor(servername)
  }

  logKey(line: string): void {
    logKey(this.context.options.keyLogFile, `${line}\n`)
  }

  private alpnProtocol(ssl: number): string | null {
    const at = new BigUint64Array(1)
    const bytes = new Uint32Array(1)
    this.openssl.session.alpn(ssl, at, bytes)
    if (bytes[0] === 0) return null
    return this.openssl.koffi.decode(Number(at[0]), 'char', Number(bytes[0])) as string
  }

  /** What a result that is no success means: TLS_END, TLS_WANTS_INPUT, or an error. */
  private check(action: string, result: number): number {
    const { session, bio } = this.openssl
    const { ssl } = this
    const error = session.error(ssl, result)
    if (error === SSL_ERROR_ZERO_RETURN) return TLS_END
    if (error === SSL_ERROR_WANT_READ) {
      if (!this.ended || bio.pending(this.input) > 0) return TLS_WANTS_INPUT
      if ((session.received(ssl) & RECEIVED_SHUTDOWN) !== 0) return TLS_END
      throw new TlsError(action, CUT_OFF)
    }
    const { refusal } = this
    if (refusal !== null && !this.done) {
      this.openssl.errors.clear()
      throw verifyError(this.openssl, action, refusal.code, refusal.certificate)
    }
    throw queuedError(this.openssl, action, 'the session has failed before')
  }

  /** The pointer; to use one that was freed would be the end of the process. */
  private alive(): number {
    if (this.ssl === 0) throw new ClosedError('use the TLS session')
    return this.ssl
  }
}
