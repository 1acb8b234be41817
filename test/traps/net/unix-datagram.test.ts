/**
 * Unix datagrams where no system is behind them: on simulated hosts, and in words where there are none.
 */
import test from 'ava'
import { type Operation, run, socketPair, spawn, timeout, UnsupportedError, unixDatagram, using } from 'drupe'
import { SimNetwork, virtual } from 'drupe/testing'
import { thrownBy } from '../../kit.js'

const PATH = '/run/log'
const MANY = 50

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

for (const style of ['readiness', 'completion'] as const) {
  test(`simulated, ${style}: a path is its host’s own, and a sender waits for its peer`, (t) => {
    const network = new SimNetwork({ seed: 7 })
    for (const name of ['here', 'there']) network.host(name, { style })
    const talk = function* (): Operation<unknown> {
      const log = yield* using(yield* unixDatagram({ path: PATH }))
      const program = yield* using(yield* unixDatagram({ remote: PATH }))
      const free = yield* using(yield* unixDatagram({ path: '\0free' }))
      const sending = yield* spawn(function* () {
        for (let i = 0; i < MANY; i++) yield* program.send(String(i))
        for (let i = 0; i < MANY; i++) yield* free.send(String(i), PATH)
      })
      const late = (yield* thrownBy(timeout(10, sending.join()))) as Error
      const seen: string[] = []
      for (let i = 0; i < 2 * MANY; i++) {
        const { bytes, from } = yield* log.receive()
        seen.push(text(bytes) + (from ?? ''))
      }
      yield* sending.join()
      return [late.name, seen.every((one, i) => one === (i < MANY ? `${i}` : `${i - MANY}\0free`))]
    }
    t.deepEqual(network.run({ here: talk, there: talk }), {
      here: ['TimeoutError', true],
      there: ['TimeoutError', true],
    })
  })
}

test('simulated: stale files, pairs and peers as on Linux', (t) => {
  const network = new SimNetwork()
  const host = network.host('a')
  const left = network.run({
    *a() {
      const first = yield* unixDatagram({ path: PATH })
      const taken = yield* codeOf(unixDatagram({ path: PATH }))
      const [a, b] = yield* socketPair({ datagrams: true })
      yield* a.send('x')
      const { from } = yield* b.receive()
      yield* a.close()
      const gone = [yield* codeOf(b.send('y')), yield* codeOf(b.send('y'))]
      yield* b.close()
      yield* first.close()
      return [taken, from, gone, host.unlink(PATH)]
    },
  })
  t.deepEqual(left, { a: ['EADDRINUSE', null, ['ECONNREFUSED', 'ENOTCONN'], false] })
})

test('where there are no Unix datagrams, that is said', (t) => {
  for (const op of [unixDatagram({ path: PATH }), unixDatagram(), socketPair({ datagrams: true })])
    t.true(virtual({}, () => thrownBy(op)) instanceof UnsupportedError)
})

test('what cannot be is refused at the call', async (t) => {
  t.throws(() => unixDatagram({ path: '' }), { instanceOf: RangeError, message: /path must be a path/ })
  t.throws(() => unixDatagram({ mode: 0o600 }), { instanceOf: TypeError, message: /mode is for the path of a file/ })
  await run(function* () {
    const socket = yield* using(yield* unixDatagram())
    t.throws(() => socket.send('x'), { instanceOf: TypeError, message: /only a connected socket needs none/ })
    const long = `/tmp/${'x'.repeat(200)}`
    t.is(((yield* thrownBy(socket.send('x', long))) as Error).name, 'RangeError')
    t.is(((yield* thrownBy(unixDatagram({ path: long }))) as Error).name, 'RangeError')
    t.is(yield* codeOf(socket.send(new Uint8Array(10_000_000), '/nowhere')), 'EMSGSIZE')
  })
})

function* codeOf(op: Operation<unknown>): Operation<string> {
  return ((yield* thrownBy(op)) as { code: string }).code
}
