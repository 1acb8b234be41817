/**
 * Contexts: what all sessions of one client or one server have in common.
 */
import { environment } from '../../kernel/protocol/host-functions.js'
import type {
  TlsContext,
  TlsContextOptions,
  TlsIdentity,
  TlsLibrary,
  TlsSession,
  TlsSessionOptions,
  TlsVersion,
} from '../../kernel/protocol/tls.js'
import { addressOf } from '../posix/libc.js'
import { chosen, protocolNames, SET_UP } from '../tls/checks.js'
import { type Callbacks, callbacks } from './callbacks.js'
import { freeIdentity, readCertificates, readIdentity } from './certificates.js'
import { queuedError } from './errors.js'
import { type Openssl, openOpenssl } from './library.js'
import { leaveStore, storeOf } from './roots.js'
import { OpensslSession } from './session.js'

const VERSIONS: Readonly<Record<TlsVersion, number>> = { 'TLSv1.2': 0x0303, 'TLSv1.3': 0x0304 }

/** Commands of SSL_CTX_ctrl and SSL_CTX_callback_ctrl, which the headers hide behind macros. */
const MODE = 33
const SET_SESSION_CACHE = 44
const SET_SERVERNAME_CALLBACK = 53
const ADD_CHAIN = 89
const SET_DH_AUTO = 118
const SET_MIN_VERSION = 123
const SET_MAX_VERSION = 124
/** Buffers of a session that is idle are given back: 34 KiB each. */
const RELEASE_BUFFERS = 0x10
const NO_CACHE = 0
const NO_COMPRESSION = 1n << 17n
const SERVER_PREFERENCE = 1n << 22n
const NO_RENEGOTIATION = 1n << 30n
const VERIFY_PEER = 1
const VERIFY_NEEDS_CERTIFICATE = 2

/** For a sanitizer of memory: contexts go with their owners. */
const forgotten = new FinalizationRegistry<() => void>((free) => free())

/** The engine, if there is an OpenSSL. */
export function openOpensslTls(): TlsLibrary | null {
  const openssl = openOpenssl(environment('DRUPE_OPENSSL'))
  if (openssl === null) return null
  return { name: openssl.name, context: (side, options) => new OpensslContext(openssl, side, options) }
}

/** One of OpenSSL's contexts, and those of other host names. */
export class OpensslContext implements TlsContext {
  /** The pointer. */
  readonly at: number
  /** The protocols of ALPN, in memory that stays where it is. */
  readonly protocols: { readonly at: number; readonly bytes: number } | null
  private readonly memory: Uint8Array | null
  private readonly hosts = new Map<string, OpensslContext>()

  constructor(
    readonly openssl: Openssl,
    readonly side: 'client' | 'server',
    readonly options: TlsContextOptions,
  ) {
    const { context } = openssl
    this.at = context.create(context.method())
    if (this.at === 0) throw queuedError(openssl, SET_UP, 'no memory')
    const { at } = this
    forgotten.register(this, () => context.free(at))
    this.memory = options.alpn === undefined || options.alpn.length === 0 ? null : encodeProtocols(options.alpn)
    this.protocols =
      this.memory === null ? null : { at: addressOf(openssl.koffi, this.memory), bytes: this.memory.length }
    this.limit()
    this.trust()
    this.show()
    this.call(callbacks(openssl))
    for (const [host, identity] of Object.entries(options.hosts ?? {}))
      this.hosts.set(host.toLowerCase(), this.as(identity))
  }

  session(options: TlsSessionOptions): TlsSession {
    return new OpensslSession(this, options)
  }

  /** The context for a name: 0 for this one, null if there is none. */
  contextFor(name: string): number | null {
    const found = chosen(this.hosts, name, this.options)
    return found === undefined ? 0 : (found?.at ?? null)
  }

