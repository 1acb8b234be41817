/**
 * Scenarios of datagrams, for every mode that has I/O.
 */
import { isDeepStrictEqual } from 'node:util'
import { moveOn, type Operation, spawn, type TimeoutError, type UdpSocket, udp, use } from 'drupe'
import type { Endpoint } from 'drupe/lowlevel'
import { thrownBy } from '../kit.js'
import { bytes, codeOf, text } from './net-kit.js'
import type { Scenario } from './scenarios.js'

const LOCAL = { host: '127.0.0.1' }

/** Runs a body with two sockets, and closes them. */
function withTwo<T>(body: (one: UdpSocket, other: UdpSocket) => Operation<T>): Operation<T> {
  return use(udp(LOCAL), (one) => use(udp(LOCAL), (other) => body(one, other)))
}

/** Whether there is IPv6 here. */
function* hasIpv6(): Operation<boolean> {
  try {
    yield* (yield* udp({ host: '::1' })).close()
    return true
  } catch {
    return false
  }
}

/** A client that is connected to an echo, from an address; what it hears, and whether the echo is where it should be. */
function conversation(host: string): Operation<unknown[]> {
  return use(udp({ host }), function* (server) {
    const answering = yield* spawn(function* () {
      for (;;) {
        const { bytes: content, from } = yield* server.receive()
        yield* server.send(`resp:${text(content)}`, from)
      }
    })
    return yield* use(udp({ remote: server.address as Endpoint }), function* (client) {
      const heard: string[] = []
      for (const to of [null, client.remote]) {
        yield* client.send('xxx', to)
        const { bytes: content, from } = yield* client.receive()
        heard.push(text(content))
        heard.push(isDeepStrictEqual(from, server.address) ? 'from there' : 'from elsewhere')
      }
      yield* answering.cancel()
      return heard
    })
  })
}

const HEARD = ['resp:xxx', 'from there', 'resp:xxx', 'from there']

export const DATAGRAM_SCENARIOS: readonly Scenario[] = [
  {
    name: 'a client with a peer sends to it, with its address and without, and is answered; by name as well',
    peers: [
      'uvloop udp: create_datagram_1, create_datagram_endpoint_addrs_ipv4, create_datagram_endpoint_addrs_ipv4_nameaddr',
      'trio socket: send_recv_variants',
    ],
    op: function* () {
      return [yield* conversation('127.0.0.1'), yield* conversation('localhost')]
    },
    gives: [HEARD, HEARD],
  },
  {
    name: 'datagrams over IPv6; a socket for all addresses',
    peers: ['uvloop udp: create_datagram_endpoint_addrs_ipv6, create_datagram_endpoint_ipv6_family'],
    op: function* () {
      if (!(yield* hasIpv6())) return [HEARD, 'ipv6', HEARD[0]]
      const all = yield* use(udp({ host: '::' }), function* (server) {
        yield* use(udp({ host: '::1' }), (client) => client.send('resp:xxx', { host: '::1', port: server.port }))
        return [server.address.family, text((yield* server.receive()).bytes)]
      })
      return [yield* conversation('::1'), ...all]
    },
    gives: [HEARD, 'ipv6', HEARD[0]],
  },
  {
    name: 'a datagram goes to no name, and to no address of the other family',
    peers: ['uvloop udp: udp_sendto_dns'],
    op: () =>
      withTwo(function* (one, other) {
        const name = (yield* thrownBy(() => one.send('x', { host: 'example.com', port: 80 }))) as Error
        const code = yield* codeOf(one.send('x', { host: '::1', port: 80 }))
        yield* one.send('still', { ...LOCAL, port: other.port })
        return [name.message, code.startsWith('E') ? 'refused' : code, text((yield* other.receive()).bytes)]
      }),
    gives: ['Cannot send a datagram: host must be an IP address or localhost, not "example.com"', 'refused', 'still'],
  },
  {
    name: 'a datagram is sent back to where it came from',
    peers: ['curio socket: udp_echo'],
    op: () =>
      withTwo(function* (one, other) {
        yield* spawn(function* () {
          const { bytes: content, from } = yield* other.receive()
          yield* other.send(content, from)
        })
        yield* one.send(bytes('hello'), { ...LOCAL, port: other.port })
        const { bytes: content, from } = yield* one.receive()
        return [text(content), from.family === 'ipv4' && from.port === other.port]
      }),
    gives: ['hello', true],
  },
  {
    name: 'a receive that is cancelled or times out takes no datagram',
    peers: ['curio socket: recvfrom_cancel, recvfrom_timeout'],
    op: () =>
      withTwo(function* (one, other) {
        const late = (yield* thrownBy(one.receive({ timeout: 5 }))) as TimeoutError
        const passed = yield* moveOn(5, one.receive(), 'passed')
        yield* other.send(bytes('hello'), { ...LOCAL, port: one.port })
        return [late.name, passed, text((yield* one.receive()).bytes)]
      }),
    gives: ['TimeoutError', 'passed', 'hello'],
  },
]
