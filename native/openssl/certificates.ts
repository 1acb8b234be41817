/**
 * Certificates and keys: from files as people have them to OpenSSL's memory, and back to text.
 */
import { TlsError } from '../../kernel/protocol/errors.js'
import type { TlsCertificate, TlsIdentity } from '../../kernel/protocol/tls.js'
import { certificateOf } from '../tls/certificate.js'
import { checkWhole, SET_UP } from '../tls/checks.js'
import { queuedError } from './errors.js'
import type { Openssl } from './library.js'

/** A certificate of a peer is at most so large; chains of 100 KiB are refused by OpenSSL before. */
const DER_BYTES = 128 * 1024

/** What one side shows, in OpenSSL's memory. */
export interface Identity {
  readonly certificate: number
  readonly key: number
  readonly chain: readonly number[]
}

function bytesOf(what: string | Uint8Array): Uint8Array {
  return typeof what === 'string' ? new TextEncoder().encode(what) : what
}

/** Runs something that reads from memory. */
function reading<T>(openssl: Openssl, bytes: Uint8Array, read: (bio: number) => T): T {
  const { bio, errors } = openssl
  // OpenSSL reads from where the bytes are, so they must not move: a copy outside of V8's heap.
  const outside = new Uint8Array(new ArrayBuffer(Math.max(1, bytes.length)))
  outside.set(bytes)
  errors.clear()
  const source = bio.create(bio.memory())
  bio.write(source, outside, bytes.length)
  try {
    return read(source)
  } finally {
    bio.free(source)
  }
}

/** All certificates of a PEM file; the caller frees them. */
export function readCertificates(openssl: Openssl, pem: string | Uint8Array, what: string): number[] {
  const { certificates, errors } = openssl
  const found = reading(openssl, bytesOf(pem), (bio) => {
    const list: number[] = []
    for (;;) {
      const one = certificates.read(bio, 0, 0, 0)
      if (one === 0) return list
      list.push(one)
    }
  })
  if (found.length === 0) throw queuedError(openssl, `${SET_UP} with ${what}`, 'no certificate')
  // The end of the file is an error, too.
  errors.clear()
  return found
}

/** The identity that was given; null if there is none. The caller frees it. */
export function readIdentity(openssl: Openssl, { cert, key, pfx, passphrase = '' }: TlsIdentity): Identity | null {
  if (pfx !== undefined) return readPfx(openssl, pfx, passphrase)
  checkWhole({ cert, key })
  if (cert === undefined || key === undefined) return null
  const [certificate, ...chain] = readCertificates(openssl, cert, 'the certificate')
  const privateKey = reading(openssl, bytesOf(key), (bio) => openssl.certificates.readKey(bio, 0, 0, passphrase))
  const identity = { certificate: certificate as number, key: privateKey, chain }
  if (privateKey !== 0) return identity
  freeIdentity(openssl, identity)
  throw queuedError(openssl, `${SET_UP} with the key`, 'no key')
}

function readPfx(openssl: Openssl, pfx: Uint8Array, passphrase: string): Identity {
  const { certificates } = openssl
  const file = reading(openssl, pfx, (bio) => certificates.readPfx(bio, 0))
  if (file === 0) throw queuedError(openssl, `${SET_UP} with the PKCS#12 file`, 'it cannot be read')
  // Each gets a pointer.
  const key = new BigUint64Array(1)
  const certificate = new BigUint64Array(1)
  const stack = new BigUint64Array(1)
  const parsed = certificates.parsePfx(file, passphrase, key, certificate, stack)
  certificates.freePfx(file)
  if (parsed !== 1) throw queuedError(openssl, `${SET_UP} with the PKCS#12 file`, 'its passphrase is another one')
  const chain = stackOf(openssl, Number(stack[0]))
  if (stack[0] !== 0n) certificates.freeStack(Number(stack[0]))
  const identity = { certificate: Number(certificate[0]), key: Number(key[0]), chain }
  if (key[0] !== 0n && certificate[0] !== 0n) return identity
  freeIdentity(openssl, identity)
  throw new TlsError(SET_UP, { reason: 'NO_CERTIFICATE_SET', text: 'the PKCS#12 file has no certificate, or no key' })
}

export function freeIdentity({ certificates }: Openssl, { certificate, key, chain }: Identity): void {
  for (const one of [certificate, ...chain]) certificates.free(one)
  certificates.freeKey(key)
}

/** What is on a stack of OpenSSL's, which still owns it. */
export function stackOf({ certificates }: Openssl, stack: number): number[] {
  const count = stack === 0 ? 0 : certificates.count(stack)
  return Array.from({ length: Math.max(0, count) }, (_, i) => certificates.at(stack, i))
}

/** A certificate of OpenSSL's, to be read; undefined for one that cannot. */
export function describe({ certificates, koffi }: Openssl, certificate: number): TlsCertificate | undefined {
  if (certificate === 0) return undefined
  const bytes = certificates.der(certificate, null)
  if (bytes <= 0 || bytes > DER_BYTES) return undefined
  const raw = new Uint8Array(new ArrayBuffer(bytes))
  // It moves the pointer on that it writes to.
  const pointer = new BigUint64Array([BigInt(koffi.address(raw))])
  certificates.der(certificate, pointer)
  try {
    const { X509Certificate } = process.getBuiltinModule('node:crypto')
    return certificateOf(new X509Certificate(raw))
  } catch {
    return undefined
  }
}
