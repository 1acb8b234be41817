/**
 * Message streams beside peers that are not what they should be: other keys, mirrors, replays, garbage, lies about lengths,
 * peers that stall and peers that leave.
 */
import { createHmac } from 'node:crypto'
import test from 'ava'
import {
  AuthenticationError,
  allSettled,
  BrokenError,
  type ByteStream,
  type Operation,
  sleep,
  spawn,
  startMessages,
  TimeoutError,
  TooLargeError,
} from 'drupe'
import { memoryStreams, virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrown, thrownBy } from '../../kit.js'
import { AROUND_BYTES, closed, HELLO_BYTES, KEY, PROOF_BYTES, touched } from './message-kit.js'

const OTHER = 'a key of another one'
const MAGIC = Buffer.from('drupe-m1')
const hello = (side: 'c' | 's'): Buffer => Buffer.concat([MAGIC, Buffer.from(side), Buffer.alloc(32, 9)])

/** What both sides fail with. */
function* failures(client: string | null, server: string | null): Operation<readonly Error[]> {
  const [near, far] = memoryStreams()
  const results = yield* allSettled([
    startMessages(near, { key: client }),
    startMessages(far, { key: server, side: 'server' }),
  ])
  return results.map((one) => (one as PromiseRejectedResult).reason)
}

/** What shaking hands with this peer fails with; the stream must be closed. */
function* failureBeside(
  side: 'client' | 'server',
  peer: (stream: ByteStream) => Operation<unknown>,
  t: { false(value: boolean): void; true(value: boolean): void },
): Operation<Error> {
  const [near, far] = memoryStreams()
  const task = yield* spawn(() => peer(far), { daemon: true })
  const error = yield* thrownBy(startMessages(near, { key: KEY, side, handshakeTimeout: 1000 }))
  t.true(near.closed)
  yield* task.cancel()
  return error as Error
}

test('a wrong key is told on both sides, whichever of the two has it', (t) => {
  covers(t, 'curio channel: connection_auth_fail')
  for (const [client, server] of [
    [KEY, OTHER],
    [KEY, `${KEY}.`],
    [KEY, null],
    [null, KEY],
  ] as const) {
    const errors = virtual({}, () => failures(client, server))
    t.true(errors.every((one) => one instanceof AuthenticationError && one.code === 'DRUPE_AUTHENTICATION'))
    t.deepEqual(
      errors.map(({ message }) => message),
      [
        'Cannot shake hands for messages: the server has another key, and has refused this one',
        'Cannot shake hands for messages: the client has another key',
      ],
    )
  }
})

test('a server that takes every client does not prove anything to it', (t) => {
  const answers: readonly Buffer[] = [
    Buffer.concat([Buffer.from('y'), Buffer.alloc(32)]),
    Buffer.concat([Buffer.from('y'), Buffer.from(createHmac('sha256', OTHER).digest())]),
    Buffer.concat([Buffer.from('?'), Buffer.alloc(32)]),
  ]
  for (const answer of answers) {
    const error = virtual({}, () =>
      failureBeside(
        'client',
        function* (far) {
          yield* far.write(hello('s'))
          yield* far.readExactly(HELLO_BYTES + PROOF_BYTES)
          yield* far.write(answer)
        },
        t,
      ),
    )
    t.true(error instanceof AuthenticationError)
    t.is(error.message, 'Cannot shake hands for messages: the server has not proved that it has the key')
  }
})

test('a mirror, plain or clever, has no key', (t) => {
  function* mirror(far: ByteStream): Operation<void> {
    for (let bytes = yield* far.read(); bytes !== null; bytes = yield* far.read()) yield* far.write(bytes)
  }
  const plain = virtual({}, () => failureBeside('client', mirror, t))
  t.is(plain.message, 'Cannot shake hands for messages: both ends say that they are the client')
  const server = virtual({}, () => failureBeside('server', mirror, t))
  t.is(server.message, 'Cannot shake hands for messages: both ends say that they are the server')
  // It says that it is the other side, with the same number, and gives the proof back.
  const clever = virtual({}, () =>
    failureBeside(
      'client',
      function* (far) {
        const own = Buffer.from(yield* far.readExactly(HELLO_BYTES))
        own[MAGIC.length] = 's'.charCodeAt(0)
        yield* far.write(own)
        yield* far.write([new Uint8Array([0x79]), yield* far.readExactly(PROOF_BYTES)])
      },
      t,
    ),
  )
  t.true(clever instanceof AuthenticationError)
})

