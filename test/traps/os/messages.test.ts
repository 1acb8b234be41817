/**
 * Message streams between two of ours, on virtual time: what comes through, and what a cancel, a limit and a close leave behind.
 * How they hold out against peers that are not ours is in message-attacks.test.ts.
 */
import { inspect } from 'node:util'
import test from 'ava'
import {
  all,
  BrokenError,
  BusyError,
  ClosedError,
  checkpoint,
  each,
  moveOn,
  sleep,
  spawn,
  startMessages,
  TimeoutError,
  TooLargeError,
  use,
} from 'drupe'
import { memoryStreams, virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrown, thrownBy } from '../../kit.js'
import { CLIENT, SERVER, pair as tlsPair } from '../net/tls-kit.js'
import { AROUND_BYTES, closed, KEY, pair, shaken, touched } from './message-kit.js'

for (const chunk of [1, 7, 64_000]) {
  test(`values and bytes come through whole, ${chunk} bytes at a time`, (t) => {
    covers(t, 'curio channel: connection_hello, connection_hello_bytes')
    const messages = [
      'hello',
      undefined,
      false,
      0,
      '',
      { map: new Map([[1, new Set(['ä€😀'])]]), date: new Date(5), big: -5n, list: [1, undefined, 3], nothing: null },
      new Float64Array([1.5, -0]),
      new RangeError('an error'),
    ]
    virtual({}, function* () {
      const [a, b] = yield* pair({}, { chunk })
      yield* spawn(function* () {
        for (const one of messages) yield* a.send(one)
        yield* a.sendBytes('text')
        yield* a.sendBytes([new Uint8Array([1, 2]), '', new Uint8Array([3])])
        yield* a.sendBytes([])
        yield* a.end()
      })
      for (const one of messages) t.deepEqual(yield* b.receive(), one)
      t.deepEqual(new Uint8Array((yield* b.receive()) as Uint8Array), new TextEncoder().encode('text'))
      t.deepEqual(new Uint8Array((yield* b.receiveBytes()) ?? []), new Uint8Array([1, 2, 3]))
      t.is((yield* b.receiveBytes())?.length, 0)
      t.is(yield* b.receive(), null)
      t.is(yield* b.receiveBytes(), null)
      // The other way is open.
      yield* b.send('still here')
      t.is(yield* a.receive(), 'still here')
      t.deepEqual(a.statistics(), { sent: messages.length + 3, received: 1, unsentBytes: 0 })
      t.deepEqual(b.statistics(), { sent: 1, received: messages.length + 3, unsentBytes: 0 })
      yield* closed(a, b)
    })
  })
}

test('a part of some bytes is sent as a part of them', (t) => {
  covers(t, 'curio channel: connection_send_partial_bytes')
  const data = new TextEncoder().encode('abcdefghijklmnopqrstuvwxyz')
  virtual({}, function* () {
    const [a, b] = yield* pair()
    for (const part of [data.subarray(5, 15), data.subarray(5), data.subarray(0, 10)]) {
      yield* a.sendBytes(part)
      t.deepEqual(new Uint8Array((yield* b.receiveBytes()) ?? []), part.slice())
      yield* b.send(part.length)
      t.is(yield* a.receive(), part.length)
    }
    yield* closed(a, b)
  })
})

test('a message that is larger than what is between the two waits for the receiver, and comes whole', (t) => {
  covers(t, 'curio channel: connection_large')
  virtual({}, function* () {
    const [a, b] = yield* pair<readonly number[]>()
    const data = Array.from({ length: 100_000 }, (_, i) => i)
    const sending = yield* spawn(a.send(data))
    yield* sleep(1)
    t.is(sending.state, 'waiting')
    t.true(a.statistics().unsentBytes > 0)
    const got = yield* b.receive()
    t.deepEqual(got, data)
    yield* sending.join()
    yield* b.send(got?.length)
    t.is((yield* a.receive()) as unknown, data.length)
    yield* closed(a, b)
  })
})

test('the key may be bytes, and no key is a key that both must not have', (t) => {
  covers(t, 'curio channel: connection_auth')
  virtual({}, function* () {
    const bytes = new TextEncoder().encode(KEY)
    for (const [one, other] of [
      [KEY, bytes],
      [null, null],
    ] as const) {
      const [near, far] = memoryStreams()
      const [a, b] = yield* all([startMessages(near, { key: one }), startMessages(far, { key: other, side: 'server' })])
      yield* a.send(1)
      t.is(yield* b.receive(), 1)
      yield* closed(a, b)
    }
  })
})

test('the key is neither in what is printed nor in errors', (t) => {
  const [near, far] = memoryStreams()
  const short = thrown(() => startMessages(near, { key: 'hunter2' })) as Error
  t.is(short.message, 'Cannot start messages: key must have 16 bytes or more, not 7')
  virtual({}, function* () {
    const [a, b] = yield* shaken([near, far])
    t.is(inspect(a), 'MessageStream (0 sent, 0 received)')
    const hex = Buffer.from(KEY).toString('hex').slice(0, 20)
    const shown = inspect(a, { depth: 9, customInspect: false })
    t.false(shown.includes(KEY) || shown.replaceAll(' ', '').includes(hex))
    yield* closed(a, b)
    t.is(inspect(a), 'MessageStream (closed)')
  })
})

