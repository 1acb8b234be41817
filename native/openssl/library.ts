/**
 * OpenSSL, as a table of functions.
 *
 * Node has it inside and shows its functions to addons, so it is there without being installed, in
 * the very version that Node itself trusts. Where the process has none (Deno, Electron), it is the
 * shared library of that name, version 3 or later. `DRUPE_OPENSSL=library` asks for that one.
 *
 * Pointers are numbers. Buffers go in as typed arrays: for the length of a call koffi knows where
 * they are.
 */
import { type Koffi, loadKoffi, NoKoffi } from '../koffi.js'

type Func = ReturnType<Koffi['load']>['func']
type Call<R> = (...operands: unknown[]) => R

/** Where the library is called what: TLS, and the cryptography beneath it. */
const FILES: readonly (readonly [tls: string, crypto: string])[] = [
  ['libssl.so.3', 'libcrypto.so.3'],
  ['libssl.3.dylib', 'libcrypto.3.dylib'],
  ['/opt/homebrew/opt/openssl@3/lib/libssl.3.dylib', '/opt/homebrew/opt/openssl@3/lib/libcrypto.3.dylib'],
  ['libssl-3-x64.dll', 'libcrypto-3-x64.dll'],
]

const POINTER = 'uintptr_t'
const BYTES = 'void *'

export type Openssl = ReturnType<typeof bind>

function bind(koffi: Koffi, func: Func, source: string) {
  const f = <R = number>(name: string, result: string, ...types: string[]): Call<R> =>
    func(name, result, types) as Call<R>
  const version = f<number>('OpenSSL_version_num', 'ulong')() >>> 28
  const name = f<string>('OpenSSL_version', 'str', 'int')(0)
  // BoringSSL and LibreSSL have functions of these names that do other things.
  if (!name.startsWith('OpenSSL ') || version < 3) throw new Error(`${name} is not OpenSSL 3`)
  return {
    koffi,
    name: `${name.split(' ').slice(0, 2).join(' ')}, ${source}`,
    errors: {
      clear: f<void>('ERR_clear_error', 'void'),
      next: f('ERR_get_error', 'ulong'),
      reason: f<string | null>('ERR_reason_error_string', 'str', 'ulong'),
      verifyText: f<string>('X509_verify_cert_error_string', 'str', 'long'),
    },
    bio: {
      memory: f('BIO_s_mem', POINTER),
      create: f('BIO_new', POINTER, POINTER),
      over: f('BIO_new_mem_buf', POINTER, BYTES, 'int'),
      read: f('BIO_read', 'int', POINTER, BYTES, 'int'),
      write: f('BIO_write', 'int', POINTER, BYTES, 'int'),
      pending: f('BIO_ctrl_pending', 'size_t', POINTER),
      free: f('BIO_free', 'int', POINTER),
    },
    certificates: {
      read: f('PEM_read_bio_X509', POINTER, POINTER, POINTER, POINTER, POINTER),
      readKey: f('PEM_read_bio_PrivateKey', POINTER, POINTER, POINTER, POINTER, 'str'),
      readPfx: f('d2i_PKCS12_bio', POINTER, POINTER, POINTER),
      parsePfx: f('PKCS12_parse', 'int', POINTER, 'str', BYTES, BYTES, BYTES),
      freePfx: f<void>('PKCS12_free', 'void', POINTER),
      der: f('i2d_X509', 'int', POINTER, BYTES),
      free: f<void>('X509_free', 'void', POINTER),
      freeKey: f<void>('EVP_PKEY_free', 'void', POINTER),
      count: f('OPENSSL_sk_num', 'int', POINTER),
      at: f('OPENSSL_sk_value', POINTER, POINTER, 'int'),
      freeStack: f<void>('OPENSSL_sk_free', 'void', POINTER),
    },
    store: {
      create: f('X509_STORE_new', POINTER),
      add: f('X509_STORE_add_cert', 'int', POINTER, POINTER),
      addSystem: f('X509_STORE_set_default_paths', 'int', POINTER),
      free: f<void>('X509_STORE_free', 'void', POINTER),
      errorOf: f('X509_STORE_CTX_get_error', 'int', POINTER),
      certificateOf: f('X509_STORE_CTX_get_current_cert', POINTER, POINTER),
    },
    context: {
      method: f('TLS_method', POINTER),
      create: f('SSL_CTX_new', POINTER, POINTER),
      free: f<void>('SSL_CTX_free', 'void', POINTER),
      control: f('SSL_CTX_ctrl', 'long', POINTER, 'int', 'long', POINTER),
      setOptions: f('SSL_CTX_set_options', 'uint64_t', POINTER, 'uint64_t'),
      useCertificate: f('SSL_CTX_use_certificate', 'int', POINTER, POINTER),
      useKey: f('SSL_CTX_use_PrivateKey', 'int', POINTER, POINTER),
      checkKey: f('SSL_CTX_check_private_key', 'int', POINTER),
      useStore: f<void>('SSL_CTX_set1_cert_store', 'void', POINTER, POINTER),
      addClientCa: f('SSL_CTX_add_client_CA', 'int', POINTER, POINTER),
      setVerify: f<void>('SSL_CTX_set_verify', 'void', POINTER, 'int', POINTER),
      setCiphers: f('SSL_CTX_set_cipher_list', 'int', POINTER, 'str'),
      setSuites: f('SSL_CTX_set_ciphersuites', 'int', POINTER, 'str'),
      setAlpn: f('SSL_CTX_set_alpn_protos', 'int', POINTER, BYTES, 'uint'),
      setAlpnSelect: f<void>('SSL_CTX_set_alpn_select_cb', 'void', POINTER, POINTER, POINTER),
      setCallback: f('SSL_CTX_callback_ctrl', 'long', POINTER, 'int', POINTER),
      setKeyLog: f<void>('SSL_CTX_set_keylog_callback', 'void', POINTER, POINTER),
      setIdContext: f('SSL_CTX_set_session_id_context', 'int', POINTER, 'str', 'uint'),
    },
    session: {
      create: f('SSL_new', POINTER, POINTER),
      free: f<void>('SSL_free', 'void', POINTER),
      setBios: f<void>('SSL_set_bio', 'void', POINTER, POINTER, POINTER),
      connects: f<void>('SSL_set_connect_state', 'void', POINTER),
      accepts: f<void>('SSL_set_accept_state', 'void', POINTER),
      setContext: f('SSL_set_SSL_CTX', POINTER, POINTER, POINTER),
      control: f('SSL_ctrl', 'long', POINTER, 'int', 'long', 'str'),
      setHost: f('SSL_set1_host', 'int', POINTER, 'str'),
      setHostFlags: f<void>('SSL_set_hostflags', 'void', POINTER, 'uint'),
      parameters: f('SSL_get0_param', POINTER, POINTER),
      setAddress: f('X509_VERIFY_PARAM_set1_ip_asc', 'int', POINTER, 'str'),
      handshake: f('SSL_do_handshake', 'int', POINTER),
      read: f('SSL_read', 'int', POINTER, BYTES, 'int'),
      write: f('SSL_write', 'int', POINTER, BYTES, 'int'),
      shutdown: f('SSL_shutdown', 'int', POINTER),
      received: f('SSL_get_shutdown', 'int', POINTER),
      pending: f('SSL_pending', 'int', POINTER),
      error: f('SSL_get_error', 'int', POINTER, 'int'),
      verifyResult: f('SSL_get_verify_result', 'long', POINTER),
      version: f<string>('SSL_get_version', 'str', POINTER),
      cipher: f('SSL_get_current_cipher', POINTER, POINTER),
      cipherName: f<string>('SSL_CIPHER_get_name', 'str', POINTER),
      resumed: f('SSL_session_reused', 'int', POINTER),
      servername: f<string | null>('SSL_get_servername', 'str', POINTER, 'int'),
      alpn: f<void>('SSL_get0_alpn_selected', 'void', POINTER, BYTES, BYTES),
      selectAlpn: f('SSL_select_next_proto', 'int', POINTER, POINTER, POINTER, 'uint', POINTER, 'uint'),
      certificate: f('SSL_get1_peer_certificate', POINTER, POINTER),
      chain: f('SSL_get_peer_cert_chain', POINTER, POINTER),
      ticket: f('SSL_get1_session', POINTER, POINTER),
      ticketDer: f('i2d_SSL_SESSION', 'int', POINTER, BYTES),
      ticketFrom: f('d2i_SSL_SESSION', POINTER, POINTER, BYTES, 'long'),
      isResumable: f('SSL_SESSION_is_resumable', 'int', POINTER),
      setTicket: f('SSL_set_session', 'int', POINTER, POINTER),
      freeTicket: f<void>('SSL_SESSION_free', 'void', POINTER),
    },
  }
}

