/**
 * TLS between two of ours: what they agree on, and what they refuse. On virtual time, if the engine
 * works there.
 *
 * What two sides of one make agree on may still be wrong; how it goes with others is in
 * tls-others.test.ts.
 */
import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import {
  all,
  clock,
  connect,
  listen,
  moveOn,
  serve,
  spawn,
  startTls,
  type TlsClientOptions,
  type TlsError,
  type TlsServerOptions,
  type TlsStream,
} from 'drupe'
import { issueCertificate, memoryStreams, SimNetwork } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrown, thrownBy } from '../../kit.js'
import {
  bytes,
  CLIENT,
  here,
  leftOut,
  NO_VIRTUAL_TIME,
  ON_HOST,
  onTls,
  outcomes,
  pair,
  root,
  SERVER,
  text,
} from './tls-kit.js'

test('both sides know what they agreed on', async (t) => {
  covers(t, 'trio ssl: attributes')
  const [client, server] = await onTls(() =>
    outcomes({ ...CLIENT, ALPNProtocols: ['h3', 'h2'] }, { ...SERVER, ALPNProtocols: ['h2', 'http/1.1'] }),
  )
  const agreed = { protocol: 'TLSv1.3', alpnProtocol: 'h2', servername: 'localhost' }
  t.deepEqual(client, { ...agreed, authorized: true, authorizationError: null })
  t.deepEqual(server, { ...agreed, authorized: false, authorizationError: null })
})

test('the versions are as asked for, and none that both have is an error on both sides', async (t) => {
  const [client] = await onTls(() => outcomes({ ...CLIENT, maxVersion: 'TLSv1.2' }, SERVER))
  t.is((client as TlsStream).protocol, 'TLSv1.2')
  const refused = await onTls(() =>
    outcomes({ ...CLIENT, maxVersion: 'TLSv1.2' }, { ...SERVER, minVersion: 'TLSv1.3' }),
  )
  t.deepEqual(refused, ['TLSV1_ALERT_PROTOCOL_VERSION', 'UNSUPPORTED_PROTOCOL'])
})

test('no protocol in common ends the handshake', async (t) => {
  covers(t, 'trio ssl: selected_alpn_protocol_when_not_set')
  const refused = await onTls(() => outcomes({ ...CLIENT, ALPNProtocols: ['a'] }, { ...SERVER, ALPNProtocols: ['b'] }))
  t.deepEqual(refused, ['TLSV1_ALERT_NO_APPLICATION_PROTOCOL', 'NO_APPLICATION_PROTOCOL'])
})

test('ciphers of both versions are chosen by name, and a wrong name is an error', async (t) => {
  const ciphers = 'TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256'
  t.is(
    await onTls(function* () {
      const [a, b] = yield* pair({ ...CLIENT, ciphers })
      const { cipher } = a
      yield* all([a.close(), b.close()])
      return cipher
    }),
    'TLS_CHACHA20_POLY1305_SHA256',
  )
  const wrong = await onTls(() => thrownBy(startTls(memoryStreams()[0], { ...CLIENT, ciphers: 'NONSENSE' })))
  t.is((wrong as TlsError).reason, 'NO_CIPHER_MATCH')
})