test('a receive that is cancelled at any byte of a message loses none of it', (t) => {
  covers(t, 'curio channel: connection_recv_cancel, connection_recv_timeout')
  virtual({}, function* () {
    const { client, server, fromClient, toServer } = yield* touched()
    yield* client.send(['one', 'two'])
    yield* client.sendBytes('three')
    yield* client.end()
    const wire = yield* fromClient.readAll()
    const got: unknown[] = []
    for (const byte of wire) {
      const one = yield* moveOn(1, server.receive(), 'nothing yet')
      if (one !== 'nothing yet') got.push(one)
      yield* toServer.write(new Uint8Array([byte]))
    }
    got.push(yield* server.receive())
    t.deepEqual(got, [['one', 'two'], new Uint8Array(Buffer.from('three')), null])
    const late = yield* thrownBy((yield* touched()).server.receive({ timeout: 5 }))
    t.is((late as Error).message, 'Cannot receive a message: not done within 5 ms')
    yield* closed(client, server)
  })
})

test('a send that is cancelled before anything has left is not made', (t) => {
  covers(t, 'curio channel: connection_send_cancel, connection_send_timeout')
  virtual({}, function* () {
    const [a, b] = yield* pair({}, { capacity: 100 })
    yield* a.sendBytes(new Uint8Array(100 - AROUND_BYTES))
    const late = yield* thrownBy(a.send('never', { timeout: 5 }))
    t.true(late instanceof TimeoutError)
    t.is(yield* moveOn(1, a.send('never'), 'cancelled'), 'cancelled')
    t.deepEqual(a.statistics(), { sent: 1, received: 0, unsentBytes: 0 })
    yield* spawn(a.send('after it'))
    yield* b.receive()
    t.is(yield* b.receive(), 'after it')
    yield* closed(a, b)
  })
})

test('a send that is cancelled in the middle is not torn: its rest goes before the next message', (t) => {
  virtual({}, function* () {
    const [a, b] = yield* pair({}, { capacity: 100 })
    const bytes = new Uint8Array(1000).fill(7)
    const sending = yield* spawn(a.sendBytes(bytes))
    yield* sleep(1)
    // They are the caller's again as soon as they are being sent.
    bytes.fill(0)
    yield* sending.cancel()
    t.deepEqual(a.statistics(), { sent: 1, received: 0, unsentBytes: 1000 + AROUND_BYTES - 100 })
    // This one has not begun to leave, since the other is in its way.
    t.is(yield* moveOn(1, a.send('never'), 'cancelled'), 'cancelled')
    t.is(a.statistics().sent, 1)
    yield* spawn(function* () {
      yield* a.send('next')
      yield* a.end()
    })
    t.deepEqual(new Uint8Array((yield* b.receiveBytes()) ?? []), new Uint8Array(1000).fill(7))
    t.is(yield* b.receive(), 'next')
    t.is(yield* b.receive(), null)
    yield* closed(a, b)
  })
})

test('an end that is cancelled in the middle goes on with the next', (t) => {
  virtual({}, function* () {
    const [a, b] = yield* pair({}, { capacity: 100 })
    yield* a.sendBytes(new Uint8Array(90 - AROUND_BYTES))
    t.is(yield* moveOn(1, a.end(), 'cancelled'), 'cancelled')
    t.is(((yield* thrownBy(() => a.send(1))) as Error).message, 'Cannot send a message: it was ended')
    const ending = yield* spawn(a.end())
    yield* b.receive()
    t.is(yield* b.receive(), null)
    yield* ending.join()
    t.is(a.statistics().sent, 1)
    yield* closed(a, b)
  })
})

test('over TLS a cancelled send goes on, since it may have been encrypted', (t) => {
  virtual({}, function* () {
    const [near, far] = yield* tlsPair(CLIENT, SERVER, memoryStreams({ capacity: 300 }))
    const [a, b] = yield* shaken([near, far])
    const sent: number[] = []
    let next = 0
    const sending = yield* spawn(function* () {
      for (; next < 50; next++) {
        const { sent: before } = a.statistics()
        yield* moveOn(1, a.send(next))
        if (a.statistics().sent > before) sent.push(next)
      }
      yield* a.end()
    })
    const got: unknown[] = []
    for (;;) {
      yield* sleep(3)
      const one = yield* b.receive()
      if (one === null) break
      got.push(one)
    }
    yield* sending.join()
    t.deepEqual(got, sent)
    t.true(got.length > 0)
    yield* closed(a, b)
  })
})

