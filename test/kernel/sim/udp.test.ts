/**
 * Datagrams on the simulated network: whole or not at all, and in any order.
 */

import test from 'ava'
import { type Operation, sleep, udp } from 'drupe'
import { SimNetwork, virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrownBy } from '../../kit.js'
import { bytes, codeOf, text } from './net-kit.js'

/** Receives numbers until none comes for a second. */
function* numbers(): Operation<number[]> {
  const socket = yield* udp({ port: 9 })
  const got: number[] = []
  try {
    for (;;) got.push((yield* socket.receive({ timeout: 1000 })).bytes[0] as number)
  } catch (error) {
    if (codeOf(error) !== 'DRUPE_TIMEOUT') throw error
  } finally {
    yield* socket.close()
  }
  return got
}

const sends = (network: SimNetwork, count: number) =>
  function* (): Operation<void> {
    const socket = yield* udp()
    yield* sleep(1)
    for (let i = 0; i < count; i++) {
      yield* socket.send(new Uint8Array([i]), { host: network.host('to').address, port: 9 })
      yield* sleep(1)
    }
    yield* socket.close()
  }

test('datagrams arrive in order where nothing is wrong', (t) => {
  covers(t, 'trio fakenet: basic_udp')
  const network = new SimNetwork({ latency: 5 })
  const { to } = network.run({ to: numbers, from: sends(network, 10) })
  t.deepEqual(to, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('datagrams get lost, overtake each other and come twice, as the seed wants it', (t) => {
  const run = (options: object): number[] => {
    const network = new SimNetwork({ seed: 5, latency: 5, ...options })
    return network.run({ to: numbers, from: sends(network, 100) }).to
  }
  const lost = run({ loss: 0.3 })
  t.true(lost.length > 40 && lost.length < 95)
  t.deepEqual(
    lost,
    [...lost].sort((a, b) => a - b),
  )
  const late = run({ reorder: 0.3 })
  t.is(late.length, 100)
  t.notDeepEqual(
    late,
    [...late].sort((a, b) => a - b),
  )
  const twice = run({ duplicate: 0.3 })
  t.true(twice.length > 110)
  t.is(new Set(twice).size, 100)
  t.deepEqual(run({ loss: 0.3, reorder: 0.3 }), run({ loss: 0.3, reorder: 0.3 }))
})

test('a datagram says where it comes from, and an answer finds its way back', (t) => {
  const network = new SimNetwork({ latency: 5 })
  const { client } = network.run({
    *server() {
      const socket = yield* udp({ port: 53 })
      const { bytes: question, from } = yield* socket.receive()
      if (from.family !== 'unix') yield* socket.send(bytes(`${text(question)} from ${from.host}`), from)
      yield* socket.close()
    },
    *client() {
      const socket = yield* udp()
      yield* sleep(1)
      yield* socket.send(bytes('who'), { host: network.host('server').address, port: 53 })
      const answer = text((yield* socket.receive()).bytes)
      yield* socket.close()
      return answer
    },
  })
  t.is(client, `who from ${network.host('client').address}`)
})

for (const style of ['readiness', 'completion'] as const) {
  test(`${style}: a datagram that does not fit is cut off, and told; the next one is whole`, (t) => {
    covers(t, 'trio fakenet: msg_trunc')
    const network = new SimNetwork()
    network.host('main', { style })
    virtual({ network }, function* () {
      const socket = yield* udp({ host: '127.0.0.1', port: 9 })
      for (const word of ['truncated', 'whole']) yield* socket.send(word, { host: '127.0.0.1', port: 9 })
      const cut = yield* socket.receive({ maxBytes: 5 })
      t.deepEqual([text(cut.bytes), cut.truncated], ['trunc', true])
      const whole = yield* socket.receive({ maxBytes: 5 })
      t.deepEqual([text(whole.bytes), whole.truncated], ['whole', false])
      yield* socket.close()
    })
  })

  test(`${style}: what is too large is refused; broadcasts need permission; a port has one owner`, (t) => {
    const network = new SimNetwork()
    network.host('main', { style })
    virtual({ network }, function* () {
      const socket = yield* udp({ host: '127.0.0.1', port: 9 })
      const to = { host: '127.0.0.1', port: 9 }
      t.is(codeOf(yield* thrownBy(socket.send(new Uint8Array(70_000), to))), 'EMSGSIZE')
      t.is(codeOf(yield* thrownBy(socket.send(bytes('x'), { host: '255.255.255.255', port: 9 }))), 'EACCES')
      t.is(codeOf(yield* thrownBy(udp({ host: '127.0.0.1', port: 9 }))), 'EADDRINUSE')
      t.is(yield* socket.send(bytes('to itself'), to), 9)
      t.is(text((yield* socket.receive()).bytes), 'to itself')
      t.is(yield* socket.send(new Uint8Array(0), to), 0)
      t.is((yield* socket.receive()).bytes.length, 0)
      yield* socket.close()
    })
  })
}
