/**
 * Scenarios of names and families, for every mode that has I/O.
 */
import { lookup as lookUpByNode } from 'node:dns/promises'
import { hostname } from 'node:os'
import { connect, type Listener, listen, lookup, type Operation, reverse, type SystemError, use } from 'drupe'
import { thrownBy } from '../kit.js'
import type { Scenario } from './scenarios.js'

/** An address for documentation (RFC 5737): nobody has it, and it has no name. */
const NOBODY = '192.0.2.1'

/** A blocking run could not wait for Node's resolver, so it is asked beforehand. */
const OWN_NAME = hostname()
const OWN_ADDRESSES = await lookUpByNode(OWN_NAME, { all: true }).then(
  (found) => plain(found.map(({ address }) => address)),
  ({ code }: SystemError) => code,
)

/** Whoever cuts this off at 256 bytes, as libuv once did, has 127.0.0.1 in hexadecimal. */
const TOO_LONG = `0x${'0'.repeat(246)}7f000001.example.com`

/** In one order, without zones. */
function plain(addresses: readonly string[]): string[] {
  return addresses.map((address) => address.replace(/%.*/, '')).sort()
}

/** The addresses of a name, or the code of what looking it up fails with. */
function* foundBy(name: string): Operation<string[] | string> {
  try {
    return plain(yield* lookup(name))
  } catch (error) {
    return (error as SystemError).code
  }
}

/** The code of what connecting by this address brings; none if it connects. */
function* outcomeBy(host: string, { port }: Listener): Operation<string> {
  try {
    yield* (yield* connect({ host, port })).close()
    return 'connected'
  } catch (error) {
    return (error as SystemError).code
  }
}

function* hasIpv6(): Operation<boolean> {
  try {
    yield* (yield* listen({ host: '::1', port: 0 })).close()
    return true
  } catch {
    return false
  }
}

export const NAME_SCENARIOS: readonly Scenario[] = [
  {
    name: 'a look-up finds what the resolver of this machine finds',
    peers: ['uvloop dns: getaddrinfo_1'],
    op: () => foundBy(OWN_NAME),
    gives: OWN_ADDRESSES,
  },
  {
    name: 'an address stands for itself, and localhost for this machine in both families',
    peers: ['uvloop dns: getaddrinfo_12, getaddrinfo_16, getaddrinfo_19, getaddrinfo_20'],
    *op() {
      return [yield* lookup('127.0.0.1'), yield* lookup('::1'), yield* lookup('localhost')]
    },
    gives: [['127.0.0.1'], ['::1'], ['127.0.0.1', '::1']],
  },
  {
    name: 'what a resolver takes for a number is no name, however it is written; a name may begin with one',
    *op() {
      const taken: string[] = []
      const numbers = [
        '127.1',
        '0177.0.0.1',
        '2130706433',
        '0x7f.1',
        '0X7F000001',
        '0x7f.0.0.1',
        '127.0.0.0x1',
        '0x7f.1.',
      ]
      for (const host of [...numbers, '0x', 'a.b.1', '①27.0.0.1', '１２７.0.0.1', '127。0。0。1', '127\u00ad.0.0.1']) {
        const error = yield* thrownBy(lookup(host))
        if (!(error instanceof RangeError)) taken.push(host)
      }
      return [taken, typeof (yield* foundBy('0x7f.1.invalid')), typeof (yield* foundBy('１２.größe.invalid'))]
    },
    gives: [[], 'string', 'string'],
  },
  {
    name: 'a name that nobody has, that is too long or that is no name is not found, and not taken for another one',
    peers: ['uvloop dns: getaddrinfo_3, getaddrinfo_21, getaddrinfo_22, getaddrinfo_broadcast'],
    *op() {
      const found: (string[] | string)[] = []
      for (const name of ['no-such-name.invalid', TOO_LONG, `${'a'.repeat(64)}.example`, '<broadcast>'])
        found.push(yield* foundBy(name))
      return found.filter((outcome) => outcome !== 'ENOTFOUND' && outcome !== 'EAI_AGAIN')
    },
    gives: [],
  },
  {
    name: 'reverse finds the name of this machine, also by an address in IPv6’s clothes, and none for nobody',
    peers: ['curio socket: socket_funcs', 'trio socket: getnameinfo', 'uvloop dns: getnameinfo_1'],
    op: function* () {
      const [own = ''] = yield* reverse('127.0.0.1')
      const [dressed] = yield* reverse('::ffff:127.0.0.1')
      const { code, syscall } = (yield* thrownBy(reverse(NOBODY))) as SystemError
      return [own.length > 0, dressed === own, /ENOTFOUND|EAI_AGAIN/.test(code), syscall]
    },
    gives: [true, true, true, 'getnameinfo'],
  },
  {
    name: 'a listener with ipv6Only takes connections by IPv6 alone; without, :: is for both',
    peers: ['trio open_tcp_listeners: open_tcp_listeners_ipv6_v6only', 'uvloop tcp: create_server_5'],
    op: function* () {
      if (!(yield* hasIpv6())) return ['connected', 'ECONNREFUSED', 'ECONNREFUSED', 'connected', 'connected']
      const only = yield* use(listen({ host: '::', port: 0, ipv6Only: true }), function* (listener) {
        return [yield* outcomeBy('::1', listener), yield* outcomeBy('127.0.0.1', listener)]
      })
      const everywhere = yield* use(listen({ port: 0, ipv6Only: true }), (listener) => outcomeBy('127.0.0.1', listener))
      const both = yield* use(listen({ host: '::', port: 0, ipv6Only: false }), function* (listener) {
        return yield* outcomeBy('127.0.0.1', listener)
      })
      const usual = yield* use(listen({ port: 0 }), (listener) => outcomeBy('127.0.0.1', listener))
      return [...only, everywhere, both, usual]
    },
    gives: ['connected', 'ECONNREFUSED', 'ECONNREFUSED', 'connected', 'connected'],
  },
]