/**
 * The OpenSSL that is to be had here; null if there is none.
 *
 * @param wanted `library` passes the process's own over.
 */
export function openOpenssl(wanted: string | undefined): Openssl | null {
  let koffi: Koffi
  try {
    koffi = loadKoffi(pin)
  } catch (error) {
    if (error instanceof NoKoffi) return null
    throw error
  }
  const own = wanted === 'library' ? null : bound(koffi, [null], 'of this process')
  if (own !== null) return own
  for (const files of FILES) {
    const found = bound(koffi, files, files[0])
    if (found !== null) return found
  }
  return null
}

/** On Windows the driver has done it. */
function pin(koffi: Koffi, file: string): void {
  const RTLD_LAZY = 1
  try {
    koffi.load(null).func('dlopen', 'uintptr_t', ['str', 'int'])(file, RTLD_LAZY)
  } catch {
    // There is no dlopen.
  }
}

/** Null if a library is missing, or is of another kind. */
function bound(koffi: Koffi, files: readonly (string | null)[], source: string): Openssl | null {
  try {
    // Else the process's own functions would stand in for those of the library.
    const libraries = files.map((file) => koffi.load(file, { deep: file !== null }))
    const func = ((name: string, result: string, types: string[]) => {
      for (const library of libraries) {
        try {
          return library.func(name, result, types)
        } catch (error) {
          if (library === libraries.at(-1)) throw error
        }
      }
      throw new Error('there is no library')
    }) as Func
    return bind(koffi, func, source)
  } catch {
    return null
  }
}
