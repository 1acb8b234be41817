/**
 * The host's streams as ours, and ours as web streams: errors, ends in the middle, and what carries no bytes.
 */
import { spawn as start } from 'node:child_process'
import { createServer, connect as dialNode, type Socket } from 'node:net'
import { PassThrough, type Readable } from 'node:stream'
import { createServer as createTlsServer, connect as dialTls, type TLSSocket } from 'node:tls'
import test from 'ava'
import {
  fromDuplex,
  fromWebStreams,
  moveOn,
  nursery,
  type Operation,
  once,
  sleep,
  spawn,
  toDuplex,
  toWebStreams,
  until,
} from 'drupe'
import { memoryStreams, waitAllBlocked } from 'drupe/testing'
import { thrownBy } from '../../kit.js'
import { shaken } from '../os/message-kit.js'
import { duplexes, HOSTS, hosted, tcp, webStreams } from './bridge-kit.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (content: Uint8Array | null): string | null => content && new TextDecoder().decode(content)
const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code
const messageOf = (error: unknown): string => (error as Error).message

const closed = (duplex: { closed: boolean; on(name: 'close', listener: () => void): unknown }): Operation<void> =>
  until(new Promise<void>((resolve) => (duplex.closed ? resolve() : void duplex.on('close', resolve))))

test('a stream over a Duplex that is closed in the middle of a write destroys it with an error', (t) =>
  hosted(function* () {
    const [near, far] = duplexes()
    const stream = fromDuplex(near)
    far.resume().pause()
    yield* moveOn(2, stream.write(new Uint8Array(1 << 20)))
    yield* stream.close()
    t.is(codeOf(near.errored), 'DRUPE_CLOSED')
    t.true(far.destroyed || far.readableEnded === false)
  }))

test('a close waits for what writeSome has given away, and a cancelled one loses it', (t) =>
  hosted(function* () {
    const [near, far] = duplexes()
    const stream = fromDuplex(near)
    t.is(yield* stream.writeSome(new Uint8Array(100_000)), 65_536)
    const closing = yield* spawn(() => stream.close())
    yield* waitAllBlocked()
    t.is(closing.state, 'waiting')
    far.resume()
    yield* closing.join()
    t.true(near.destroyed)
    const [again, silent] = duplexes()
    const other = fromDuplex(again)
    t.is(yield* other.writeSome(new Uint8Array(100_000)), 65_536)
    t.is(yield* moveOn(2, () => other.close(), 'late'), 'late')
    t.true(again.destroyed)
    t.false(silent.readableEnded)
  }))

test('with a limit of 0 whatever needs no waiting is done, and nothing else', (t) =>
  hosted(function* () {
    const at = { timeout: 0 }
    const [near, far] = duplexes()
    const [stream, peer] = [fromDuplex(near), fromDuplex(far)]
    t.is(codeOf(yield* thrownBy(() => peer.read(9, at))), 'DRUPE_TIMEOUT')
    t.is(yield* stream.writeSome('some', at), 4)
    yield* stream.write('all')
    t.is(text(yield* peer.read(4, at)), 'some')
    t.is(yield* peer.readInto(new Uint8Array(9), at), 3)
    // What is read of a rest, too.
    yield* stream.write('rest')
    t.is(text(yield* peer.read(1)), 'r')
    t.is(text(yield* peer.read(9, at)), 'est')
    yield* stream.writeSome(new Uint8Array(100_000), at)
    t.is(codeOf(yield* thrownBy(() => stream.writeSome('full', at))), 'DRUPE_TIMEOUT')
    t.is(codeOf(yield* thrownBy(() => stream.write('full', at))), 'DRUPE_TIMEOUT')
    yield* peer.close()
    yield* stream.close()
  }))

test('messages over a Duplex that are closed show their peer an end', (t) =>
  hosted(function* () {
    const [near, far] = duplexes()
    const [a, b] = yield* shaken<string>([fromDuplex(near), fromDuplex(far)])
    yield* a.send('the last one')
    yield* a.close()
    t.is(yield* b.receive(), 'the last one')
    t.is(yield* b.receive(), null)
    yield* b.close()
  }))

test('an error of a Duplex is thrown by the call that waits, by those that come after it, and ends no process', (t) =>
  hosted(function* () {
    const [near] = duplexes()
    const stream = fromDuplex(near)
    const reading = yield* spawn(() => thrownBy(() => stream.read()))
    yield* waitAllBlocked()
    const error = new Error('the cable is cut')
    near.destroy(error)
    t.is(yield* reading.join(), error)
    t.is(yield* thrownBy(() => stream.read()), error)
    t.is(yield* thrownBy(() => stream.write(bytes('x'))), error)
    yield* stream.end()
    yield* stream.close()
    const [quiet] = duplexes()
    const silent = fromDuplex(quiet)
    quiet.destroy()
    t.is(codeOf(yield* thrownBy(() => silent.read())), 'DRUPE_BROKEN')
    t.is(codeOf(yield* thrownBy(() => silent.write(bytes('x')))), 'DRUPE_BROKEN')
    yield* silent.close()
  }))

