/**
 * What TLS is to be like, as programs say it: checked, and made into an engine's context.
 *
 * A context costs more than a handshake, so the same object of options gets the same context every
 * time. (Options are not to be changed once they were used.)
 */
import { remark } from '../../kernel/protocol/debug.js'
import { TlsError, UnsupportedError } from '../../kernel/protocol/errors.js'
import { environment } from '../../kernel/protocol/host-functions.js'
import {
  checkBytes,
  checkList,
  checkOptions,
  checkString,
  checkSwitch,
  checkTime,
  checkWord,
  wrong,
} from '../../kernel/protocol/operands.js'
import {
  type TlsContext,
  type TlsContextOptions,
  type TlsIdentity,
  type TlsLibrary,
  type TlsVersion,
  tlsLibrary,
} from '../../kernel/protocol/tls.js'

const VERSIONS: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3']
const HANDSHAKE_MS = 30_000

/** What both sides can say. Names and meanings are those of `node:tls`. */
export interface TlsOptions extends TlsIdentity {
  /** PEM: whom to trust instead of the roots of Node and NODE_EXTRA_CA_CERTS. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** Trusts what the operating system trusts, too. Default false. */
  readonly systemCa?: boolean
  /** Default `'TLSv1.2'`. */
  readonly minVersion?: TlsVersion
  /** Default `'TLSv1.3'`. */
  readonly maxVersion?: TlsVersion
  /** The names of ciphers as OpenSSL has them, with colons between. */
  readonly ciphers?: string
  /** Protocols to be spoken inside, best first: `['h2', 'http/1.1']`. */
  readonly ALPNProtocols?: readonly string[]
  /**
   * Whether a peer that cannot be verified is refused. Default true. Without, `authorized` and
   * `authorizationError` of the stream say what is wrong with it.
   */
  readonly rejectUnauthorized?: boolean
  /** Milliseconds for the handshake. Default 30,000. */
  readonly handshakeTimeout?: number
  /**
   * A file to which the keys of each session are appended, for Wireshark. Default: what the
   * environment variable SSLKEYLOGFILE says, or none.
   */
  readonly keyLogFile?: string
}

/** What a client can say. */
export interface TlsClientOptions extends TlsOptions {
  /**
   * The name that the server must show a certificate for, and is asked for (SNI). Default: the host
   * that is connected to.
   */
  readonly servername?: string
  /** A session to go on with: `ticket()` of an earlier stream to the same server. */
  readonly session?: Uint8Array | null
}

/** What a server can say. */
export interface TlsServerOptions extends TlsOptions {
  /** Asks clients for a certificate. Default false. */
  readonly requestCert?: boolean
  /**
   * Certificates for names that clients ask for, beside that of the options themselves;
   * `*.example.org` stands for one label. Without one of its own, a client that asks for another
   * name is refused.
   */
  readonly hosts?: Readonly<Record<string, TlsIdentity>>
}

const TEXTS = ['servername', 'ciphers', 'passphrase', 'keyLogFile'] as const
const SWITCHES = ['systemCa', 'rejectUnauthorized', 'requestCert'] as const

/** Throws if there is something wrong with them. */
export function checkTls(action: string, options: TlsClientOptions & TlsServerOptions): void {
  checkOptions(action, 'tls', options)
  for (const name of TEXTS) if (options[name] !== undefined) checkString(action, `tls.${name}`, options[name])
  for (const name of SWITCHES) checkSwitch(action, `tls.${name}`, options[name])
  const { ca, minVersion, maxVersion, ALPNProtocols, handshakeTimeout, session, hosts } = options
  if (minVersion !== undefined) checkWord(action, 'tls.minVersion', minVersion, VERSIONS)
  if (maxVersion !== undefined) checkWord(action, 'tls.maxVersion', maxVersion, VERSIONS)
  if (handshakeTimeout !== undefined) checkTime(action, 'tls.handshakeTimeout', handshakeTimeout)
  if (session !== undefined && session !== null) checkBytes(action, 'tls.session', session)
  for (const one of listOf(ca) ?? []) checkPem(action, 'tls.ca', one)
  if (ALPNProtocols !== undefined)
    for (const one of checkList(action, 'tls.ALPNProtocols', ALPNProtocols)) checkProtocol(action, one)
  if (options.servername !== undefined) checkServer(action, 'tls.servername', options.servername)
  checkIdentity(action, 'tls', options)
  if (hosts === undefined) return
  checkOptions(action, 'tls.hosts', hosts)
  for (const [host, identity] of Object.entries(hosts)) {
    checkOptions(action, `tls.hosts["${host}"]`, identity)
    checkIdentity(action, `tls.hosts["${host}"]`, identity)
  }
}

