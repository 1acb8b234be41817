/** Trio's suites about TLS. */
import type { PeerSuites } from './peers.js'

const NO_HTTPS_MODE =
  'There is no mode that takes a cut for an end: the error has a reason, UNEXPECTED_EOF, which a protocol may catch.'
const NO_BINDING = 'Channel bindings are not offered; nobody has asked for one.'
const NO_NPN = 'NPN is what ALPN was before it was a standard; OpenSSL has dropped it.'
const NO_RENEGOTIATION = 'Renegotiation is refused, on both sides; TLS 1.3 has none.'
const NO_WAY_BACK = 'There is no way back from TLS to plain bytes: what comes after close_notify could be anybody’s.'

export const trioNet: PeerSuites = {
  ssl: {
    tests: [
      'PyOpenSSLEchoStream_gives_resource_busy_errors',
      'SSLListener',
      'SSLStream_generic',
      'attributes',
      'checkpoints',
      'closing_nice_case',
      'full_duplex_basics',
      'get_channel_binding_after_handshake',
      'get_channel_binding_before_handshake',
      'getpeercert',
      'https_mode_eof_before_handshake',
      'receive_error_during_handshake',
      'renegotiation_randomized',
      'renegotiation_simple',
      'resource_busy_errors',
      'selected_alpn_protocol_before_handshake',
      'selected_alpn_protocol_when_not_set',
      'selected_npn_protocol_before_handshake',
      'selected_npn_protocol_when_not_set',
      'send_all_empty_string',
      'send_all_fails_in_the_middle',
      'send_error_during_handshake',
      'ssl_bad_shutdown',
      'ssl_bad_shutdown_but_its_ok',
      'ssl_client_basics',
      'ssl_handshake_failure_during_aclose',
      'ssl_https_compatibility_disagreement',
      'ssl_only_closes_stream_once',
      'ssl_over_ssl',
      'ssl_server_basics',
      'unwrap',
      'wait_writable_calls_underlying_wait_writable',
    ],
    instead: {
      PyOpenSSLEchoStream_gives_resource_busy_errors: 'It tests a stream of Trio’s own test suite.',
      get_channel_binding_after_handshake: NO_BINDING,
      get_channel_binding_before_handshake: NO_BINDING,
      https_mode_eof_before_handshake: NO_HTTPS_MODE,
      renegotiation_randomized: NO_RENEGOTIATION,
      renegotiation_simple: NO_RENEGOTIATION,
      selected_npn_protocol_before_handshake: NO_NPN,
      selected_npn_protocol_when_not_set: NO_NPN,
      ssl_bad_shutdown_but_its_ok: NO_HTTPS_MODE,
      ssl_handshake_failure_during_aclose: 'A close does not wait, so it shakes no hands.',
      ssl_https_compatibility_disagreement: NO_HTTPS_MODE,
      unwrap: NO_WAY_BACK,
      wait_writable_calls_underlying_wait_writable:
        'A stream has no way to wait for room alone; writeSome waits and writes.',
    },
  },
  highlevel_ssl_helpers: {
    tests: ['open_ssl_over_tcp_listeners', 'open_ssl_over_tcp_stream_and_everything_else'],
  },
}