test('one task receives and one sends; a second of either is told', (t) => {
  virtual({}, function* () {
    const [a, b] = yield* pair({}, { capacity: 100 })
    const receiving = yield* spawn(a.receive())
    const sending = yield* spawn(a.sendBytes(new Uint8Array(1000)))
    yield* checkpoint()
    yield* sleep(1)
    for (const op of [a.receive(), a.receiveBytes()]) t.true((yield* thrownBy(op)) instanceof BusyError)
    for (const op of [a.send(1), a.sendBytes('1'), a.end()]) t.true((yield* thrownBy(op)) instanceof BusyError)
    yield* b.receive()
    yield* b.send('answer')
    t.is(yield* receiving.join(), 'answer')
    yield* sending.join()
    yield* closed(a, b)
  })
})

test('a close tells the peer that nothing is missing, and wakes the tasks that wait', (t) => {
  virtual({}, function* () {
    const [a, b] = yield* pair({}, { capacity: 100 })
    const receiving = yield* spawn(() => thrownBy(a.receive()))
    yield* a.send('last')
    yield* sleep(1)
    yield* a.close()
    yield* a.close()
    const woken = yield* receiving.join()
    t.true(woken instanceof ClosedError)
    t.is((woken as Error).message, 'Cannot receive a message: it was closed meanwhile')
    t.is(yield* b.receive(), 'last')
    t.is(yield* b.receive(), null)
    for (const use of [
      () => a.send(1),
      () => a.sendBytes('1'),
      () => a.receive(),
      () => a.receiveBytes(),
      () => a.end(),
    ])
      t.true((yield* thrownBy(use)) instanceof ClosedError)
    yield* b.close()
    t.true(a.closed && b.closed)
  })
})

test('a close in the middle of a message is no end', (t) => {
  virtual({}, function* () {
    const [a, b] = yield* pair({}, { capacity: 100 })
    const sending = yield* spawn(() => thrownBy(a.sendBytes(new Uint8Array(1000))))
    yield* sleep(1)
    yield* a.close()
    t.true((yield* sending.join()) instanceof ClosedError)
    for (let i = 0; i < 2; i++) {
      const error = (yield* thrownBy(b.receive())) as Error
      t.true(error instanceof BrokenError)
      t.is(error.message, 'Cannot receive a message: the connection has ended, and the peer has not said that it would')
    }
    yield* b.close()
  })
})

test('use closes it, and each receives from it until the end', (t) => {
  virtual({}, function* () {
    const [near, far] = memoryStreams()
    yield* spawn(() =>
      use(startMessages(near, { key: KEY }), function* (a) {
        for (const n of [1, 2, 3]) yield* a.send(n)
      }),
    )
    const got: number[] = []
    yield* use(startMessages<number>(far, { key: KEY, side: 'server' }), function* (b) {
      yield* each(b, function* (n) {
        got.push(n)
      })
      t.false(b.closed)
    })
    t.deepEqual(got, [1, 2, 3])
    t.true(near.closed && far.closed)
  })
})

test('limits, and values that cannot be copied, leave the stream as it was', (t) => {
  virtual({}, function* () {
    const [a, b] = yield* pair({ maxBytes: 1000 })
    const uncopied = (yield* thrownBy(a.send(() => {}))) as Error
    t.true(uncopied instanceof TypeError)
    t.regex(uncopied.message, /^Cannot send a message: it cannot be copied: /)
    const thrower = {
      get secret(): never {
        throw new Error('a getter')
      },
    }
    t.regex(((yield* thrownBy(a.send(thrower))) as Error).message, /a getter$/)
    t.is(
      (thrown(() => a.send(null)) as Error).message,
      'Cannot send a message: message must be something else than null, which is the end',
    )
    const large = yield* thrownBy(a.send('x'.repeat(1001)))
    t.true(large instanceof TooLargeError)
    t.true((yield* thrownBy(a.sendBytes(new Uint8Array(1001)))) instanceof TooLargeError)
    yield* a.sendBytes(new Uint8Array(1000))
    t.is((yield* b.receiveBytes())?.length, 1000)
    yield* closed(a, b)
  })
})

test('a value is no bytes: it stays for receive', (t) => {
  virtual({}, function* () {
    const [a, b] = yield* pair()
    yield* a.send({ evil: true })
    for (let i = 0; i < 2; i++)
      t.is(((yield* thrownBy(b.receiveBytes())) as Error).message, 'Cannot receive a message: it is a value, not bytes')
    t.deepEqual(yield* b.receive(), { evil: true })
    yield* closed(a, b)
  })
})

test('100,000 messages in one direction and a hundred in the other, in order', (t) => {
  virtual({}, function* () {
    const [a, b] = yield* pair<number>()
    yield* spawn(function* () {
      for (let n = 0; n < 100_000; n++) yield* a.send(n)
      yield* a.end()
    })
    yield* spawn(function* () {
      for (let n = 0; n < 100; n++) t.is(yield* a.receive(), n)
    })
    let next = 0
    let wrong = 0
    for (let n = yield* b.receive(); n !== null; n = yield* b.receive()) {
      if (n !== next++) wrong++
      if (n % 1000 === 0) yield* b.send(n / 1000)
    }
    t.is(next, 100_000)
    t.is(wrong, 0)
    yield* closed(a, b)
  })
})
