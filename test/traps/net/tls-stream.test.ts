/**
 * TLS as a stream of bytes: what all streams promise, whoever is cancelled in the middle.
 */
import test from 'ava'
import { all, connect, Event, listen, moveOn, type Operation, pipe, sleep, spawn, startTls, type TlsError } from 'drupe'
import { memoryStreams, SimNetwork, streamConformance } from 'drupe/testing'
import { wrap } from '../../../traps/net/tls.js'
import type { TlsWire } from '../../../traps/net/tls-wire.js'
import { covers } from '../../covers.js'
import { thrown, thrownBy } from '../../kit.js'
import { bytes, CLIENT, leftOut, NO_VIRTUAL_TIME, ON_HOST, onTls, pair, root, SERVER, text } from './tls-kit.js'

/** Tests of peers by the check that says the same. */
const PEERS: Readonly<Record<string, string>> = {
  'a write to a peer that has left fails, after a while': 'uvloop ssl: write_to_closed_transport',
  'after a close of the peer what was written is read, then the end, again and again':
    'uvloop ssl: flush_before_shutdown',
  'after end the peer reads the end and can still answer': 'uvloop ssl: remote_shutdown_receives_trailing_data',
}

for (const check of streamConformance(() => pair(), { plenty: 1 << 20 })) {
  test(`a stream over TLS: ${check.name}`, async (t) => {
    covers(t, 'trio ssl: SSLStream_generic, checkpoints, send_all_empty_string, send_all_fails_in_the_middle')
    const peer = PEERS[check.name]
    if (peer !== undefined) covers(t, peer)
    await onTls(() => check.run())
    t.pass()
  })
}

/** With node:tls each piece costs some turns of the host's loop. */
const PIECE_BYTES = ON_HOST ? 100 : 1

for (const check of streamConformance(() => pair(CLIENT, SERVER, memoryStreams({ chunk: PIECE_BYTES })), {
  plenty: 1 << 16,
})) {
  test(`a stream over TLS, piece by piece: ${check.name}`, async (t) => {
    await onTls(() => check.run())
    t.pass()
  })
}

test('a connection that is cut off is told from one that has ended', async (t) => {
  covers(t, 'trio ssl: closing_nice_case, ssl_bad_shutdown', 'uvloop ssl: shutdown_cleanly')
  const ends = await onTls(function* () {
    const found = []
    for (const cut of [false, true]) {
      const [a, b] = memoryStreams()
      const [c, d] = yield* pair(CLIENT, SERVER, [a, b])
      yield* d.write(bytes('half'))
      if (cut) yield* b.end()
      else yield* d.end()
      const got = text(yield* c.read())
      found.push([got, cut ? ((yield* thrownBy(c.read())) as TlsError).reason : yield* c.read()])
      yield* all([c.close(), d.close()])
    }
    return found
  })
  t.deepEqual(ends, [
    ['half', null],
    ['half', 'UNEXPECTED_EOF'],
  ])
})

test('bytes that are not what was sent end the session', async (t) => {
  covers(t, 'uvloop ssl: start_tls_client_corrupted_ssl')
  const error = await onTls(function* () {
    const [a, b] = memoryStreams()
    const [c, d] = yield* pair(CLIENT, SERVER, [a, b])
    yield* b.write(bytes('\x17\x03\x03\0\x20').slice(0, 5))
    yield* b.write(new Uint8Array(32))
    const thrownThere = (yield* thrownBy(c.read())) as TlsError
    yield* all([c.close(), d.close()])
    return thrownThere
  })
  t.is(error.reason, 'DECRYPTION_FAILED_OR_BAD_RECORD_MAC')
})

test('whoever reads or writes first shakes hands, and the other task waits for it', async (t) => {
  if (leftOut(t, NO_VIRTUAL_TIME)) return
  const got = await onTls(function* () {
    const network = new SimNetwork({ latency: 1 })
    return network.run({
      *server() {
        const listener = yield* listen({ port: 443, tls: SERVER })
        const stream = yield* listener.accept()
        const [read] = yield* all([stream.read(), stream.write(bytes('from the server'))])
        yield* stream.close()
        yield* listener.close()
        return text(read)
      },
      *client() {
        const stream = yield* connect({ host: 'server', port: 443, tls: { ca: root.cert } })
        const [read] = yield* all([stream.read(), stream.write(bytes('from the client'))])
        yield* stream.close()
        return text(read)
      },
    })
  })
  t.deepEqual(got, { server: 'from the client', client: 'from the server' })
})

