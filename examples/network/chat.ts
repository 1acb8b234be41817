/**
 * A chat server: lines go to everybody in the room, and nobody waits for somebody slow.
 *
 * Start it: `npm run example -- chat 7000`, then `nc 127.0.0.1 7000` in two terminals. Without a
 * port it shows itself: two clients talk, and leave. The room is in examples/protocols/chat.ts.
 * Try Ctrl-C while somebody is there: everybody's connection is closed, and the program ends.
 */
import { connect, listen, main, type Operation, spawn, use } from 'drupe'
import { chat } from '../protocols/chat.js'

/** Somebody who says something, hears it, and goes. */
function* visit(port: number, name: string, lines: readonly string[]): Operation<void> {
  yield* use(connect({ host: '127.0.0.1', port }), function* (stream) {
    yield* stream.readUntil('? ')
    yield* stream.write(`${name}\n`)
    console.log(`${name} reads: ${yield* stream.readLine()}`)
    for (const line of lines) {
      yield* stream.write(`${line}\n`)
      console.log(`${name} reads: ${yield* stream.readLine()}`)
    }
  })
}

await main(function* () {
  const port = Number(process.argv[2] ?? 0)
  const listener = yield* listen({ host: '127.0.0.1', port })
  const server = yield* spawn(chat(listener))
  if (port !== 0) {
    console.log(`chatting on port ${port}`)
    return yield* server.join()
  }
  yield* visit(listener.port, 'Ada', ['hello?', 'nobody here'])
  yield* visit(listener.port, 'Grace', ['good evening'])
  yield* server.cancel()
})