test('a socket of Node’s that is reset is ECONNRESET', (t) =>
  hosted(function* () {
    const server = createServer().listen(0, '127.0.0.1')
    yield* once(server, 'listening')
    const stream = fromDuplex(dialNode((server.address() as { port: number }).port, '127.0.0.1'))
    const [socket] = yield* once<[Socket]>(server, 'connection')
    socket.resetAndDestroy()
    t.is(codeOf(yield* thrownBy(() => stream.read())), 'ECONNRESET')
    yield* stream.close()
    server.close()
  }))

test('the two pipes of a child process are a stream', (t) =>
  hosted(function* () {
    const child = start(process.execPath, ['-e', 'process.stdin.pipe(process.stdout)'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const stream = fromDuplex({ readable: child.stdout, writable: child.stdin })
    const big = new Uint8Array(300_000).fill(7)
    yield* spawn(function* () {
      yield* stream.write([bytes('line\n'), big])
      yield* stream.end()
    })
    t.is(yield* stream.readLine(), 'line')
    t.deepEqual(yield* stream.readAll(), big)
    yield* stream.close()
    const [code] = yield* once<[number]>(child, 'exit')
    t.is(code, 0)
  }))

test('what carries no bytes is refused', (t) => {
  for (const wrong of [
    null,
    5,
    {},
    [],
    new Map(),
    { readable: new PassThrough() },
    { readable: true, writable: true },
  ]) {
    t.throws(() => fromDuplex(wrong as never), { instanceOf: TypeError, message: /^Cannot make a stream: / })
    t.throws(() => fromWebStreams(wrong as never), { instanceOf: TypeError, message: /^Cannot make a stream: / })
  }
  t.throws(() => fromDuplex(new PassThrough({ objectMode: true })), { instanceOf: TypeError })
  t.throws(() => fromDuplex(new PassThrough().setEncoding('utf8')), { instanceOf: TypeError })
  const [pair] = webStreams()
  fromWebStreams(pair)
  t.throws(() => fromWebStreams(pair), {
    instanceOf: TypeError,
    message: /^Cannot make a stream: readable must be .*locked one/,
  })
})

test('a Duplex that may not be half open takes no more when its peer has ended, and says so', (t) =>
  hosted(function* () {
    const [a, b] = memoryStreams()
    const stream = fromDuplex(yield* toDuplex(a))
    yield* b.end()
    t.is(yield* stream.read(), null)
    t.is(codeOf(yield* thrownBy(() => stream.write(bytes('x')))), 'DRUPE_BROKEN')
    yield* stream.close()
  }))

test('web streams that their task has left fail with an error that says so', (t) =>
  hosted(function* () {
    const [a, b] = memoryStreams()
    const { reading, writing } = yield* nursery(function* () {
      const { readable, writable } = yield* toWebStreams(a)
      const reading = readable.getReader().read()
      const writing = writable.getWriter().write(new Uint8Array(1 << 20))
      yield* waitAllBlocked()
      reading.catch(() => {})
      writing.catch(() => {})
      return { reading, writing }
    })
    t.is(codeOf(yield* thrownBy(() => until(reading))), 'DRUPE_CLOSED')
    t.is(codeOf(yield* thrownBy(() => until(writing))), 'DRUPE_CLOSED')
    t.is((yield* b.readAll()).length, 65_536)
  }))

test('an abort closes the stream at once, a cancel of the reading side when the writing side has ended', (t) =>
  hosted(function* () {
    const [a, b] = memoryStreams()
    const first = yield* toWebStreams(a)
    const writer = first.writable.getWriter()
    const writing = writer.write(new Uint8Array(1 << 20)).catch((error: unknown) => error)
    yield* waitAllBlocked()
    yield* until(writer.abort('no more'))
    t.is(yield* until(writing), 'no more')
    t.is((yield* b.readAll()).length, 65_536)
    t.is(yield* thrownBy(() => until(first.readable.getReader().read())), 'no more')
    const [c, d] = memoryStreams()
    const second = yield* toWebStreams(c)
    yield* until(second.readable.cancel('thanks'))
    const last = second.writable.getWriter()
    yield* until(last.write(bytes('still here')))
    t.false(c.closed)
    yield* until(last.close())
    t.is(text(yield* d.readAll()), 'still here')
    while (!c.closed) yield* sleep(1)
    t.true(c.closed)
  }))

test('a reader of web streams brings its own buffer, and gets it back at the end', (t) =>
  hosted(function* () {
    const [a, b] = memoryStreams()
    const { readable } = yield* toWebStreams(a)
    const reader = readable.getReader({ mode: 'byob' })
    yield* b.write(bytes('hello'))
    const first = yield* until(reader.read(new Uint8Array(3)))
    const rest = yield* until(reader.read(new Uint8Array(9)))
    t.deepEqual([text(first.value as Uint8Array), text(rest.value as Uint8Array)], ['hel', 'lo'])
    const waiting = reader.read(new Uint8Array(9))
    yield* b.close()
    const end = yield* until(waiting)
    t.deepEqual([end.done, end.value?.length], [true, 0])
  }))

test('web streams read and take bytes only, and one that carries something else says so', (t) =>
  hosted(function* () {
    const [a] = memoryStreams()
    const { writable } = yield* toWebStreams(a)
    const error = yield* thrownBy(() => until(writable.getWriter().write('text' as never)))
    t.is(messageOf(error), 'Cannot write to the web stream: a chunk must be a Uint8Array, not "text"')
    const odd = new TransformStream<unknown, unknown>()
    const stream = fromWebStreams(odd as never)
    const reading = yield* spawn(() => thrownBy(() => stream.read()))
    yield* waitAllBlocked()
    yield* stream.close()
    t.is(codeOf(yield* reading.join()), 'DRUPE_CLOSED')
    const numbers = new ReadableStream<unknown>({ start: (controller) => controller.enqueue(5) })
    const wrong = fromWebStreams({ readable: numbers as ReadableStream<Uint8Array>, writable: new WritableStream() })
    t.regex(messageOf(yield* thrownBy(() => wrong.read())), /a chunk must be a Uint8Array, not 5/)
    yield* wrong.close()
  }))

test('a read that was given up leaves what comes to the next one', (t) =>
  hosted(function* () {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const stream = fromWebStreams({ readable, writable: new WritableStream() })
    t.is(yield* moveOn(1, () => stream.read(), 'late'), 'late')
    const writer = writable.getWriter()
    yield* until(writer.write(bytes('kept')))
    t.is(text(yield* stream.read()), 'kept')
    yield* stream.close()
  }))

test('a Duplex is read with for await, and piped', (t) =>
  hosted(function* () {
    const [a, b] = memoryStreams()
    const duplex = yield* toDuplex(a, { allowHalfOpen: true })
    ;(duplex as Readable).pipe(new PassThrough()).pipe(duplex)
    yield* spawn(function* () {
      yield* b.write(new Uint8Array(200_000).fill(9))
      yield* b.end()
    })
    t.deepEqual(yield* b.readAll(), new Uint8Array(200_000).fill(9))
    yield* closed(duplex)
  }))

test('a client that is left alone in a simulated network is told that its peer has gone', (t) =>
  (HOSTS[1] as (typeof HOSTS)[number]).run(function* () {
    const [client, server] = yield* tcp()
    const duplex = yield* toDuplex(client)
    duplex.resume()
    yield* server.close()
    yield* closed(duplex)
    t.true(client.closed)
  }))

for (const host of HOSTS) {
  test(`${host.name}: TLS of Node's goes over our streams on both sides, and is a stream again`, (t) =>
    host.run(function* () {
      const key = Buffer.alloc(32, 7)
      // A key that both know, so that no certificate is needed.
      const options = { ciphers: 'PSK', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const
      const server = createTlsServer({ ...options, pskCallback: () => key })
      const [client, accepted] = yield* tcp()
      const secure = new Promise<TLSSocket>((resolve) => server.on('secureConnection', resolve))
      server.emit('connection', yield* toDuplex(accepted))
      const socket = dialTls({
        ...options,
        socket: yield* toDuplex(client),
        pskCallback: () => ({ psk: key, identity: 'drupe' }),
        checkServerIdentity: () => undefined,
      })
      const near = fromDuplex(socket)
      const far = fromDuplex(yield* until(secure))
      yield* spawn(() => near.write([bytes('hello\n'), new Uint8Array(200_000)]))
      t.is(yield* far.readLine(), 'hello')
      t.is((yield* far.readExactly(200_000)).length, 200_000)
      yield* far.write(bytes('goodbye'))
      yield* far.close()
      t.is(text(yield* near.readAll()), 'goodbye')
      yield* near.close()
    }))
}
