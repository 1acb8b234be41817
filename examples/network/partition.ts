/**
 * The same program under a partition: a client that counts, on a network that is cut in the
 * middle.
 *
 * Start it: `npm run example -- partition`. A cut network says nothing: the client only sees time
 * go by, so its timeout is what tells it. Everything is on virtual time and one seed decides all
 * chance, so each run prints the same. Try another seed, `loss: 0.1`, or to heal it later.
 */
import { type ByteStream, connect, fixed, listen, type Operation, retry, serve, sleep, spawn, use } from 'drupe'
import { SimNetwork } from 'drupe/testing'

const network = new SimNetwork({ seed: 42, latency: 20 })
const told = (text: string): void => console.log(`${String(network.now).padStart(5)} ms  ${text}`)
let counter = 0

function* count(stream: ByteStream): Operation<void> {
  for (let line = yield* stream.readLine(); line !== null; line = yield* stream.readLine()) {
    yield* stream.write(`${++counter}\n`)
  }
}

/** One connection, for as long as it answers. */
function* ask(from: number): Operation<number> {
  let n = from
  return yield* use(connect({ host: 'server', port: 80, timeout: 500 }), function* (stream) {
    told('connected')
    for (; n < 6; n++) {
      yield* stream.write('next\n', { timeout: 500 })
      told(`the answer is ${yield* stream.readLine(64, { timeout: 500 })}`)
      yield* sleep(200)
    }
    return n
  })
}

network.run({
  server: {
    daemon: true,
    *op() {
      yield* serve(yield* listen({ port: 80 }), count, { onError: () => {} })
    },
  },
  *client() {
    yield* spawn(function* () {
      yield* sleep(700)
      told('-- the network is cut')
      network.partition(['client'], ['server'])
      yield* sleep(1500)
      told('-- and whole again')
      network.heal()
    })
    yield* retry(() => ask(counter), {
      times: 20,
      backoff: fixed(100),
      while(error) {
        told(`${(error as Error).name}: ${(error as Error).message}`)
        return true
      },
    })
    told(`done, at ${counter}`)
  },
})
