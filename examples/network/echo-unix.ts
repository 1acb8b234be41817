/**
 * An echo server on a Unix socket, and its client.
 *
 * Start it: `npm run example -- echo-unix`. The file is for its owner alone. It goes when the
 * listener is closed, and one that a killed server has left is replaced. Try a second `listen` on
 * the same path: it is `EADDRINUSE`.
 */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, listen, type Operation, run, type Stream, serve, spawn, use } from 'drupe'

const path = join(tmpdir(), `drupe-echo-${process.pid}.sock`)

function* echo(stream: Stream): Operation<void> {
  for (let bytes = yield* stream.borrow(); bytes !== null; bytes = yield* stream.borrow()) yield* stream.write(bytes)
}

await run(function* main() {
  const server = yield* spawn(serve(yield* listen({ path, mode: 0o600 }), echo))
  yield* use(connect({ path }), function* (stream) {
    yield* stream.write(new TextEncoder().encode('hello by a path\n'))
    console.log(yield* stream.readLine())
  })
  yield* server.cancel()
})
