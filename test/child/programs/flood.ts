/** A client that floods the server on the given port until it is killed. */
import { connect, run } from 'drupe'

await run(function* () {
  const stream = yield* connect({ host: '127.0.0.1', port: Number(process.argv[2]) })
  const bytes = new Uint8Array(100_000)
  for (;;) yield* stream.write(bytes)
})
