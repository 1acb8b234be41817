/**
 * Certificates for tests, made when they are needed: expired ones, ones for other hosts, chains.
 *
 * Node can sign and cannot make certificates, so this writes their DER itself. An element of DER is
 * a tag, a length and a content; all of X.509 that is needed here is some thirty of them.
 */
import type { KeyObject } from 'node:crypto'
import { parseIPv4, parseIPv6 } from '../../kernel/protocol/address.js'
import { BrokenError, UnsupportedError } from '../../kernel/protocol/errors.js'
import { checkList, checkOptions, checkString, checkSwitch, wrong } from '../../kernel/protocol/operands.js'

/** What a certificate is to say. */
export interface CertificateOptions {
  /** Whom it is for, in words. */
  readonly name: string
  /** Host names and IP addresses that it is good for. Default: none. */
  readonly hosts?: readonly string[]
  /** The key of this one signs it. Default: its own, so that it vouches for itself. */
  readonly issuer?: IssuedCertificate
  /** Whether it may sign others. Default false. */
  readonly isCa?: boolean
  /** Default: a day ago. */
  readonly validFrom?: Date
  /** Default: in a year. */
  readonly validTo?: Date
}

/** A certificate and its key, as PEM. */
export interface IssuedCertificate {
  /** Whom it is for. */
  readonly name: string
  /** The certificate, without those of its issuers. */
  readonly cert: string
  /** The private key. */
  readonly key: string
}

const OID = {
  commonName: '550403',
  subjectAltName: '551d11',
  basicConstraints: '551d13',
  ecdsaWithSha256: '2a8648ce3d040302',
} as const
const DAY_MS = 24 * 3600 * 1000
const CONSTRUCTED = 0x30

/**
 * Makes a certificate with a key of its own, for tests: nobody should trust it. Its key is of the
 * curve P-256, which takes a millisecond.
 *
 * @param options What it says.
 * @throws UnsupportedError on hosts without `node:crypto`.
 * @throws TypeError if an option is of the wrong kind.
 * @example
 * import { all, startTls } from 'drupe'
 * import { issueCertificate, memoryStreams, virtual } from 'drupe/testing'
 *
 * const root = issueCertificate({ name: 'root', isCa: true })
 * const { cert, key } = issueCertificate({ name: 'server', hosts: ['localhost'], issuer: root })
 * virtual({}, function* () {
 *   const [a, b] = memoryStreams()
 *   const [client, server] = yield* all([
 *     startTls(a, { ca: root.cert, servername: 'localhost' }),
 *     startTls(b, { side: 'server', cert, key }),
 *   ])
 *   console.log(client.protocol, client.authorized) // => TLSv1.3 true
 *   yield* all([client.close(), server.close()])
 * })
 * @see https://trustme.readthedocs.io
 */
export function issueCertificate(options: CertificateOptions): IssuedCertificate {
  const { name, hosts, issuer, isCa, validFrom, validTo } = check(options)
  const { generateKeyPairSync, sign, createPrivateKey } = crypto()
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = der(CONSTRUCTED, oid(OID.ecdsaWithSha256))
  const now = Date.now()
  const body = der(
    CONSTRUCTED,
    der(0xa0, der(0x02, [2])),
    der(0x02, serial()),
    algorithm,
    nameOf(issuer?.name ?? name),
    der(CONSTRUCTED, time(validFrom ?? new Date(now - DAY_MS)), time(validTo ?? new Date(now + 365 * DAY_MS))),
    nameOf(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    extensions(hosts ?? [], isCa ?? false),
  )
  const signature = sign('sha256', body, issuer === undefined ? privateKey : createPrivateKey(issuer.key))
  const certificate = der(CONSTRUCTED, body, algorithm, der(0x03, [0], signature))
  const lines = btoa(String.fromCharCode(...certificate)).match(/.{1,64}/g) ?? []
  const cert = `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
  return { name, cert, key: pemOf(privateKey) }
}

function check(options: CertificateOptions): CertificateOptions {
  const ACTION = 'issue a certificate'
  if (options === undefined) throw wrong(ACTION, 'options', 'an object with a name', options, '')
  checkOptions(ACTION, 'options', options)
  const { name, hosts, issuer, isCa, validFrom, validTo } = options
  checkString(ACTION, 'name', name)
  checkSwitch(ACTION, 'isCa', isCa)
  if (hosts !== undefined)
    for (const host of checkList(ACTION, 'hosts', hosts)) checkString(ACTION, 'a name in hosts', host)
  if (issuer !== undefined && typeof issuer?.key !== 'string')
    throw wrong(ACTION, 'issuer', 'a certificate that was issued here', issuer, '')
  for (const [field, date] of Object.entries({ validFrom, validTo }))
    if (date !== undefined && !(date instanceof Date)) throw wrong(ACTION, field, 'a Date', date, '')
  return options
}

function crypto(): typeof import('node:crypto') {
  const found = typeof process === 'object' ? process.getBuiltinModule?.('node:crypto') : undefined
  if (found === undefined) throw new UnsupportedError('issue a certificate', 'this host has no node:crypto')
  return found
}

function pemOf(key: KeyObject): string {
  const pem = key.export({ type: 'pkcs8', format: 'pem' })
  if (typeof pem === 'string') return pem
  throw new BrokenError('issue a certificate', 'the host exports keys in another format')
}

/** Positive, and different each time: verifiers may know a certificate by issuer and number. */
function serial(): Uint8Array {
  const bytes = crypto().randomBytes(12)
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x01
  return bytes
}

function der(tag: number, ...parts: readonly ArrayLike<number>[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  const element = new Uint8Array(1 + head.length + length)
  element.set([tag, ...head])
  let at = 1 + head.length
  for (const part of parts) {
    element.set(part, at)
    at += part.length
  }
  return element
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

function oid(hex: string): Uint8Array {
  return der(0x06, hex.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? [])
}

function nameOf(name: string): Uint8Array {
  return der(CONSTRUCTED, der(0x31, der(CONSTRUCTED, oid(OID.commonName), der(0x0c, bytesOf(name)))))
}

/** GeneralizedTime: `20261127120000Z`. */
function time(date: Date): Uint8Array {
  return der(0x18, bytesOf(date.toISOString().replaceAll(/[-:T]|\.\d+/g, '')))
}

function extensions(hosts: readonly string[], isCa: boolean): Uint8Array {
  const parts: Uint8Array[] = []
  const yes = der(0x01, [255])
  if (isCa) parts.push(der(CONSTRUCTED, oid(OID.basicConstraints), yes, der(0x04, der(CONSTRUCTED, yes))))
  if (hosts.length > 0)
    parts.push(der(CONSTRUCTED, oid(OID.subjectAltName), der(0x04, der(CONSTRUCTED, ...hosts.map(hostOf)))))
  return parts.length === 0 ? new Uint8Array(0) : der(0xa3, der(CONSTRUCTED, ...parts))
}

function hostOf(host: string): Uint8Array {
  const address = parseIPv4(host) ?? parseIPv6(host)
  return address === null ? der(0x82, bytesOf(host)) : der(0x87, address)
}
