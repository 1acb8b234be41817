/**
 * A server and a client of a protocol of one's own: docs/recipes/add-a-protocol.md walks through
 * it.
 *
 * Start it: `npm run example -- dictionary`. The protocol is in examples/protocols/dictionary.ts.
 * Try to cancel one of the two `get` with `moveOn`: the other one still has its own answer.
 */
import { all, connect, listen, run, serve, spawn, use } from 'drupe'
import { dictionary, serveDictionary } from '../protocols/dictionary.js'

await run(function* () {
  const entries = new Map<string, Uint8Array>()
  const listener = yield* listen({ host: '127.0.0.1', port: 0 })
  const server = yield* spawn(serve(listener, (stream) => serveDictionary(entries, stream)))
  yield* use(
    function* () {
      return yield* dictionary(yield* connect({ host: '127.0.0.1', port: listener.port }))
    },
    function* (words) {
      yield* words.set('drupe', new TextEncoder().encode('a fruit with a kernel'))
      const [known, unknown] = yield* all([words.get('drupe'), words.get('pome')])
      console.log('drupe:', new TextDecoder().decode(known ?? undefined))
      console.log('pome:', unknown)
    },
  )
  yield* server.cancel()
})