test('what was overheard is no proof in another handshake', (t) => {
  virtual({}, function* () {
    const { client, server, fromClient } = yield* touched()
    yield* closed(client, server)
    yield* fromClient.close()
    const heard: Uint8Array[] = []
    const [near, tapped] = memoryStreams()
    const [tapping, far] = memoryStreams()
    const serving = yield* spawn(startMessages(far, { key: KEY, side: 'server' }))
    const knocking = yield* spawn(startMessages(near, { key: KEY }))
    const first = yield* tapped.readExactly(HELLO_BYTES)
    yield* tapping.write(first)
    yield* tapped.write(yield* tapping.readExactly(HELLO_BYTES))
    const proof = yield* tapped.readExactly(PROOF_BYTES)
    heard.push(first, proof)
    yield* tapping.write(proof)
    yield* tapped.write(yield* tapping.readExactly(1 + PROOF_BYTES))
    yield* closed(yield* serving.join(), yield* knocking.join())
    const error = yield* failureBeside(
      'server',
      function* (replay) {
        for (const bytes of heard) yield* replay.write(bytes)
      },
      t,
    )
    t.is(error.message, 'Cannot shake hands for messages: the client has another key')
  })
})

const GARBAGE: readonly (readonly [what: string, sent: string | Buffer, message: RegExp])[] = [
  ['a browser', 'GET / HTTP/1.1\r\n\r\n', /the peer does not speak this protocol; it began with "GET \/ HT"$/],
  ['another version', 'drupe-m2', /it began with "drupe-m2"$/],
  ['bytes', Buffer.alloc(1_000_000, 0xff), /it began with "ÿ{8}"$/],
  ['nothing, and an end', '', /the peer has ended the connection meanwhile$/],
  ['half a hello, and an end', hello('c').subarray(0, 20), /the peer has ended the connection meanwhile$/],
  ['a hello, and an end', hello('c'), /the peer has ended the connection meanwhile$/],
]
for (const [what, sent, message] of GARBAGE) {
  test(`a peer that sends ${what} is told so, and nothing waits`, (t) => {
    const error = virtual({}, () =>
      failureBeside(
        'server',
        function* (far) {
          yield* far.write(sent)
          yield* far.end()
        },
        t,
      ),
    )
    t.true(error instanceof BrokenError)
    t.regex(error.message, message)
  })
}

test('a peer that stalls anywhere in the handshake has so much time and no more', (t) => {
  for (const bytes of [0, 1, 8, 9, 40, 41, 72]) {
    const error = virtual({}, () =>
      failureBeside(
        'server',
        function* (far) {
          yield* far.write(Buffer.concat([hello('c'), Buffer.alloc(31)]).subarray(0, bytes))
          yield* sleep(Number.POSITIVE_INFINITY)
        },
        t,
      ),
    )
    t.true(error instanceof TimeoutError)
    t.is(error.message, 'Cannot shake hands for messages: not done within 1000 ms')
  }
})

test('a cancel in the handshake closes the stream', (t) => {
  virtual({}, function* () {
    const [near] = memoryStreams()
    const task = yield* spawn(startMessages(near, { key: KEY }))
    yield* sleep(1)
    yield* task.cancel()
    t.true(near.closed)
  })
})

