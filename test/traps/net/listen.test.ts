/**
 * Listening on TCP: on one address and on all, where a family is missing, and where a port is taken.
 */
import test from 'ava'
import { connect, listen, type Operation, type Stream, serve, spawn } from 'drupe'
import { SimNetwork } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrownBy } from '../../kit.js'

function* echo(stream: Stream): Operation<void> {
  for (let bytes = yield* stream.read(); bytes !== null; bytes = yield* stream.read()) yield* stream.write(bytes)
}

function* said(host: string, port: number): Operation<string> {
  const stream = yield* connect({ host, port })
  yield* stream.write(new TextEncoder().encode('hello'))
  const bytes = yield* stream.readExactly(5)
  yield* stream.close()
  return new TextDecoder().decode(bytes)
}

test('a listener of one address, or of all, serves those who connect', (t) => {
  covers(
    t,
    'curio network: tcp_echo',
    'trio open_tcp_listeners: open_tcp_listeners_basic, open_tcp_listeners_specific_port_specific_host, serve_tcp',
  )
  const network = new SimNetwork({ latency: 1 })
  network.host('server', { addresses: ['10.1.0.1', '10.1.0.2'] })
  const { client } = network.run({
    server: {
      daemon: true,
      *op() {
        const one = yield* listen({ host: '10.1.0.1', port: 80 })
        const all = yield* listen({ port: 81 })
        yield* spawn(serve(one, echo))
        yield* serve(all, echo)
      },
    },
    *client() {
      const refused = (yield* thrownBy(connect({ host: '10.1.0.2', port: 80 }))) as { code: string }
      return [yield* said('10.1.0.1', 80), refused.code, yield* said('10.1.0.1', 81), yield* said('10.1.0.2', 81)]
    },
  })
  t.deepEqual(client, ['hello', 'ECONNREFUSED', 'hello', 'hello'])
})

test('a machine without IPv6 listens on its IPv4 addresses', (t) => {
  covers(t, 'trio open_tcp_listeners: open_tcp_listeners_some_address_families_unavailable')
  const network = new SimNetwork({ latency: 1 })
  network.host('server', { addresses: ['10.1.0.1'] })
  const { client } = network.run({
    server: {
      daemon: true,
      *op() {
        yield* serve(yield* listen({ port: 80 }), echo)
      },
    },
    client: () => said('server', 80),
  })
  t.is(client, 'hello')
})

test('a port that is taken is an error, and no reason to try another family', (t) => {
  covers(t, 'trio open_tcp_listeners: open_tcp_listeners_socket_fails_not_afnosupport')
  const network = new SimNetwork({ latency: 1 })
  const { server } = network.run({
    *server() {
      const first = yield* listen({ port: 80 })
      const error = (yield* thrownBy(listen({ port: 80 }))) as { code: string; address: string }
      yield* first.close()
      return [error.code, error.address]
    },
  })
  t.deepEqual(server, ['EADDRINUSE', '::'])
})
