/**
 * A chat server: lines go to everybody in the room, and nobody waits for somebody slow.
 *
 * Start it: `npm run example -- chat 7000`, then `nc 127.0.0.1 7000` in two terminals. Without a
 * port it shows itself: two clients talk and leave, a third one stays until the room is closed. The
 * room is in examples/protocols/chat.ts. Try Ctrl-C while somebody is there, which ends it at once,
 * and SIGTERM, after which everybody has three seconds.
 */
import {
  type ByteStream,
  connect,
  type Listener,
  listen,
  main,
  type Operation,
  signals,
  spawn,
  subscribe,
  use,
} from 'drupe'
import { chat } from '../protocols/chat.js'

function* enter(stream: ByteStream, name: string): Operation<void> {
  yield* stream.readUntil('? ')
  yield* stream.write(`${name}\n`)
  console.log(`${name} reads: ${yield* stream.readLine()}`)
}

/** Somebody who says something, hears it, and goes. */
function* visit(port: number, name: string, lines: readonly string[]): Operation<void> {
  yield* use(connect({ host: '127.0.0.1', port }), function* (stream) {
    yield* enter(stream, name)
    for (const line of lines) {
      yield* stream.write(`${line}\n`)
      console.log(`${name} reads: ${yield* stream.readLine()}`)
    }
  })
}

/** Two come and go, a third one is there when the listener is closed. */
function* show(listener: Listener): Operation<void> {
  const { port } = listener
  yield* visit(port, 'Ada', ['hello?', 'nobody here'])
  yield* visit(port, 'Grace', ['good evening'])
  yield* use(connect({ host: '127.0.0.1', port }), function* (stream) {
    yield* enter(stream, 'Radia')
    yield* listener.close()
    for (let line = yield* stream.readLine(); line !== null; line = yield* stream.readLine()) {
      console.log(`Radia reads: ${line}`)
    }
  })
}

await main(function* () {
  const port = Number(process.argv[2] ?? 0)
  const told = yield* subscribe(signals('SIGTERM'))
  const listener = yield* listen({ host: '127.0.0.1', port })
  yield* spawn(chat(listener), { name: 'chat' })
  if (port === 0) return yield* show(listener)
  console.log(`chatting on port ${port}`)
  yield* told.next()
  // From now on SIGTERM is like Ctrl-C: another one ends the drain.
  yield* told.close()
  yield* listener.close()
})
