/**
 * The conformance checks of streams on the host's streams as ours, and on ours as the host's and back.
 */
import { createServer, connect as dialNode, type Server, type Socket } from 'node:net'
import test from 'ava'
import {
  type ByteStream,
  fromDuplex,
  fromWebStreams,
  Kernel,
  type Operation,
  once,
  timeout,
  toDuplex,
  toWebStreams,
} from 'drupe'
import { assertNoLeaks, lockstepStreams, memoryStreams, type StreamPair, streamConformance } from 'drupe/testing'
import { PATIENCE_MS } from '../../patience.js'
import { duplexes, tcp, webStreams } from './bridge-kit.js'

function* nodeSockets(): Operation<StreamPair> {
  const server: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1')
  yield* once(server, 'listening')
  const client = dialNode({ port: (server.address() as { port: number }).port, host: '127.0.0.1', allowHalfOpen: true })
  const [accepted] = yield* once<[Socket]>(server, 'connection')
  server.close()
  return [fromDuplex(client), fromDuplex(accepted)]
}

function* throughDuplex([a, b]: readonly [ByteStream, ByteStream]): Operation<StreamPair> {
  return [fromDuplex(yield* toDuplex(a, { allowHalfOpen: true })), b]
}

function* throughDuplexes([a, b]: readonly [ByteStream, ByteStream]): Operation<StreamPair> {
  const [one, other] = [yield* toDuplex(a, { allowHalfOpen: true }), yield* toDuplex(b, { allowHalfOpen: true })]
  return [fromDuplex(one), fromDuplex(other)]
}

function* throughWebStreams([a, b]: readonly [ByteStream, ByteStream]): Operation<StreamPair> {
  return [fromWebStreams(yield* toWebStreams(a)), fromWebStreams(yield* toWebStreams(b))]
}

function* both<A>([a, b]: readonly [A, A], make: (end: A) => ByteStream): Operation<StreamPair> {
  return [make(a), make(b)]
}

const KINDS: Readonly<Record<string, () => Operation<StreamPair>>> = {
  'Duplexes in memory': () => both(duplexes(), fromDuplex),
  'sockets of Node': nodeSockets,
  'web streams': () => both(webStreams(), fromWebStreams),
  'memory streams as a Duplex and back': () => throughDuplex(memoryStreams()),
  'memory streams as Duplexes and back': () => throughDuplexes(memoryStreams({ chunk: 1000 })),
  'lockstep streams as Duplexes and back': () => throughDuplexes(lockstepStreams()),
  'memory streams as web streams and back': () => throughWebStreams(memoryStreams()),
  'lockstep streams as web streams and back': () => throughWebStreams(lockstepStreams()),
  *'connections as Duplexes and back'() {
    return yield* throughDuplexes(yield* tcp())
  },
  *'connections as web streams and back'() {
    return yield* throughWebStreams(yield* tcp())
  },
}

for (const [kind, pair] of Object.entries(KINDS)) {
  const plenty = kind.includes('ockets') || kind.includes('connections') ? 16 << 20 : 1 << 20
  for (const check of streamConformance(pair, { plenty })) {
    test.serial(`${kind}: ${check.name}`, async (t) => {
      const kernel = new Kernel()
      await kernel.run(() => timeout(PATIENCE_MS, check.run()))
      t.notThrows(() => assertNoLeaks(kernel))
      await kernel.close()
    })
  }
}
