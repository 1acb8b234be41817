/**
 * A `Cancelled` says to leave the scope that it names. Kept and thrown anywhere else it is an error
 * like any other.
 */
import test from 'ava'
import { Cancelled, connect, listen, nursery, type Operation, serve, sleep, spawn, type Task } from 'drupe'
import { SimNetwork, virtual } from 'drupe/testing'
import { thrownBy } from '../../kit.js'
import { bytes, connected } from '../sim/net-kit.js'

/** The `Cancelled` of a task that is long over. */
function* stale(): Operation<Cancelled> {
  const helper: Task<void> = yield* spawn(() => sleep(60_000))
  yield* sleep(1)
  yield* helper.cancel()
  return helper.error as Cancelled
}

test('a handler that throws a Cancelled of a scope long over goes to onError, and the server serves on', (t) => {
  const network = new SimNetwork({ latency: 1 })
  const reported: unknown[] = []
  const { client } = network.run({
    server: {
      daemon: true,
      *op(): Operation<void> {
        const error = yield* stale()
        const handler = function* (): Operation<void> {
          throw error
        }
        yield* serve(yield* listen({ port: 80 }), handler, { onError: (error) => void reported.push(error) })
      },
    },
    *client(): Operation<number> {
      for (let i = 0; i < 2; i++) {
        yield* connected((stream) => stream.read())()
        yield* sleep(10)
      }
      return reported.length
    },
  })
  t.is(client, 2)
  t.true(reported.every((error) => error instanceof Cancelled))
})

test('a handler that is cancelled with its server is no error', (t) => {
  const network = new SimNetwork({ latency: 1 })
  const reported: unknown[] = []
  network.run({
    *server(): Operation<void> {
      const listener = yield* listen({ port: 80 })
      const server = yield* spawn(
        serve(listener, (stream) => stream.readAll(), { onError: (e) => void reported.push(e) }),
      )
      yield* sleep(100)
      yield* server.cancel()
    },
    *client(): Operation<void> {
      const stream = yield* connect({ host: 'server', port: 80 })
      yield* stream.write(bytes('x'))
      yield* sleep(200)
      yield* stream.close()
    },
  })
  t.deepEqual(reported, [])
})

test("a nursery with errors: 'group' groups a Cancelled of another scope like every failure", (t) => {
  virtual({}, function* () {
    const old = yield* stale()
    const error = yield* thrownBy(() =>
      nursery(
        function* (n) {
          yield* n.spawn(function* (): Operation<void> {
            throw old
          })
        },
        { errors: 'group' },
      ),
    )
    t.true(error instanceof AggregateError)
    t.deepEqual((error as AggregateError).errors, [old])
  })
})
