/**
 * TLS between ours and others: node:tls, and the programs `openssl`, `curl`, `stunnel4` and `nginx`
 * where they are installed; and with the other OpenSSL that there may be.
 */
import { type ChildProcess, spawn as launch, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer as createPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import nodeTls from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import {
  connect,
  type Listener,
  listen,
  type Operation,
  run,
  runSync,
  type SystemError,
  serve,
  sleep,
  spawn,
  startTls,
  type TlsError,
  type TlsStream,
  until,
} from 'drupe'
import { issueCertificate } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrownBy } from '../../kit.js'
import { leftOut } from './tls-kit.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (from: Uint8Array | null): string | null => (from === null ? null : new TextDecoder().decode(from))

const root = issueCertificate({ name: 'root', isCa: true })
const here = issueCertificate({ name: 'here', hosts: ['localhost', '127.0.0.1'], issuer: root })
const SERVER = { cert: here.cert, key: here.key }
const CLIENT = { ca: root.cert }

/** A folder with the files that programs need. */
function files(): { readonly folder: string; readonly file: (name: string, content?: string | Uint8Array) => string } {
  const folder = mkdtempSync(join(tmpdir(), 'drupe-'))
  chmodSync(folder, 0o755)
  const file = (name: string, content?: string | Uint8Array): string => {
    if (content !== undefined) writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  file('root.pem', root.cert)
  file('cert.pem', here.cert)
  file('key.pem', here.key)
  return { folder, file }
}

/** Is the program there? Else the test says so. */
function has(t: ExecutionContext, program: string): boolean {
  const found = spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
  if (!found) {
    t.log(`skipped: there is no ${program} here`)
    t.pass()
  }
  return found
}

function* echo(stream: TlsStream): Operation<void> {
  for (let got = yield* stream.read(); got !== null; got = yield* stream.read()) yield* stream.write(got)
  yield* stream.end()
}

/** Runs a body beside an echo of ours. */
function* withEcho<T>(body: (listener: Listener<TlsStream>) => Operation<T>): Operation<T> {
  const listener = yield* listen({ host: '127.0.0.1', port: 0, tls: { ...SERVER, ALPNProtocols: ['echo'] } })
  const server = yield* spawn(serve(listener, echo, { onError: () => {} }))
  try {
    return yield* body(listener)
  } finally {
    yield* server.cancel()
  }
}

async function freePort(): Promise<number> {
  const server = createPlain().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Connects as soon as a program listens. */
function* connectSoon(port: number, tls: Parameters<typeof connect>[0]['tls'] = CLIENT): Operation<TlsStream> {
  for (;;) {
    try {
      return (yield* connect({ host: 'localhost', port, tls })) as TlsStream
    } catch (error) {
      if ((error as { code?: string }).code !== 'ECONNREFUSED') throw error
      yield* sleep(20)
    }
  }
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`node:tls serves us, ${maxVersion}`, async (t) => {
    covers(t, 'trio ssl: full_duplex_basics', 'uvloop ssl: create_connection_ssl_1')
    const server = nodeTls.createServer({ ...SERVER, maxVersion, ALPNProtocols: ['echo'] }, (socket) =>
      socket.pipe(socket),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const big = new Uint8Array(1 << 20).map((_, i) => i % 251)
    await run(function* () {
      const stream = yield* connect({ host: 'localhost', port, tls: { ...CLIENT, ALPNProtocols: ['x', 'echo'] } })
      t.deepEqual([stream.protocol, stream.alpnProtocol, stream.authorized], [maxVersion, 'echo', true])
      const writer = yield* spawn(stream.write(big))
      t.deepEqual(yield* stream.readExactly(big.length), big)
      yield* writer.join()
      const session = stream.ticket()
      yield* stream.end()
      t.is(yield* stream.read(), null)
      yield* stream.close()
      const again = yield* connect({ host: 'localhost', port, tls: { ...CLIENT, session } })
      t.true(again.resumed)
      yield* again.close()
    })
    server.close()
  })

  test(`we serve node:tls, ${maxVersion}`, async (t) => {
    covers(t, 'trio ssl: ssl_server_basics', 'uvloop ssl: create_server_ssl_1')
    const big = Buffer.alloc(1 << 20, 'drupe')
    await run(() =>
      withEcho(function* ({ port }) {
        const socket = nodeTls.connect({ port, host: '127.0.0.1', ...CLIENT, maxVersion, ALPNProtocols: ['echo'] })
        const parts: Buffer[] = []
        socket.on('data', (part: Buffer) => parts.push(part))
        yield* until(once(socket, 'secureConnect'))
        t.deepEqual([socket.getProtocol(), socket.alpnProtocol, socket.authorized], [maxVersion, 'echo', true])
        const ended = once(socket, 'end')
        socket.end(big)
        yield* until(ended)
        t.is(Buffer.compare(Buffer.concat(parts), big), 0)
      }),
    )
  })
}

test('TLS over Unix sockets: node:tls serves us at a path, and we serve it', async (t) => {
  covers(t, 'uvloop unix: create_unix_server_ssl_1, create_unix_connection_ssl_1')
  if (process.platform === 'win32') {
    t.log('skipped: what is at a path on Windows are named pipes')
    return t.pass()
  }
  const { folder, file } = files()
  const big = Buffer.alloc(1 << 20, 'drupe')
  const theirs = nodeTls.createServer(SERVER, (socket) => socket.pipe(socket)).listen(file('theirs'))
  await once(theirs, 'listening')
  await run(function* () {
    const stream = yield* connect({ path: file('theirs'), tls: { ...CLIENT, servername: 'localhost' } })
    const writer = yield* spawn(stream.write(big))
    t.is(Buffer.compare(yield* stream.readExactly(big.length), big), 0)
    yield* writer.join()
    yield* stream.close()
    const server = yield* spawn(serve(yield* listen({ path: file('ours'), tls: SERVER }), echo))
    const socket = nodeTls.connect({ path: file('ours'), ...CLIENT, servername: 'localhost' })
    const parts: Buffer[] = []
    socket.on('data', (part: Buffer) => parts.push(part))
    const ended = once(socket, 'end')
    socket.end(big)
    yield* until(ended)
    t.is(Buffer.compare(Buffer.concat(parts), big), 0)
    yield* server.cancel()
  })
  theirs.close()
  rmSync(folder, { recursive: true })
})

test('a blocking run speaks TLS', (t) => {
  if (leftOut(t, "node:tls works on the host's loop")) return
  const got = runSync(() =>
    withEcho(function* ({ port }) {
      const stream = yield* connect({ host: 'localhost', port, tls: CLIENT })
      yield* stream.write(bytes('hello'))
      const read = text(yield* stream.read())
      yield* stream.close()
      return read
    }),
  )
  t.is(got, 'hello')
})

test('the roots of Node do not know our server', async (t) => {
  const error = await run(() => withEcho(({ port }) => thrownBy(connect({ host: 'localhost', port, tls: true }))))
  t.regex((error as TlsError).reason, /ISSUER|SELF_SIGNED/)
})

test('a server that speaks no TLS is told from one that is not there', async (t) => {
  const server = createPlain((socket) => socket.end('220 hello\r\n')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const error = (await run(() => thrownBy(connect({ host: '127.0.0.1', port, tls: CLIENT })))) as TlsError
  t.is(error.message, 'Cannot shake hands over TLS with 127.0.0.1: wrong version number (WRONG_VERSION_NUMBER)')
  server.close()
})

test('openssl s_client speaks with us', async (t) => {
  if (!has(t, 'openssl')) return
  const { folder, file } = files()
  await run(() =>
    withEcho(function* ({ port }) {
      const client = launch('openssl', [
        ...['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', '-verify_return_error'],
        ...['-CAfile', file('root.pem'), '-alpn', 'echo', '-quiet', '-no_ign_eof'],
      ])
      let said = ''
      client.stdout.on('data', (part: Buffer) => {
        said += part.toString()
        if (said.includes('hello')) client.stdin.end()
      })
      client.stdin.write('hello openssl\n')
      const [code] = (yield* until(once(client, 'exit'))) as [number]
      t.deepEqual([code, said], [0, 'hello openssl\n'])
    }),
  )
  rmSync(folder, { recursive: true })
})

test('we speak with openssl s_server, which wants a certificate', async (t) => {
  if (!has(t, 'openssl')) return
  const { folder, file } = files()
  const port = await freePort()
  const server = launch('openssl', [
    ...['s_server', '-accept', `127.0.0.1:${port}`, '-cert', file('cert.pem'), '-key', file('key.pem')],
    ...['-Verify', '1', '-verify_return_error', '-CAfile', file('root.pem'), '-rev', '-quiet'],
  ])
  await run(function* () {
    const { cert, key } = issueCertificate({ name: 'me', issuer: root })
    const stream = yield* connectSoon(port, { ...CLIENT, cert, key })
    yield* stream.write(bytes('abc\n'))
    t.is(yield* stream.readLine(), 'cba')
    yield* stream.close()
    // Without one the server refuses, which a client hears with its first read.
    const other = yield* connectSoon(port)
    t.regex(((yield* thrownBy(other.read())) as TlsError).reason, /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE/)
    yield* other.close()
  })
  await stopped(server)
  rmSync(folder, { recursive: true })
})

test('a PKCS#12 file of openssl is read, with its passphrase', async (t) => {
  if (!has(t, 'openssl')) return
  const { folder, file } = files()
  const made = spawnSync('openssl', [
    ...['pkcs12', '-export', '-inkey', file('key.pem'), '-in', file('cert.pem'), '-certfile', file('root.pem')],
    ...['-passout', 'pass:secret'],
  ])
  rmSync(folder, { recursive: true })
  const pfx = new Uint8Array(made.stdout)
  await run(function* () {
    const wrong = (yield* thrownBy(listen({ host: '127.0.0.1', port: 0, tls: { pfx, passphrase: 'x' } }))) as TlsError
    t.is(wrong.reason, 'MAC_VERIFY_FAILURE')
    const listener = yield* listen({ host: '127.0.0.1', port: 0, tls: { pfx, passphrase: 'secret' } })
    const server = yield* spawn(serve(listener, echo))
    const stream = yield* connect({ host: 'localhost', port: listener.port, tls: CLIENT })
    t.deepEqual(
      stream.peerCertificates().map(({ subject }) => subject),
      ['CN=here', 'CN=root'],
    )
    yield* stream.close()
    yield* server.cancel()
  })
})

test('curl fetches from us', async (t) => {
  covers(t, 'trio highlevel_ssl_helpers: open_ssl_over_tcp_listeners')
  if (!has(t, 'curl')) return
  const { folder, file } = files()
  await run(function* () {
    const listener = yield* listen({ host: '127.0.0.1', port: 0, tls: SERVER })
    const server = yield* spawn(
      serve(listener, function* (stream) {
        yield* stream.readUntil('\r\n\r\n')
        yield* stream.write(bytes('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello'))
        yield* stream.end()
      }),
    )
    const curl = launch('curl', ['-sS', '--cacert', file('root.pem'), `https://localhost:${listener.port}/`])
    let said = ''
    for (const stream of [curl.stdout, curl.stderr]) stream.on('data', (part: Buffer) => (said += part.toString()))
    yield* until(once(curl, 'close'))
    t.is(said, 'hello')
    yield* server.cancel()
  })
  rmSync(folder, { recursive: true })
})

test('nginx serves us', async (t) => {
  if (!has(t, 'nginx')) return
  const { folder, file } = files()
  const port = await freePort()
  const conf = file(
    'nginx.conf',
    `daemon off; master_process off; pid ${file('pid')}; error_log stderr; events {}
     http { access_log off; client_body_temp_path ${file('b')}; proxy_temp_path ${file('p')}; fastcgi_temp_path ${file('f')};
       uwsgi_temp_path ${file('u')}; scgi_temp_path ${file('s')};
       server { listen 127.0.0.1:${port} ssl; ssl_certificate ${file('cert.pem')}; ssl_certificate_key ${file('key.pem')};
         location / { return 200 "from nginx"; } } }`,
  )
  const server = launch('nginx', ['-c', conf, '-e', 'stderr', '-p', folder], { stdio: 'ignore' })
  await run(function* () {
    const stream = yield* connectSoon(port)
    yield* stream.write(bytes('GET / HTTP/1.0\r\n\r\n'))
    const answer = text(yield* stream.readAll())
    t.true(answer?.startsWith('HTTP/1.1 200 OK'))
    t.true(answer?.endsWith('from nginx'))
    yield* stream.close()
  })
  await stopped(server)
  rmSync(folder, { recursive: true })
})

test('stunnel carries our bytes', async (t) => {
  if (!has(t, 'stunnel4')) return
  const { folder, file } = files()
  const port = await freePort()
  await run(() =>
    withEcho(function* (listener) {
      const conf = file(
        'stunnel.conf',
        `foreground = yes\npid =\nsyslog = no\n[echo]\nclient = yes\naccept = 127.0.0.1:${port}\nconnect = 127.0.0.1:${listener.port}
         CAfile = ${file('root.pem')}\nverifyChain = yes\ncheckHost = localhost\n`,
      )
      const tunnel = launch('stunnel4', [conf], { stdio: 'ignore' })
      for (;;) {
        try {
          const stream = yield* connect({ host: '127.0.0.1', port })
          yield* stream.write(bytes('through the tunnel'))
          t.is(text(yield* stream.readExactly(18)), 'through the tunnel')
          yield* stream.close()
          break
        } catch (error) {
          if ((error as { code?: string }).code !== 'ECONNREFUSED') throw error
          yield* sleep(20)
        }
      }
      yield* until(stopped(tunnel))
    }),
  )
  rmSync(folder, { recursive: true })
})

test('STARTTLS as a mail server of node:tls has it', async (t) => {
  covers(t, 'uvloop ssl: start_tls_client_reg_proto_1')
  const context = nodeTls.createSecureContext(SERVER)
  const server = createPlain((socket) => {
    socket.write('220 ready\r\n')
    socket.once('data', () => {
      socket.write('220 go ahead\r\n', () => {
        const secure = new nodeTls.TLSSocket(socket, { isServer: true, secureContext: context })
        secure.on('data', (part: Buffer) => secure.end(`250 ${part.toString()}`))
      })
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await run(function* () {
    const plain = yield* connect({ host: '127.0.0.1', port })
    t.is(yield* plain.readLine(), '220 ready')
    yield* plain.write(bytes('STARTTLS\r\n'))
    t.is(yield* plain.readLine(), '220 go ahead')
    const stream = yield* startTls(plain, { ...CLIENT, servername: 'localhost' })
    yield* stream.write(bytes('EHLO'))
    t.is(text(yield* stream.readAll()), '250 EHLO')
    yield* stream.close()
    t.true(plain.closed)
  })
  server.close()
})

test('a libssl beside the one of the process does as well', (t) => {
  const program = `
    import { connect, listen, run, serve, spawn, startTls } from 'drupe'
    const { cert, key, ca } = JSON.parse(process.env.PKI)
    await run(function* () {
      const listener = yield* listen({ host: '127.0.0.1', port: 0, tls: { cert, key } })
      const server = yield* spawn(serve(listener, function* (stream) { yield* stream.write(yield* stream.read()) }))
      const stream = yield* connect({ host: 'localhost', port: listener.port, tls: { ca } })
      yield* stream.write(new Uint8Array([1, 2, 3]))
      console.log(String(yield* stream.read()), stream.authorized)
      yield* stream.close()
      yield* server.cancel()
    })`
  const env = { ...process.env, DRUPE_OPENSSL: 'library', PKI: JSON.stringify({ ...SERVER, ca: root.cert }) }
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    env,
    cwd: new URL('../../../..', import.meta.url),
  })
  if (stderr.includes('TLS needs an OpenSSL 3')) {
    t.log('skipped: there is no libssl here')
    t.pass()
    return
  }
  t.is(stdout, '1,2,3 true\n', stderr)
})

test('a close before everything was read is an end to the peer, and no reset', async (t) => {
  await run(function* () {
    const listener = yield* listen({ host: '127.0.0.1', port: 0, tls: SERVER })
    const accepting = yield* spawn(function* () {
      const stream = yield* listener.accept()
      // The tickets that come with it are nothing that a client would read.
      yield* stream.write(new Uint8Array(20_000))
      return stream
    })
    const client = yield* connect({
      host: '127.0.0.1',
      port: listener.port,
      tls: { ca: root.cert, servername: 'localhost' },
    })
    const server = yield* accepting.join()
    yield* client.close()
    t.is(yield* server.read(), null)
    const error = yield* thrownBy(function* () {
      for (;;) yield* server.write('x')
    })
    // Elsewhere the codes are others.
    if (process.platform === 'linux') t.is((error as SystemError).code, 'EPIPE')
    yield* server.close()
    yield* listener.close()
  })
})