test('a handshake that is cancelled, again and again, goes on with the next task', (t) => {
  if (leftOut(t, NO_VIRTUAL_TIME)) return
  covers(t, 'trio ssl: selected_alpn_protocol_before_handshake')
  const network = new SimNetwork({ latency: 5 })
  const { client, server } = network.run({
    *server() {
      const listener = yield* listen({ port: 443, tls: SERVER })
      const stream = yield* listener.accept()
      let tries = 0
      while (stream.protocol === null) {
        if (tries % 2 === 0) yield* moveOn(2, stream.handshake())
        else yield* moveOn(2, stream.readInto(new Uint8Array(0)))
        tries++
      }
      const got = text(yield* stream.readExactly(5))
      yield* stream.close()
      yield* listener.close()
      return [tries > 3, got]
    },
    *client() {
      const plain = yield* connect({ host: 'server', port: 443 })
      const stream = wrap(plain, 'client', CLIENT, '')
      let tries = 0
      while (stream.protocol === null) {
        yield* moveOn(3, tries % 2 === 0 ? stream.handshake() : stream.write(new Uint8Array(0)))
        tries++
      }
      yield* stream.write(bytes('whole'))
      yield* stream.end()
      yield* stream.close()
      return tries > 3
    },
  })
  t.deepEqual([client, server], [true, [true, 'whole']])
})

test('a write that is cancelled leaves a session that is whole', async (t) => {
  await onTls(function* () {
    const [c, d] = yield* pair(CLIENT, SERVER, memoryStreams({ capacity: 1000 }))
    const sent = new Uint8Array(100_000).fill(1)
    yield* moveOn(1, c.write(sent))
    const reader = yield* spawn(d.readAll())
    yield* c.write(bytes('end'))
    yield* c.end()
    const got = yield* reader.join()
    t.is(text(got.slice(-3)), 'end')
    t.true(got.slice(0, -3).every((byte) => byte === 1))
    yield* all([c.close(), d.close()])
  })
})

test('a write is not over as long as nobody sends it, though a reader has just tried to', async (t) => {
  await onTls(function* () {
    const [c, d] = yield* pair(CLIENT, SERVER, memoryStreams({ capacity: 1000 }))
    yield* moveOn(1, c.write(new Uint8Array(100_000)))
    const reader = yield* spawn(c.read())
    const writer = yield* spawn(c.write(bytes('last')))
    yield* sleep(1)
    t.is(writer.state, 'waiting', 'nothing has been taken')
    let got: string | null = ''
    while (got?.endsWith('last') === false) got = text(yield* d.read())
    yield* writer.join()
    yield* d.end()
    t.is(yield* reader.join(), null)
    yield* all([c.close(), d.close()])
  })
})

test('an end after a write that was cancelled is told to the peer', async (t) => {
  for (const size of [30_000, 1000, 5]) {
    await onTls(function* () {
      const [c, d] = yield* pair(CLIENT, SERVER, memoryStreams({ capacity: 20_000 }))
      const piece = new Uint8Array(size)
      let sent = 0
      for (let bytes: number | null = 0; bytes !== null; bytes = yield* moveOn(5, c.writeSome(piece), null))
        sent += bytes
      const end = yield* spawn(c.end())
      let got = 0
      for (let read = yield* d.read(); read !== null; read = yield* d.read()) got += read.length
      t.true(got >= sent, `${got} of ${sent}`)
      yield* end.join()
      yield* all([c.close(), d.close()])
    })
  }
})

test('what a cancelled writeSome had taken is not sent twice when the same is written again', async (t) => {
  await onTls(function* () {
    const [c, d] = yield* pair(CLIENT, SERVER, memoryStreams({ capacity: 1000 }))
    const sent = Uint8Array.from({ length: 50_000 }, (_, i) => i)
    let at = 0
    const reader = yield* spawn(function* () {
      const parts: Uint8Array[] = []
      for (let part = yield* d.read(700); part !== null; part = yield* d.read(700)) {
        parts.push(part)
        yield* sleep(1)
      }
      return Buffer.concat(parts)
    })
    while (at < sent.length) at += (yield* moveOn(3, c.writeSome(sent.subarray(at, at + 5000)))) ?? 0
    yield* c.end()
    t.deepEqual(new Uint8Array(yield* reader.join()), sent)
    yield* all([c.close(), d.close()])
  })
})

test('closing ends what waits, and nothing is used afterwards', async (t) => {
  covers(t, 'trio ssl: ssl_only_closes_stream_once')
  const errors = await onTls(function* () {
    const [c, d] = yield* pair()
    const reader = yield* spawn(thrownBy(c.read()))
    yield* sleep(1)
    yield* c.close()
    yield* c.close()
    const end = yield* d.read()
    yield* d.close()
    const later = [thrown(() => c.read()), thrown(() => c.write(bytes('x'))), thrown(() => c.ticket())]
    return [end, ...[yield* reader.join(), ...later].map((error) => (error as TlsError).code)]
  })
  t.deepEqual(errors, [null, 'DRUPE_CLOSED', 'DRUPE_CLOSED', 'DRUPE_CLOSED', 'DRUPE_CLOSED'])
})