  /** Versions, ciphers and what has gone out of use. */
  private limit(): void {
    const { at, openssl, options } = this
    const { context } = openssl
    const { minVersion = 'TLSv1.2', maxVersion = 'TLSv1.3', ciphers } = options
    context.control(at, SET_MIN_VERSION, VERSIONS[minVersion], 0)
    context.control(at, SET_MAX_VERSION, VERSIONS[maxVersion], 0)
    context.control(at, MODE, RELEASE_BUFFERS, 0)
    context.control(at, SET_SESSION_CACHE, NO_CACHE, 0)
    context.control(at, SET_DH_AUTO, 1, 0)
    context.setOptions(at, NO_COMPRESSION | NO_RENEGOTIATION | (this.side === 'server' ? SERVER_PREFERENCE : 0n))
    if (ciphers === undefined) return
    openssl.errors.clear()
    const names = ciphers.split(':').filter((name) => name !== '')
    const suites = names.filter((name) => name.startsWith('TLS_'))
    const others = names.filter((name) => !name.startsWith('TLS_'))
    const done =
      (suites.length === 0 || context.setSuites(at, suites.join(':')) === 1) &&
      (others.length === 0 || context.setCiphers(at, others.join(':')) === 1)
    if (!done) throw queuedError(openssl, `${SET_UP} with the ciphers ${ciphers}`, 'no such cipher')
  }

  private trust(): void {
    const { at, openssl, side, options } = this
    const { context, certificates } = openssl
    const { ca, systemCa = false, requestCert = false, rejectUnauthorized } = options
    if (side === 'client' || requestCert) {
      const store = storeOf(openssl, ca, systemCa)
      context.useStore(at, store)
      leaveStore(openssl, store)
    }
    if (side === 'server' && requestCert) {
      // Clients with several certificates choose by these names.
      for (const pem of ca ?? []) {
        for (const one of readCertificates(openssl, pem, 'the CA')) {
          context.addClientCa(at, one)
          certificates.free(one)
        }
      }
      context.setIdContext(at, 'drupe', 5)
    }
    const asks = side === 'client' ? rejectUnauthorized : requestCert
    const strict = side === 'server' && rejectUnauthorized ? VERIFY_NEEDS_CERTIFICATE : 0
    // A server that goes on with anybody has a verifier that refuses nobody.
    const verifier = rejectUnauthorized ? callbacks(openssl).verify : callbacks(openssl).tolerate
    context.setVerify(at, asks ? VERIFY_PEER | strict : 0, asks ? verifier : 0)
  }

  /** The certificate and its key. */
  private show(): void {
    const { at, openssl, options } = this
    const { context } = openssl
    const identity = readIdentity(openssl, options)
    if (identity === null) return
    openssl.errors.clear()
    const { certificate, key, chain } = identity
    const done =
      context.useCertificate(at, certificate) === 1 &&
      context.useKey(at, key) === 1 &&
      context.checkKey(at) === 1 &&
      chain.every((one) => context.control(at, ADD_CHAIN, 1, one) === 1)
    freeIdentity(openssl, identity)
    if (!done) throw queuedError(openssl, `${SET_UP} with the certificate`, 'it does not belong to the key')
  }

  private call({ servername, selectAlpn, keyLog }: Callbacks): void {
    const { at, openssl, side, memory, options } = this
    const { context } = openssl
    if (side === 'server') {
      context.setCallback(at, SET_SERVERNAME_CALLBACK, servername)
      if (memory !== null) context.setAlpnSelect(at, selectAlpn, 0)
    } else if (memory !== null) context.setAlpn(at, memory, memory.length)
    if (options.keyLogFile !== undefined) context.setKeyLog(at, keyLog)
  }

  /** The same for another name. */
  private as(identity: TlsIdentity): OpensslContext {
    const { hosts: _hosts, cert: _cert, key: _key, pfx: _pfx, passphrase: _passphrase, ...common } = this.options
    return new OpensslContext(this.openssl, this.side, { ...common, ...identity })
  }
}

/** Each name behind a byte that says how long it is. */
function encodeProtocols(names: readonly string[]): Uint8Array {
  const parts = protocolNames(names)
  const encoded = new Uint8Array(new ArrayBuffer(parts.reduce((sum, part) => sum + part.length + 1, 0)))
  let at = 0
  for (const part of parts) {
    encoded[at] = part.length
    encoded.set(part, at + 1)
    at += part.length + 1
  }
  return encoded
}
