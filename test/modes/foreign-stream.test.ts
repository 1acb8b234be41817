/**
 * A stream in a kernel that did not open it: its bytes are the right ones, though the kernel does not refuse it.
 */
import test from 'ava'
import { connect, Kernel, listen, spawn } from 'drupe'

test('a stream of another kernel reads and writes the bytes of its own connection', async (t) => {
  if (process.platform === 'win32') {
    t.log('skipped: there a descriptor of one kernel is none of another')
    return t.pass()
  }
  const [own, other] = [new Kernel(), new Kernel()]
  const listener = await own.run(() => listen({ port: 0, host: '127.0.0.1' }))
  const { port } = listener.address as { readonly port: number }
  const [client, server] = await own.run(function* () {
    const accepting = yield* spawn(() => listener.accept())
    const stream = yield* connect({ host: '127.0.0.1', port })
    return [stream, yield* accepting.join()] as const
  })
  await other.run(() => client.write(Uint8Array.of(1, 2)))
  t.deepEqual([...(await own.run(() => server.readExactly(2)))], [1, 2])
  const reading = other.run(() => client.readExactly(3))
  await own.run(() => server.write(Uint8Array.of(3, 4, 5)))
  t.deepEqual([...(await reading)], [3, 4, 5])
  await own.run(function* () {
    yield* client.close()
    yield* server.close()
    yield* listener.close()
  })
  await other.close()
  await own.close()
})