test('of two closes at once the second waits for the first, and the peer is told the end', async (t) => {
  await onTls(function* () {
    const [c, d] = yield* pair()
    function* close(): Operation<boolean> {
      yield* c.close()
      return c.transport.closed
    }
    t.deepEqual(yield* all([close(), close(), close()]), [true, true, true])
    t.is(yield* d.read(), null)
    yield* d.close()
  })
})

test('a mistake in an engine leaves the close, which closes the stream underneath all the same', async (t) => {
  const mistake = new TypeError('a mistake')
  const [error, closed] = await onTls(function* () {
    const [c, d] = yield* pair()
    const { session } = (c as unknown as { readonly wire: TlsWire }).wire
    session.shutdown = () => {
      throw mistake
    }
    const error = yield* thrownBy(c.close())
    yield* d.close()
    return [error, c.transport.closed]
  })
  t.is(error, mistake)
  t.is(closed, true)
})

test('two readers, or two writers, are one too many', async (t) => {
  covers(t, 'trio ssl: resource_busy_errors')
  const errors = await onTls(function* () {
    const [c, d] = yield* pair(CLIENT, SERVER, memoryStreams({ capacity: 100 }))
    const reader = yield* spawn(moveOn(10, c.read()))
    const writer = yield* spawn(moveOn(10, c.write(new Uint8Array(1e5))))
    yield* sleep(1)
    const found = [yield* thrownBy(c.read()), yield* thrownBy(c.write(bytes('x'))), yield* thrownBy(c.end())]
    yield* all([reader.join(), writer.join()])
    yield* all([c.close(), d.close()])
    return found.map((error) => (error as TlsError).code)
  })
  t.deepEqual(errors, ['DRUPE_BUSY', 'DRUPE_BUSY', 'DRUPE_BUSY'])
})

test('TLS within TLS', async (t) => {
  covers(t, 'trio ssl: ssl_over_ssl', 'uvloop ssl: create_server_ssl_over_ssl')
  const got = await onTls(function* () {
    const [c, d] = yield* pair(CLIENT, SERVER, yield* pair())
    yield* c.write(bytes('deep'))
    const read = text(yield* d.read())
    yield* all([c.close(), d.close()])
    return read
  })
  t.is(got, 'deep')
})

/** What each record of TLS in these bytes is. */
function recordsIn(bytes: Uint8Array): number[] {
  const kinds: number[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at < bytes.length; at += 5 + view.getUint16(at + 3)) kinds.push(view.getUint8(at))
  return kinds
}

/** A record that is encrypted: the end of a handshake, or bytes. */
const ENCRYPTED = 0x17

test('bytes that come in one piece with the end of the handshake are read', async (t) => {
  covers(t, 'uvloop ssl: first_data_after_wakeup')
  const [kinds, got] = await onTls(function* () {
    const [[a, near], [far, d]] = [memoryStreams(), memoryStreams()]
    const sent = new Event()
    const back = yield* spawn(pipe(far, near))
    const forth = yield* spawn(function* () {
      yield* far.write((yield* near.read()) as Uint8Array)
      yield* sent.wait()
      const last = (yield* near.read()) as Uint8Array
      yield* far.write(last)
      return recordsIn(last).filter((kind) => kind === ENCRYPTED)
    })
    const server = yield* spawn(function* () {
      const stream = yield* startTls(d, { side: 'server', ...SERVER })
      return [text(yield* stream.readExactly(5)), stream] as const
    })
    const client = yield* startTls(a, CLIENT)
    yield* client.write(bytes('hello'))
    yield* sent.set()
    const kinds = yield* forth.join()
    const [got, stream] = yield* server.join()
    yield* back.cancel()
    for (const one of [client, stream, near, far]) yield* one.close()
    return [kinds, got]
  })
  t.deepEqual([kinds, got], [[ENCRYPTED, ENCRYPTED], 'hello'])
})

test('what was read ahead of STARTTLS is not lost', async (t) => {
  covers(t, 'uvloop ssl: start_tls_server_1, ssl_connect_accepted_socket, start_tls_client_reg_proto_1')
  const got = await onTls(function* () {
    const [a, b] = memoryStreams()
    function* server(): Operation<string | null> {
      const line = yield* b.readLine()
      yield* b.write(bytes('go ahead\n'))
      const tls = yield* startTls(b, { side: 'server', ...SERVER })
      const rest = text(yield* tls.readExactly(5))
      yield* tls.close()
      return `${line} ${rest}`
    }
    function* client(): Operation<void> {
      yield* a.write(bytes('STARTTLS\n'))
      yield* a.readLine()
      const tls = yield* startTls(a, CLIENT)
      yield* tls.write(bytes('hello'))
      yield* tls.end()
      yield* tls.read()
      yield* tls.close()
    }
    const [told] = yield* all([server(), client()])
    return told
  })
  t.is(got, 'STARTTLS hello')
})
