/**
 * Where OpenSSL calls back: while a handshake runs, on the same thread, before the call returns.
 *
 * There is one function of each kind for the whole thread, since koffi's are few. Which session it
 * is about is the one whose call is under way. Nothing may be thrown through C, so what they find
 * is noted in the session.
 */
import type { Koffi } from '../koffi.js'
import type { Openssl } from './library.js'

const OK = 0
const ALERT_FATAL = 2
const NOACK = 3

/** What a session is asked while OpenSSL works for it. */
export interface Called {
  /** A certificate is not accepted: the error, and the certificate. */
  refused(code: number, certificate: number): void
  /** Which context is for this name; 0 for the one that it has, null if there is none for it. */
  contextFor(servername: string): number | null
  /** The protocols that it can speak, as OpenSSL has them: in memory that stays. */
  readonly protocols: { readonly at: number; readonly bytes: number } | null
  /** A line for tools that decrypt. */
  logKey(line: string): void
}

/** The session whose call is under way. */
let current: Called | null = null

/** Runs a call of OpenSSL for a session. */
export function calling<T>(session: Called, call: () => T): T {
  const before = current
  current = session
  try {
    return call()
  } finally {
    current = before
  }
}

/** The functions, as OpenSSL gets them: addresses. */
export interface Callbacks {
  readonly verify: number
  /** Notes what is wrong, and goes on. */
  readonly tolerate: number
  readonly servername: number
  readonly selectAlpn: number
  readonly keyLog: number
}

let registered: Callbacks | null = null

export function callbacks(openssl: Openssl): Callbacks {
  registered ??= register(openssl)
  return registered
}

function register({ koffi, store, session }: Openssl): Callbacks {
  const verify = (ok: number, context: number): number => {
    if (ok === 0) current?.refused(store.errorOf(context), store.certificateOf(context))
    return ok
  }
  const tolerate = (ok: number, context: number): number => {
    verify(ok, context)
    return 1
  }
  const servername = (ssl: number): number => {
    const name = session.servername(ssl, 0)
    if (name === null || current === null) return NOACK
    const context = current.contextFor(name)
    if (context === null) return ALERT_FATAL
    if (context !== 0) session.setContext(ssl, context)
    return OK
  }
  const NEGOTIATED = 1
  const selectAlpn = (_ssl: number, out: number, outBytes: number, theirs: number, bytes: number): number => {
    const ours = current?.protocols ?? null
    if (ours === null) return NOACK
    return session.selectAlpn(out, outBytes, ours.at, ours.bytes, theirs, bytes) === NEGOTIATED ? OK : ALERT_FATAL
  }
  const keyLog = (_ssl: number, line: string): void => current?.logKey(line)
  return {
    verify: make(koffi, 'int', ['int', 'uintptr_t'], verify),
    tolerate: make(koffi, 'int', ['int', 'uintptr_t'], tolerate),
    servername: make(koffi, 'int', ['uintptr_t', 'uintptr_t', 'uintptr_t'], servername),
    selectAlpn: make(
      koffi,
      'int',
      ['uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'uint', 'uintptr_t'],
      selectAlpn,
    ),
    keyLog: make(koffi, 'void', ['uintptr_t', 'str'], keyLog),
  }
}

/** Kept for the life of the thread. */
function make(koffi: Koffi, result: string, operands: string[], fn: (...operands: never[]) => unknown): number {
  return Number(koffi.register(fn as () => unknown, koffi.pointer(koffi.proto(result, operands))))
}