const long = new Date(Date.now() - 1e10)
const BAD: readonly (readonly [what: string, server: TlsServerOptions, reason: string])[] = [
  ['is signed by itself', issueCertificate({ name: 'me', hosts: ['localhost'] }), 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  [
    'has expired',
    issueCertificate({ name: 'old', hosts: ['localhost'], issuer: root, validTo: long }),
    'CERT_HAS_EXPIRED',
  ],
  [
    'is not valid yet',
    issueCertificate({ name: 'new', hosts: ['localhost'], issuer: root, validFrom: new Date(Date.now() + 1e9) }),
    'CERT_NOT_YET_VALID',
  ],
  [
    'is for another host',
    issueCertificate({ name: 'other', hosts: ['example.org'], issuer: root }),
    'HOSTNAME_MISMATCH',
  ],
  [
    'is of an issuer that nobody knows',
    issueCertificate({ name: 'x', hosts: ['localhost'], issuer: issueCertificate({ name: 'unknown', isCa: true }) }),
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  ],
]

for (const [what, { cert, key }, reason] of BAD) {
  test(`a server whose certificate ${what} is refused, and the error names the certificate`, async (t) => {
    covers(t, 'trio ssl: ssl_client_basics', 'uvloop ssl: create_connection_ssl_failed_certificate')
    const error = await onTls(function* () {
      const [a, b] = memoryStreams()
      yield* spawn(thrownBy(startTls(b, { side: 'server', cert, key })))
      return (yield* thrownBy(startTls(a, CLIENT))) as TlsError
    })
    t.is(error.code, 'DRUPE_TLS')
    t.is(error.reason, reason)
    t.regex(error.message, /^Cannot shake hands over TLS with localhost: .*; the certificate is of CN=/)
    t.truthy(error.certificate?.raw.length)
  })

  test(`a server whose certificate ${what} may be accepted, and it is told`, async (t) => {
    const [client] = await onTls(() => outcomes({ ...CLIENT, rejectUnauthorized: false }, { cert, key }))
    const { authorized, authorizationError } = client as TlsStream
    t.deepEqual([authorized, authorizationError], [false, reason])
  })
}

test('IP addresses are names, too, and stars stand for one label', async (t) => {
  const star = issueCertificate({ name: 'star', hosts: ['*.example.org', '10.0.0.1'], issuer: root })
  const reasons: unknown[] = []
  for (const servername of ['a.example.org', '10.0.0.1', '10.0.0.2', 'a.b.example.org', 'example.org']) {
    const [client] = await onTls(() => outcomes({ ...CLIENT, servername }, star))
    reasons.push((client as { authorized?: boolean }).authorized ?? client)
  }
  t.deepEqual(reasons, [true, true, 'IP_ADDRESS_MISMATCH', 'HOSTNAME_MISMATCH', 'HOSTNAME_MISMATCH'])
})

test('names with other letters are compared as Punycode', async (t) => {
  const swiss = issueCertificate({ name: 'swiss', hosts: ['xn--zrich-kva.ch'], issuer: root })
  const [client] = await onTls(() => outcomes({ ...CLIENT, servername: 'zürich.ch' }, swiss))
  const { servername, authorized } = client as TlsStream
  t.deepEqual([servername, authorized], ['xn--zrich-kva.ch', true])
})

test('a chain with an issuer between is sent, and is needed', async (t) => {
  covers(t, 'trio ssl: getpeercert')
  const between = issueCertificate({ name: 'between', isCa: true, issuer: root })
  const leaf = issueCertificate({ name: 'leaf', hosts: ['localhost'], issuer: between })
  const [whole] = await onTls(() => outcomes(CLIENT, { cert: leaf.cert + between.cert, key: leaf.key }))
  const [cut] = await onTls(() => outcomes(CLIENT, leaf))
  t.true((whole as TlsStream).authorized)
  t.is(cut, 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY')
  const names = await onTls(function* () {
    const [a, b] = yield* pair(CLIENT, { cert: leaf.cert + between.cert, key: leaf.key })
    const found = a.peerCertificates().map(({ subject, issuer }) => [subject, issuer])
    yield* all([a.close(), b.close()])
    return found
  })
  t.deepEqual(names, [
    ['CN=leaf', 'CN=between'],
    ['CN=between', 'CN=root'],
  ])
})

test('a server that asks for a certificate refuses clients without one, and those of others', async (t) => {
  const server: TlsServerOptions = { ...SERVER, ca: root.cert, requestCert: true }
  const known = issueCertificate({ name: 'known', issuer: root })
  const [, none] = await onTls(() => outcomes(CLIENT, server))
  const [, wrong] = await onTls(() => outcomes({ ...CLIENT, ...pick(issueCertificate({ name: 'stranger' })) }, server))
  const [, right] = await onTls(() => outcomes({ ...CLIENT, ...pick(known) }, server))
  const [, lax] = await onTls(() => outcomes(CLIENT, { ...server, rejectUnauthorized: false }))
  const [, told] = await onTls(() =>
    outcomes({ ...CLIENT, ...pick(issueCertificate({ name: 'stranger' })) }, { ...server, rejectUnauthorized: false }),
  )
  t.is(none, 'PEER_DID_NOT_RETURN_A_CERTIFICATE')
  t.is(wrong, 'DEPTH_ZERO_SELF_SIGNED_CERT')
  t.true((right as TlsStream).authorized)
  t.false((lax as TlsStream).authorized)
  t.is((told as TlsStream).authorizationError, 'DEPTH_ZERO_SELF_SIGNED_CERT')
})

const pick = ({ cert, key }: { cert: string; key: string }): TlsClientOptions => ({ cert, key })

test('a server shows the certificate of the name that is asked for, and refuses other names', async (t) => {
  const [one, two] = ['one.org', '*.two.org'].map((host) =>
    pick(issueCertificate({ name: host, hosts: [host], issuer: root })),
  )
  const hosts = { 'one.org': one, '*.two.org': two } as Record<string, TlsServerOptions>
  const ask = async (servername: string, server: TlsServerOptions): Promise<unknown> =>
    (await onTls(() => outcomes({ ...CLIENT, servername }, server)))[0]
  for (const name of ['one.org', 'a.two.org']) t.true(((await ask(name, { hosts })) as TlsStream).authorized, name)
  // node:tls has no way to send the right alert.
  t.regex(String(await ask('three.org', { hosts })), ON_HOST ? /ALERT_HANDSHAKE_FAILURE$/ : /^TLSV1_UNRECOGNIZED_NAME$/)
  t.is(await ask('three.org', { ...SERVER, hosts }), 'HOSTNAME_MISMATCH')
  t.true(((await ask('ONE.org', { hosts })) as TlsStream).authorized)
})

test('a session goes on where an earlier one left off, with the same host only', async (t) => {
  const options = { ...SERVER }
  const resumed = await onTls(function* () {
    const [a, b] = yield* pair(CLIENT, options)
    yield* b.write(bytes('x'))
    yield* a.read()
    const session = a.ticket()
    yield* all([a.close(), b.close()])
    const again = []
    for (const servername of ['localhost', 'server']) {
      const [c, d] = yield* pair({ ...CLIENT, servername, session }, options)
      again.push([c.resumed, d.resumed, c.authorized, c.peerCertificates().length])
      yield* all([c.close(), d.close()])
    }
    return again
  })
  t.deepEqual(resumed, [
    [true, true, true, 1],
    [false, false, true, 1],
  ])
  const garbage = await onTls(() => outcomes({ ...CLIENT, session: bytes('\0\x09localhost garbage') }, options))
  t.true((garbage[0] as TlsStream).authorized)
})

test('what is no TLS is refused, whatever it is', async (t) => {
  covers(t, 'trio ssl: receive_error_during_handshake, send_error_during_handshake')
  const greetings = ['HTTP/1.1 400 Bad Request\r\n\r\n', 'SSH-2.0-x\r\n', '\x16\x03\x01\xff\xff', '\0'.repeat(100)]
  const reasons = await onTls(function* () {
    const found = []
    for (const greeting of greetings) {
      const [a, b] = memoryStreams()
      yield* b.write(bytes(greeting))
      yield* b.end()
      const client = (yield* thrownBy(startTls(a, CLIENT))) as TlsError
      const [c, d] = memoryStreams()
      yield* d.write(bytes(greeting))
      yield* d.end()
      const server = (yield* thrownBy(startTls(c, { side: 'server', ...SERVER }))) as TlsError
      found.push(client.code, server.code)
    }
    return found
  })
  t.deepEqual([...new Set(reasons)], ['DRUPE_TLS'])
})

test('a peer that does not shake hands has so long, and the stream is closed', async (t) => {
  covers(t, 'uvloop ssl: create_connection_ssl_slow_handshake, start_tls_slow_client_cancel')
  const [closed, at] = await onTls(function* () {
    const [a, b] = memoryStreams()
    const error = (yield* thrownBy(startTls(a, { ...CLIENT, handshakeTimeout: 500 }))) as Error
    const end = yield* b.readAll()
    return [[error.message, a.closed, end.length > 0], yield* clock()] as const
  })
  t.deepEqual(closed, ['Cannot shake hands over TLS: not done within 500 ms', true, true])
  if (!ON_HOST) t.is(at, 500)
})

test('in a simulated network a server has a task for each connection, and handshakes do not wait for each other', (t) => {
  if (leftOut(t, NO_VIRTUAL_TIME)) return
  covers(t, 'trio ssl: SSLListener')
  const reported: unknown[] = []
  const network = new SimNetwork({ latency: 5 })
  const { client } = network.run({
    *server() {
      const listener = yield* listen({ port: 443, tls: { ...SERVER, handshakeTimeout: 100 } })
      yield* moveOn(
        1000,
        serve(
          listener,
          function* (stream) {
            for (let got = yield* stream.read(); got !== null; got = yield* stream.read()) yield* stream.write(got)
          },
          { onError: (error) => reported.push((error as { code?: string }).code) },
        ),
      )
    },
    *client() {
      const silent = yield* connect({ host: 'server', port: 443 })
      const stream = yield* connect({ host: 'server', port: 443, tls: { ca: root.cert } })
      yield* stream.write(bytes('hello'))
      const got = text(yield* stream.read())
      const at = yield* clock()
      yield* stream.close()
      const end = yield* silent.read()
      yield* silent.close()
      return [got, at < 100, end, (yield* clock()) >= 100]
    },
  })
  t.deepEqual(client, ['hello', true, null, true])
  t.deepEqual(reported, ['DRUPE_TIMEOUT'])
})

test('the time of connect covers the handshake, and no socket is left', (t) => {
  if (leftOut(t, NO_VIRTUAL_TIME)) return
  covers(
    t,
    'trio highlevel_ssl_helpers: open_ssl_over_tcp_stream_and_everything_else',
    'uvloop ssl: ssl_handshake_timeout, connect_timeout_warning',
  )
  const network = new SimNetwork({ latency: 5 })
  const { client } = network.run({
    *server() {
      const listener = yield* listen({ port: 443 })
      const stream = yield* listener.accept()
      const bytes = yield* stream.readAll()
      yield* stream.close()
      yield* listener.close()
      return bytes.length > 0
    },
    *client() {
      const error = (yield* thrownBy(connect({ host: 'server', port: 443, timeout: 50, tls: true }))) as Error
      return [error.message, yield* clock()]
    },
  })
  t.deepEqual(client, ['Cannot connect to server port 443: not done within 50 ms', 50])
})

test('keys are read with their passphrase, and what is wrong with them is told', async (t) => {
  const key = createPrivateKey(here.key).export({
    ...({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' } as const),
  }) as string
  const outcome = async (server: TlsServerOptions): Promise<unknown> => {
    const [client] = await onTls(() => outcomes(CLIENT, server))
    return (client as { authorized?: boolean }).authorized
  }
  t.true(await outcome({ cert: here.cert, key, passphrase: 'secret' }))
  const refused = async (options: TlsServerOptions): Promise<string> => {
    const error = await onTls(() => thrownBy(startTls(memoryStreams()[1], { side: 'server', ...options })))
    t.is((error as TlsError).code, 'DRUPE_TLS')
    return (error as TlsError).message
  }
  t.regex(await refused({ cert: here.cert, key, passphrase: 'wrong' }), /^Cannot set up TLS with the key: /)
  t.regex(await refused({ cert: here.cert, key }), /^Cannot set up TLS with the key: /)
  t.regex(await refused({ cert: 'nonsense', key: here.key }), /^Cannot set up TLS with the certificate: no start line/)
  t.regex(
    await refused({ cert: here.cert, key: root.key }),
    /^Cannot set up TLS with the certificate: key values mismatch/,
  )
  t.regex(await refused({ cert: here.cert }), /a certificate without a key/)
  t.regex(await refused({ pfx: bytes('nonsense') }), /^Cannot set up TLS with the PKCS#12 file: /)
  t.regex(await refused({}), /a server needs a certificate/)
})

test('the keys of sessions are logged for those who debug', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'drupe-'))
  const keyLogFile = join(folder, 'keys')
  await onTls(function* () {
    const [c, d] = yield* pair({ ...CLIENT, keyLogFile })
    yield* all([c.close(), d.close()])
  })
  const labels = readFileSync(keyLogFile, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[0])
  rmSync(folder, { recursive: true })
  t.true(labels.includes('CLIENT_TRAFFIC_SECRET_0') && labels.includes('SERVER_TRAFFIC_SECRET_0'))
})

test('a client has to say whom it wants to speak to', async (t) => {
  const [a] = memoryStreams()
  const message = 'tls.servername must be given here; "" is a server of any name'
  t.is((thrown(() => startTls(a, { ca: root.cert })) as Error).message, `Cannot begin TLS: ${message}`)
  t.is((thrown(() => connect({ path: '/x', tls: true })) as Error).message, `Cannot connect: ${message}`)
  const [client] = await onTls(() => outcomes({ ca: root.cert, servername: '' }, SERVER))
  t.deepEqual([(client as TlsStream).authorized, (client as TlsStream).servername], [true, null])
})

test('options of the wrong kind are refused at the call', (t) => {
  covers(t, 'uvloop ssl: start_tls_wrong_args')
  const refused = (tls: unknown): string =>
    (thrown(() => connect({ host: 'a', port: 1, tls: tls as TlsClientOptions })) as Error).message
  t.is(
    refused({ minVersion: 'SSLv3' }),
    'Cannot connect: tls.minVersion must be one of "TLSv1.2", "TLSv1.3", not "SSLv3"',
  )
  t.regex(refused({ ca: [1] }), /^Cannot connect: tls\.ca must be a string or a Uint8Array, not/)
  t.regex(refused({ ALPNProtocols: 'h2' }), /tls\.ALPNProtocols/)
  for (const name of ['', 'n'.repeat(256), 'ñ'.repeat(128)])
    t.regex(refused({ ALPNProtocols: ['h2', name] }), /a name in tls\.ALPNProtocols must be .* 1 to 255 bytes/)
  for (const servername of ['.example.org', '．example.org']) {
    t.regex(refused({ servername }), /tls\.servername must be a name that does not begin with a dot/)
    t.regex(
      (thrown(() => connect({ host: servername, port: 1, tls: true })) as Error).message,
      /host must be a name that does not begin with a dot/,
    )
  }
  t.regex(refused({ handshakeTimeout: -1 }), /tls\.handshakeTimeout/)
  t.regex(refused({ rejectUnauthorized: 1 }), /tls\.rejectUnauthorized/)
  t.regex(refused(7), /tls must be/)
  t.throws(() => startTls(null as never, CLIENT), { message: /stream must be a stream of bytes, .*not null/ })
  t.throws(() => startTls(memoryStreams()[0], null as never), { message: /^Cannot begin TLS: .*not null/ })
})
