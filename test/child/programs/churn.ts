/**
 * A server and its clients in one process: so many connections, each with one message. Prints how many had their answer, how
 * many failed, and how many descriptors are left open beside the listener.
 */
import { readdirSync } from 'node:fs'
import { connect, listen, type Operation, run, type Stream, serve, spawn, timeout } from 'drupe'

const CONNECTIONS = 200
const openFds = (): number => readdirSync('/proc/self/fd').length

function* echo(stream: Stream): Operation<void> {
  for (let bytes = yield* stream.read(); bytes !== null; bytes = yield* stream.read()) yield* stream.write(bytes)
}

function* ask(port: number, byte: number): Operation<boolean> {
  const stream = yield* connect({ host: '127.0.0.1', port })
  try {
    yield* stream.write(new Uint8Array([byte]))
    const answer = yield* timeout(100_000, stream.readExactly(1))
    return answer[0] === byte
  } finally {
    yield* stream.close()
  }
}

await run(function* () {
  const listener = yield* listen({ host: '127.0.0.1', port: 0 })
  const server = yield* spawn(serve(listener, echo))
  const before = openFds()
  let answered = 0
  let failed = 0
  for (let i = 0; i < CONNECTIONS; i++) {
    try {
      if (yield* ask(listener.port, i & 255)) answered++
    } catch {
      failed++
    }
  }
  yield* server.cancel()
  console.log(`${answered} answered, ${failed} failed, ${openFds() + 1 - before} left`)
})
