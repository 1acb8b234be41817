/**
 * A connection that is gone, in a simulated network: what may still be asked of it, and ended, as on the drivers of Linux
 * (test/modes/passing.ts).
 */
import test from 'ava'
import { type Address, connect, listen, nursery, type Operation, type Stream, sleep } from 'drupe'
import { SimNetwork } from 'drupe/testing'
import { thrownBy } from '../../kit.js'

/** One end of a connection whose other end is broken in the middle of `body`. */
function broken<T>(before: (stream: Stream) => Operation<unknown>, after: (stream: Stream) => Operation<T>): T {
  const network = new SimNetwork({ latency: 1 })
  const { main } = network.run({
    *main(): Operation<T> {
      const listener = yield* listen({ port: 80 })
      const [stream, peer] = yield* nursery(function* (n) {
        const accepting = yield* n.spawn(listener.accept())
        return [yield* connect({ host: 'main', port: 80 }), yield* accepting.join()] as const
      })
      yield* before(stream)
      yield* stream.write('never read')
      yield* sleep(10)
      yield* peer.close()
      yield* sleep(10)
      const result = yield* after(stream)
      yield* stream.close()
      yield* listener.close()
      return result
    },
  })
  return main
}

function* addresses(stream: Stream): Operation<readonly Address[]> {
  return [yield* stream.localAddress(), yield* stream.remoteAddress()]
}

test('addresses that were asked for are remembered after a reset and after a close', (t) => {
  let before: unknown
  broken(
    function* (stream) {
      before = yield* addresses(stream)
    },
    function* (stream) {
      t.deepEqual(yield* addresses(stream), before)
      yield* stream.close()
      t.deepEqual(yield* addresses(stream), before)
    },
  )
})

test('the peer’s address that was not asked for in time is ENOTCONN, and a ClosedError after the close', (t) => {
  broken(
    function* () {},
    function* (stream) {
      t.like(yield* thrownBy(() => stream.remoteAddress()), { name: 'SystemError', code: 'ENOTCONN' })
      t.is((yield* stream.localAddress()).family, 'ipv4')
      yield* stream.close()
      t.like(yield* thrownBy(() => stream.remoteAddress()), { name: 'ClosedError', code: 'DRUPE_CLOSED' })
    },
  )
})

test('end after a reset says nothing, before and after the reset was seen', (t) => {
  broken(
    function* () {},
    function* (stream) {
      yield* stream.end()
      t.like(yield* thrownBy(stream.read()), { code: 'ECONNRESET' })
      yield* stream.end()
      yield* stream.close()
      yield* stream.close()
      t.like(yield* thrownBy(() => stream.end()), { name: 'ClosedError' })
    },
  )
})
