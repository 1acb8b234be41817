/**
 * Protocols over TLS: what they are told of a handshake that fails, and of bytes that come after they have closed. The rest is as
 * without TLS (protocol.test.ts): a transport takes any stream.
 */
import test from 'ava'
import { connectProtocol, listen, type Operation, type Stream, sleep, spawn, type TlsError } from 'drupe'
import { SimNetwork } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrownBy } from '../../kit.js'
import { Logged } from './protocol-kit.js'
import { leftOut, NO_VIRTUAL_TIME, root, SERVER } from './tls-kit.js'

const HERE = { host: 'server', port: 443, tls: { ca: root.cert } } as const

test('a connection that is lost in the handshake is an error of connectProtocol, and its protocol hears nothing', (t) => {
  if (leftOut(t, NO_VIRTUAL_TIME)) return
  covers(t, 'uvloop ssl: ssl_handshake_connection_lost')
  const unread = function* (stream: Stream): Operation<void> {
    yield* sleep(50)
    yield* stream.close()
  }
  const read = function* (stream: Stream): Operation<void> {
    yield* stream.read()
    yield* stream.close()
  }
  for (const [lose, expected] of [
    [read, 'UNEXPECTED_EOF'],
    [unread, 'ECONNRESET'],
  ] as const) {
    const protocol = new Logged()
    const { client } = new SimNetwork({ latency: 1 }).run({
      *server() {
        const listener = yield* listen({ port: 443 })
        yield* lose(yield* listener.accept())
        yield* listener.close()
      },
      client: () => thrownBy(connectProtocol(HERE, protocol)),
    })
    const { reason, code } = client as TlsError
    t.is(reason ?? code, expected)
    t.deepEqual(protocol.log, [])
  }
})

test('a protocol that closes while it does not read is told of its end once, and of no bytes that came or come', (t) => {
  if (leftOut(t, NO_VIRTUAL_TIME)) return
  covers(
    t,
    'uvloop ssl: shutdown_while_pause_reading, shutdown_timeout_handler_not_set, bpo_39951_discard_trailing_data',
  )
  const protocol = new Logged({ connected: (transport) => transport.pauseReading() })
  const { server } = new SimNetwork({ latency: 1 }).run({
    *server() {
      const listener = yield* listen({ port: 443, tls: SERVER })
      const stream = yield* listener.accept()
      for (let i = 0; i < 3; i++) yield* stream.write('before the close')
      yield* sleep(100)
      const end = yield* stream.read()
      const error = yield* thrownBy(function* () {
        for (; ; yield* sleep(10)) yield* stream.write('after it')
      })
      yield* stream.close()
      yield* listener.close()
      return [end, (error as TlsError).code]
    },
    *client() {
      const connection = yield* spawn(connectProtocol(HERE, protocol))
      yield* sleep(50)
      t.deepEqual(protocol.log, ['connected'])
      protocol.transport.close()
      protocol.transport.resumeReading()
      yield* connection.join()
      t.deepEqual(protocol.log, ['connected', ['closed', null]])
      yield* sleep(50)
    },
  })
  // What came in time is no reason for a reset, which would take the end away from its peer.
  t.deepEqual(server, [null, 'EPIPE'])
  t.deepEqual(protocol.log, ['connected', ['closed', null]])
})