function checkProtocol(action: string, name: string): void {
  const what = 'a name in tls.ALPNProtocols'
  const bytes = new TextEncoder().encode(checkString(action, what, name)).length
  if (bytes < 1 || bytes > 255) throw wrong(action, what, 'a string of 1 to 255 bytes', name, 'string')
}

/** To OpenSSL a name that begins with a dot is every name that ends so. */
export function checkServer(action: string, what: string, name: string): void {
  if (asciiOf(name).startsWith('.')) throw wrong(action, what, 'a name that does not begin with a dot', name, 'string')
}

/** Certificates have names with other letters as Punycode. */
export function asciiOf(host: string): string {
  const name = host.replace(/\.$/, '')
  if (/^[\x20-\x7e]*$/.test(name)) return name
  try {
    return new URL(`https://${name}`).hostname
  } catch {
    return name
  }
}

function checkIdentity(action: string, where: string, { cert, key, pfx, passphrase }: TlsIdentity): void {
  checkPem(action, `${where}.cert`, cert)
  checkPem(action, `${where}.key`, key)
  if (pfx !== undefined) checkBytes(action, `${where}.pfx`, pfx)
  if (passphrase !== undefined) checkString(action, `${where}.passphrase`, passphrase)
}

function checkPem(action: string, name: string, pem: string | Uint8Array | undefined): void {
  if (pem !== undefined && typeof pem !== 'string' && !(pem instanceof Uint8Array))
    throw wrong(action, name, 'a string or a Uint8Array', pem, '')
}

function listOf<T>(one: T | readonly T[] | undefined): readonly T[] | undefined {
  if (one === undefined || Array.isArray(one)) return one as readonly T[] | undefined
  return [one as T]
}

/** The engine, or the reason why there is none. */
export function engine(action: string): TlsLibrary {
  const library = tlsLibrary()
  if (library !== null) return library
  throw new UnsupportedError(action, 'TLS needs an OpenSSL 3 and koffi to reach it, or a host with node:tls')
}

const contexts = { client: new WeakMap<object, TlsContext>(), server: new WeakMap<object, TlsContext>() }

/** The context for these options, made when it is needed first. */
export function contextOf(
  side: 'client' | 'server',
  options: TlsClientOptions & TlsServerOptions,
  action: string,
): TlsContext {
  let context = contexts[side].get(options)
  if (context === undefined) {
    if (side === 'server') checkShown(action, options)
    const library = engine(action)
    if (library.note !== undefined) remark(`TLS is that of ${library.name}: ${library.note}`)
    context = library.context(side, contextOptions(options))
    contexts[side].set(options, context)
  }
  return context
}

function checkShown(action: string, { cert, pfx, hosts }: TlsServerOptions): void {
  if (cert !== undefined || pfx !== undefined || hosts !== undefined) return
  const text = 'a server needs a certificate: cert and key, or pfx'
  throw new TlsError(action, { reason: 'NO_CERTIFICATE_SET', text })
}

function contextOptions(options: TlsClientOptions & TlsServerOptions): TlsContextOptions {
  const { ca, ALPNProtocols, rejectUnauthorized = true, keyLogFile = environment('SSLKEYLOGFILE') } = options
  return { ...options, ca: listOf(ca), alpn: ALPNProtocols, rejectUnauthorized, keyLogFile }
}

export function handshakeLimit({ handshakeTimeout = HANDSHAKE_MS }: TlsOptions): number {
  return handshakeTimeout
}
