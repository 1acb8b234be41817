/**
 * Happy eyeballs: a name with several addresses, of which some do not answer, on a simulated
 * network.
 *
 * Start it: `npm run example -- happy-eyeballs`. `connect` tries the addresses in turns of
 * families, the next one 250 ms after the last or at once when one fails; the first that is
 * connected wins and the others are closed. Try to make the IPv6 host live, or to change
 * `attemptDelay`.
 */
import { clock, connect, listen, type Operation, serve } from 'drupe'
import { SimNetwork } from 'drupe/testing'

function* server(): Operation<void> {
  yield* serve(yield* listen({ host: '::', port: 80 }), function* (stream) {
    yield* stream.write('hello\n')
  })
}

/** How long it takes to connect to a name with these addresses. */
function attempt(what: string, addresses: readonly string[]): void {
  const network = new SimNetwork({ seed: 1, latency: 10 })
  network.host('live', { addresses: ['10.0.0.1', 'fd00::1'] })
  network.host('hole', { addresses: ['10.0.0.2', 'fd00::2'] })
  network.host('client', { addresses: ['10.0.0.3', 'fd00::3'] })
  network.name('shop', { addresses })
  network.partition(['client'], ['hole'])
  const { client } = network.run({
    live: { daemon: true, op: server },
    *client() {
      const begin = yield* clock()
      const stream = yield* connect({ host: 'shop', port: 80, timeout: 5000 })
      const ms = (yield* clock()) - begin
      const winner = yield* stream.remoteAddress()
      yield* stream.close()
      return `${winner.family === 'unix' ? winner.path : winner.host} after ${ms} ms`
    },
  })
  console.log(`${what}: ${client}`)
}

attempt('one that is live      ', ['fd00::1'])
attempt('a hole first          ', ['fd00::2', '10.0.0.1'])
attempt('two holes first       ', ['fd00::2', '10.0.0.2', 'fd00::1'])
attempt('one that nobody has   ', ['fd00::9', '10.0.0.1'])
