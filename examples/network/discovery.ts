/**
 * Services that find each other: a question to a multicast group, and an echo over UDP.
 *
 * Start it: `npm run example -- discovery`. Nobody knows an address but that of the group. Each
 * service hears what is sent to it, on a port that they share, and answers from a port of its own,
 * where it echoes. A client asks until it has found enough, or its time is up: datagrams get lost.
 * All stays on this machine: the interface is the loopback, the TTL 0. Try to look for more than
 * there are.
 */
import { type Address, moveOn, nursery, type Operation, run, spawn, type UdpSocket, udp, use } from 'drupe'

const GROUP = { host: '239.255.7.7', port: 47_007 }
const LOOPBACK = { interfaceIndex: 1 }
const QUESTION = 'who is there?'
const SERVICES = ['a', 'b', 'c']
const ASK_EVERY_MS = 100
const PATIENCE_MS = 5000

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** A socket that speaks to the group, on a free port. */
function speaker<T>(body: (socket: UdpSocket) => Operation<T>): Operation<T> {
  return use(udp(), function* (socket) {
    yield* socket.setMulticastInterface(LOOPBACK.interfaceIndex)
    yield* socket.setMulticastTtl(0)
    return yield* body(socket)
  })
}

function* service(name: string): Operation<void> {
  yield* speaker(function* (own) {
    yield* spawn(echo(own))
    yield* use(udp({ port: GROUP.port, reuseAddress: true }), function* (ear) {
      yield* ear.join(GROUP.host, LOOPBACK)
      for (;;) {
        const { bytes, from } = yield* ear.receive()
        if (text(bytes) === QUESTION) yield* own.send(name, from)
      }
    })
  })
}

function* echo(socket: UdpSocket): Operation<never> {
  for (;;) {
    const { bytes, from } = yield* socket.receive()
    yield* socket.send(bytes, from)
  }
}

/** Asks the group until so many have answered; who they are, and where. */
function* find(socket: UdpSocket, count: number): Operation<Map<string, Address>> {
  const found = new Map<string, Address>()
  yield* moveOn(PATIENCE_MS, function* () {
    while (found.size < count) {
      yield* socket.send(QUESTION, GROUP)
      yield* moveOn(ASK_EVERY_MS, function* () {
        while (found.size < count) {
          const { bytes, from } = yield* socket.receive()
          found.set(text(bytes), from)
        }
      })
    }
  })
  return found
}

await run(() =>
  nursery(function* (n) {
    for (const name of SERVICES) yield* n.spawn(service(name))
    const found = yield* speaker((socket) => find(socket, SERVICES.length))
    for (const [name, remote] of [...found].sort()) {
      yield* use(udp({ remote }), function* (socket) {
        yield* socket.send(`hello, ${name}`)
        const { bytes } = yield* socket.receive({ timeout: PATIENCE_MS })
        console.log(`${name} answers: ${text(bytes)}`)
      })
    }
    yield* n.cancel()
  }),
)
