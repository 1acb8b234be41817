/**
 * One line for `console.log`: what has a descriptor.
 */
import { inspect } from 'node:util'
import test from 'ava'
import { connect, listen, run, udp } from 'drupe'

test('console.log of a listener and of a stream is one line', async (t) => {
  const lines = await run(function* () {
    const listener = yield* listen({ host: '127.0.0.1', port: 0 })
    const stream = yield* connect({ host: '127.0.0.1', port: listener.port })
    const open = [inspect(listener), inspect(stream)]
    yield* stream.close()
    yield* listener.close()
    return [...open, inspect(listener), inspect(stream)]
  })
  t.regex(lines[0] as string, /^Listener \(127\.0\.0\.1:\d+, fd \d+\)$/)
  t.regex(lines[1] as string, /^Stream \(fd \d+\)$/)
  t.regex(lines[2] as string, /^Listener \(127\.0\.0\.1:\d+, closed\)$/)
  t.is(lines[3], 'Stream (closed)')
})

test('console.log of a datagram socket is one line', async (t) => {
  const lines = await run(function* () {
    const socket = yield* udp({ host: '127.0.0.1' })
    const open = inspect(socket)
    yield* socket.close()
    return [open, inspect(socket)]
  })
  t.regex(lines[0] as string, /^UdpSocket \(127\.0\.0\.1:\d+, fd \d+\)$/)
  t.regex(lines[1] as string, /^UdpSocket \(127\.0\.0\.1:\d+, closed\)$/)
})
