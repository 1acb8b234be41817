/**
 * Two streams that are connected to each other: a pair of the system's, and one in a simulated network.
 */
import test from 'ava'
import { checkpoint, run, runSync, socketPair, spawn, UnsupportedError } from 'drupe'
import { SimNetwork, streamConformance, virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrownBy } from '../../kit.js'

/** Tests of peers by the check that says the same. */
const PEERS: Readonly<Record<string, string>> = {
  'readExactly says what there was when the stream ended too early': 'uvloop unix: create_unix_connection_3',
  'a write to a peer that has left fails, after a while': 'uvloop unix: create_unix_connection_5',
}

for (const check of streamConformance(socketPair)) {
  test(`a pair of sockets: ${check.name}`, async (t) => {
    const peer = PEERS[check.name]
    if (peer !== undefined) covers(t, peer)
    await run(() => check.run())
    t.pass()
  })
  test(`a pair of sockets in a simulated network: ${check.name}`, (t) => {
    virtual({ network: new SimNetwork({ latency: 1 }) }, () => check.run())
    t.pass()
  })
}

test('a pair of sockets in a blocking run', (t) => {
  const got = runSync(function* () {
    const [a, b] = yield* socketPair()
    yield* a.write('hello')
    yield* a.close()
    const bytes = yield* b.readAll()
    yield* b.close()
    return new TextDecoder().decode(bytes)
  })
  t.is(got, 'hello')
})

test('without sockets there is no pair', (t) => {
  const error = virtual({}, () => thrownBy(socketPair()))
  t.true(error instanceof UnsupportedError)
})

for (const style of ['readiness', 'completion'] as const) {
  test(`a pair that is cancelled on its way leaves no socket open, whenever that happens: ${style}`, (t) => {
    for (let seed = 1; seed <= 8; seed++) {
      let state = ''
      for (let moment = 0; state !== 'done'; moment++) {
        const network = new SimNetwork({ seed })
        network.host('main', { style })
        // At its end it looks for sockets that are open.
        virtual({ network, seed }, function* () {
          const pair = yield* spawn(() => socketPair())
          for (let i = 0; i < moment; i++) yield* checkpoint()
          yield* pair.cancel()
          state = pair.state
          for (const stream of pair.result ?? []) yield* stream.close()
        })
      }
    }
    t.pass()
  })
}