test('every bit of a message counts', (t) => {
  virtual({}, function* () {
    const length = 2
    for (let at = 0; at < AROUND_BYTES + length; at++) {
      // A length that is larger is waited for.
      if (at >= 4 && at < 8) continue
      const { client, server, fromClient, toServer } = yield* touched()
      yield* client.sendBytes(new Uint8Array(length))
      const frame = yield* fromClient.readExactly(AROUND_BYTES + length)
      ;(frame[at] as number) ^= 1 << (at % 8)
      yield* toServer.write(frame)
      for (let i = 0; i < 2; i++) {
        const error = (yield* thrownBy(server.receive())) as Error
        t.true(error instanceof AuthenticationError, `byte ${at}`)
        t.is(error.message, 'Cannot receive a message: what came as number 1 is not what the peer has sent')
      }
      t.is(server.statistics().received, 0)
      yield* closed(client, server)
    }
  })
})

test('a message that is repeated, left out, or sent back to its author is told', (t) => {
  virtual({}, function* () {
    for (const order of [[0, 0], [1], [0, 2], [1, 0]]) {
      const { client, server, fromClient, toServer } = yield* touched()
      const frames: Uint8Array[] = []
      for (const n of [10, 11, 12]) {
        yield* client.sendBytes(new Uint8Array([n]))
        frames.push(yield* fromClient.readExactly(AROUND_BYTES + 1))
      }
      for (const n of order) yield* toServer.write(frames[n] as Uint8Array)
      let last: unknown
      for (let i = 0; i < order.length && !(last instanceof Error); i++) {
        last = yield* (function* (): Operation<unknown> {
          try {
            return yield* server.receive()
          } catch (error) {
            return error
          }
        })()
      }
      t.true(last instanceof AuthenticationError, `${order}`)
      // The client hears its own words.
      yield* fromClient.write(frames[0] as Uint8Array)
      t.true((yield* thrownBy(client.receive())) instanceof AuthenticationError)
      yield* closed(client, server)
    }
  })
})

test('messages of one connection are none of another one with the same key', (t) => {
  virtual({}, function* () {
    const one = yield* touched()
    const other = yield* touched()
    yield* one.client.send('mine')
    yield* other.toServer.write((yield* one.fromClient.read()) as Uint8Array)
    t.true((yield* thrownBy(other.server.receive())) instanceof AuthenticationError)
    yield* closed(one.client, one.server, other.client, other.server)
  })
})

test('a connection that is cut between two messages, or in one, is no end', (t) => {
  virtual({}, function* () {
    for (const bytes of [0, 1, 8, 9, AROUND_BYTES]) {
      const { client, server, fromClient, toServer } = yield* touched()
      yield* client.sendBytes('1')
      yield* toServer.write(yield* fromClient.readExactly(bytes))
      yield* toServer.end()
      t.true((yield* thrownBy(server.receive())) instanceof BrokenError)
      yield* closed(client, server)
    }
  })
})

test('a length beyond the limit is refused before there is memory for it, and one within it as the bytes come', (t) => {
  virtual({}, function* () {
    const head = (length: number): Uint8Array => {
      const bytes = Buffer.alloc(8)
      bytes.writeUInt32BE(2, 0)
      bytes.writeUInt32BE(length, 4)
      return bytes
    }
    const { client, server, toServer } = yield* touched({ maxBytes: 0x7fffffff })
    yield* toServer.write(head(0xffffffff))
    for (let i = 0; i < 2; i++) t.true((yield* thrownBy(server.receive())) instanceof TooLargeError)
    yield* closed(client, server)
    const lied = yield* touched({ maxBytes: 0x7fffffff })
    const before = process.memoryUsage().arrayBuffers
    yield* lied.toServer.write(head(0x7fffffff))
    const receiving = yield* spawn(() => thrownBy(lied.server.receive()))
    yield* sleep(1)
    t.true(process.memoryUsage().arrayBuffers - before < 100_000_000)
    yield* lied.toServer.end()
    t.true((yield* receiving.join()) instanceof BrokenError)
    yield* closed(lied.client, lied.server)
  })
})

test('a key that can be tried out is refused', (t) => {
  const [near] = memoryStreams()
  for (const key of ['', 'short', new Uint8Array(15)])
    t.regex((thrown(() => startMessages(near, { key })) as Error).message, /key must have 16 bytes or more, not \d+$/)
  for (const key of [undefined, 5, {}])
    t.true(thrown(() => startMessages(near, { key: key as never })) instanceof TypeError)
})
