/**
 * The engine of the host: node:tls over a Duplex in memory, for where no OpenSSL can be reached.
 *
 * The peer is checked here, after the handshake and before a byte is handed out, so that errors
 * are those of the other engine and name the certificate. What node:tls cannot do is refused by
 * name.
 */
import type { SecureContext, SecureContextOptions, TlsOptions } from 'node:tls'
import { UnsupportedError } from '../../kernel/protocol/errors.js'
import type {
  TlsContext,
  TlsContextOptions,
  TlsIdentity,
  TlsLibrary,
  TlsSession,
  TlsSessionOptions,
} from '../../kernel/protocol/tls.js'
import { checkWhole, chosen, protocolNames, SET_UP } from '../tls/checks.js'
import { rootsOfNode, rootsOfSystem } from '../tls/trusted.js'
import { hostError } from './errors.js'
import { NodeTlsSession } from './session.js'

/** What tickets are encrypted with: three keys of 16 bytes. */
const TICKET_KEY_BYTES = 48
/** The longest of the host's timers: it is this side that has a limit. */
const NEVER_MS = 2 ** 31 - 1

/** The engine, if the host has node:tls. */
export function openNodeTls(note?: string): TlsLibrary | null {
  if (typeof process !== 'object' || process.getBuiltinModule?.('node:tls') === undefined) return null
  const name = `node:tls of ${host()}`
  return { name, note, context: (side, options) => new NodeTlsContext(name, side, options) }
}

/** All of them call themselves Node as well. */
function host(): string {
  const { bun, deno, node } = process.versions as { bun?: string; deno?: string; node?: string }
  if (bun !== undefined) return `Bun ${bun}`
  return deno === undefined ? `Node ${node}` : `Deno ${deno}`
}

export class NodeTlsContext implements TlsContext {
  /** For clients, which are made with it. */
  readonly secure: SecureContext
  /** For servers, which are made anew for each connection: nothing else tells whose an event is. */
  readonly serving: TlsOptions
  private readonly hosts = new Map<string, SecureContext>()

  constructor(
    readonly engine: string,
    readonly side: 'client' | 'server',
    readonly options: TlsContextOptions,
  ) {
    const { alpn, hosts = {}, requestCert = false } = options
    if (alpn !== undefined) protocolNames(alpn)
    this.check()
    const common = { ...this.common(), ...(side === 'server' ? ticketKeys() : {}) }
    this.secure = secureContext(common, options)
    for (const [name, identity] of Object.entries(hosts)) {
      this.hosts.set(name.toLowerCase(), secureContext(common, identity))
    }
    this.serving = {
      ...common,
      ...identityOf(options),
      requestCert,
      rejectUnauthorized: false,
      handshakeTimeout: NEVER_MS,
      ...(alpn === undefined || alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] }),
    }
  }

  session(options: TlsSessionOptions): TlsSession {
    return new NodeTlsSession(this, options)
  }

  /** The context for a name: undefined for this one, null if there is none. */
  contextFor(name: string): SecureContext | undefined | null {
    return chosen(this.hosts, name, this.options)
  }

  private check(): void {
    const { systemCa = false, keyLogFile } = this.options
    if (systemCa && rootsOfSystem() === null)
      throw new UnsupportedError(
        SET_UP,
        `${this.engine} cannot tell whom the system trusts, so tls.systemCa is not here`,
      )
    if (keyLogFile !== undefined && process.versions['deno'] !== undefined)
      throw new UnsupportedError(SET_UP, `${this.engine} tells no keys, so tls.keyLogFile is not here`)
  }

  /** All but who it is. */
  private common(): SecureContextOptions {
    const { ca, systemCa = false, minVersion = 'TLSv1.2', maxVersion = 'TLSv1.3', ciphers, requestCert } = this.options
    const { SSL_OP_NO_RENEGOTIATION: secureOptions } = process.getBuiltinModule('node:crypto').constants
    const trusted = this.side === 'client' || requestCert === true
    const cas = trusted ? trust(ca, systemCa) : undefined
    return {
      minVersion,
      maxVersion,
      honorCipherOrder: true,
      // Of the kinds of servers that share a ticket.
      ...(this.side === 'server' ? { sessionIdContext: 'drupe' } : {}),
      ...(secureOptions === undefined ? {} : { secureOptions }),
      ...(ciphers === undefined ? {} : { ciphers: cipherNames(ciphers) }),
      ...(cas === undefined ? {} : { ca: cas }),
    }
  }
}

function ticketKeys(): { ticketKeys: Buffer } {
  return { ticketKeys: process.getBuiltinModule('node:crypto').randomBytes(TICKET_KEY_BYTES) }
}

/** Undefined: whom node:tls trusts by itself, which is the same. */
function trust(ca: readonly (string | Uint8Array)[] | undefined, system: boolean): (string | Buffer)[] | undefined {
  if (ca === undefined && !system) return undefined
  const { X509Certificate } = process.getBuiltinModule('node:crypto')
  // It passes over what it cannot read.
  for (const pem of ca ?? []) blaming('the CA', () => new X509Certificate(pemOf(pem)))
  return [...(ca ?? rootsOfNode(false)), ...(system ? (rootsOfSystem() ?? []) : [])].map(pemOf)
}

/** Names of one version leave those of the other as they are. */
function cipherNames(ciphers: string): string {
  const names = ciphers.split(':').filter((name) => name !== '')
  const { DEFAULT_CIPHERS } = process.getBuiltinModule('node:tls')
  const isSuite = (name: string): boolean => name.startsWith('TLS_')
  const others = names.some((name) => !isSuite(name)) ? [] : DEFAULT_CIPHERS.split(':').filter((name) => !isSuite(name))
  const all = [...names, ...others].join(':')
  const { createSecureContext } = process.getBuiltinModule('node:tls')
  blaming(`the ciphers ${ciphers}`, () => createSecureContext({ ciphers: all }))
  return all
}

function secureContext(common: SecureContextOptions, identity: TlsIdentity): SecureContext {
  const { createSecureContext } = process.getBuiltinModule('node:tls')
  const { createPrivateKey } = process.getBuiltinModule('node:crypto')
  const { cert, key, passphrase = '', pfx } = identityOf(identity)
  checkWhole(identity)
  if (pfx !== undefined) blaming('the PKCS#12 file', () => createSecureContext({ pfx, passphrase }))
  if (cert !== undefined) blaming('the certificate', () => createSecureContext({ cert }))
  if (key !== undefined) blaming('the key', () => createPrivateKey({ key, passphrase }))
  return blaming('the certificate', () => createSecureContext({ ...common, ...identityOf(identity) }))
}

interface HostIdentity {
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  readonly pfx?: Buffer
  readonly passphrase?: string
}

/** As node:tls takes it; one kind only, as the other engine does. */
function identityOf({ cert, key, pfx, passphrase }: TlsIdentity): HostIdentity {
  return {
    ...(pfx !== undefined ? { pfx: Buffer.from(pfx) } : {}),
    ...(pfx === undefined && cert !== undefined ? { cert: pemOf(cert) } : {}),
    ...(pfx === undefined && key !== undefined ? { key: pemOf(key) } : {}),
    ...(passphrase === undefined ? {} : { passphrase }),
  }
}

function pemOf(pem: string | Uint8Array): string | Buffer {
  return typeof pem === 'string' ? pem : Buffer.from(pem)
}

/** What fails in there is this thing's fault. */
function blaming<T>(what: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw hostError(`${SET_UP} with ${what}`, error)
  }
}
