/**
 * The contract of TLS: an engine that computes over bytes.
 *
 * It reads and writes no socket, waits for nothing and knows no task: bytes of the peer go in,
 * bytes for the peer come out, and between them it says what it needs next. So TLS works over any
 * stream, on every driver and in simulated networks, and whoever carries the bytes decides about
 * time, cancellation and order (traps/net/tls-stream.ts).
 *
 * An engine may also compute on the host's loop (`TlsLater`): then its answers come a few turns
 * later, and it is waited for as well.
 *
 * Which engine there is depends on the machine, not on the driver; the package's doors say where to
 * look for it (`provideTls`).
 */

/** A certificate and its key: how one side shows who it is. */
export interface TlsIdentity {
  /** PEM: the certificate, and those between it and a root. */
  readonly cert?: string | Uint8Array | undefined
  /** PEM: its private key, which may be encrypted. */
  readonly key?: string | Uint8Array | undefined
  /** PKCS#12: certificate, key and chain in one, instead of `cert` and `key`. */
  readonly pfx?: Uint8Array | undefined
  /** Of the key, or of the PKCS#12 file. */
  readonly passphrase?: string | undefined
}

/** The versions of the protocol that there are still. */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

/** What all sessions of one client or one server have in common. */
export interface TlsContextOptions extends TlsIdentity {
  /** PEM: whom to trust. Default: the roots that Node trusts, and NODE_EXTRA_CA_CERTS. */
  readonly ca?: readonly (string | Uint8Array)[] | undefined
  /** Trusts what the operating system trusts, too. */
  readonly systemCa?: boolean | undefined
  readonly minVersion?: TlsVersion | undefined
  readonly maxVersion?: TlsVersion | undefined
  /** In OpenSSL's notation, those of TLS 1.2 and 1.3 together. */
  readonly ciphers?: string | undefined
  /** Protocols to be spoken inside, best first. */
  readonly alpn?: readonly string[] | undefined
  /** Of a server: asks clients for a certificate. */
  readonly requestCert?: boolean | undefined
  /** Whether a peer that cannot be verified ends the handshake. */
  readonly rejectUnauthorized: boolean
  /** Of a server: who it is for whom; `*.example.org` stands for one label. */
  readonly hosts?: Readonly<Record<string, TlsIdentity>> | undefined
  /** A file to which the keys of each session are appended, for tools that decrypt. */
  readonly keyLogFile?: string | undefined
}

/** What one session has of its own. */
export interface TlsSessionOptions {
  /** Of a client: which of its names to ask the server for; null for none. */
  readonly servername: string | null
  /** Of a client: the name or IP address that the certificate must be for; null for any. */
  readonly host: string | null
  /** Of a client: a session to go on with. */
  readonly session: Uint8Array | null
}

/** A certificate, as far as people read it. */
export interface TlsCertificate {
  /** Whom it is for, a line for each part. */
  readonly subject: string
  /** Who says so. */
  readonly issuer: string
  /** The names and addresses that it is good for: `DNS:example.org, IP Address:10.0.0.1`. */
  readonly subjectAltName: string | undefined
  /** The beginning of its time, as OpenSSL writes it. */
  readonly validFrom: string
  /** The end of its time, as OpenSSL writes it. */
  readonly validTo: string
  /** The number that its issuer gave it, in hexadecimal digits. */
  readonly serialNumber: string
  /** SHA-256 over `raw`. */
  readonly fingerprint256: string
  /** DER. */
  readonly raw: Uint8Array
}

/** What two sides have agreed on. */
export interface TlsDetails {
  readonly protocol: string
  readonly cipher: string
  /** The protocol to be spoken inside; null if they agreed on none. */
  readonly alpnProtocol: string | null
  /** The name that the client asked for; null if it asked for none. */
  readonly servername: string | null
  /** Whether the peer has shown a certificate that is trusted and for the right host. */
  readonly authorized: boolean
  /** Why not: `SELF_SIGNED_CERT_IN_CHAIN`, …; null if it is. */
  readonly authorizationError: string | null
  /** Whether it goes on with an earlier session. */
  readonly resumed: boolean
}

/** An engine. */
export interface TlsLibrary {
  /** For people: which one, and whose. */
  readonly name: string
  /** Why it is this one and not a better one; debug mode tells. */
  readonly note?: string | undefined
  /**
   * @throws TlsError if a certificate, a key or an option is not as it should be.
   */
  context(side: 'client' | 'server', options: TlsContextOptions): TlsContext
}

/** What a client or a server has once. Its memory goes with it. */
export interface TlsContext {
  session(options: TlsSessionOptions): TlsSession
}

/** What `read` says instead of a number of bytes. */
export const TLS_END = 0
export const TLS_WANTS_INPUT = -1

/** Of a session that computes on the host's loop: whether it has done so, and when. */
export interface TlsLater {
  /** It is computing: `takeOutput` may have more soon. As long as it is fed, it goes on so. */
  readonly isBusy: boolean
  /** What was written, or the end, is not all output yet. */
  readonly isWriting: boolean
  /** `handshake` or `read` may have another answer than the last one. */
  readonly hasNews: boolean
  /** Calls back once, when these or the output change; returns what takes that back. */
  changed(wake: () => void): () => void
}

/** One connection. What it throws is a TlsError, and it is good for nothing but its output then. */
export interface TlsSession {
  readonly side: 'client' | 'server'
  /** The name of the engine. */
  readonly engine: string
  /** Null if the answers are there when a call returns. */
  readonly later: TlsLater | null
  /** Goes as far as it can; whether it is done. If it is not, it needs input. */
  handshake(): boolean
  /** Takes bytes of the peer: all of them. */
  feed(bytes: Uint8Array): void
  /** The peer will send nothing any more. */
  endInput(): void
  /** Puts decrypted bytes into a buffer, and says how many; or TLS_END, or TLS_WANTS_INPUT. */
  read(into: Uint8Array): number
  /**
   * Whether a read might have something without further input.
   *
   * @param wasFilled Whether the last read filled its buffer.
   */
  mayHaveMore(wasFilled: boolean): boolean
  /** Encrypts bytes, all of them, to be fetched by `takeOutput`. */
  write(bytes: Uint8Array): void
  /** Says to the peer that nothing will follow. */
  shutdown(): void
  /** Moves bytes for the peer into a buffer, and says how many. */
  takeOutput(into: Uint8Array): number
  details(): TlsDetails
  /** The certificate of the peer and those that it sent with it; empty if it showed none. */
  peerCertificates(): readonly TlsCertificate[]
  /** Of a client: what a later session can go on with; null if the server offers nothing. */
  ticket(): Uint8Array | null
  /** Gives its memory back; nothing may be called afterwards. */
  free(): void
}

let open: () => TlsLibrary | null = () => null
let library: TlsLibrary | null | undefined

/** Says where an engine is to be had; it is opened when it is needed first. */
export function provideTls(from: () => TlsLibrary | null): void {
  open = from
}

/** The engine of this machine; null where there is none. */
export function tlsLibrary(): TlsLibrary | null {
  if (library === undefined) library = open()
  return library
}
