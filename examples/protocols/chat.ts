/**
 * A chat room, for whatever streams its clients come on.
 *
 * Start it: `npm run example -- chat`. A client is two tasks: one says what the room says, the
 * other reads what the client says. If either ends, so does the other. Everybody has a buffer of
 * their own; who is slow loses the oldest lines, and keeps nobody waiting. Try `slow: 'close'`.
 */
import { type Broadcast, type ByteStream, broadcast, type Listener, moveOn, type Operation, race, serve } from 'drupe'

const IDLE_MS = 60_000
const NAME_BYTES = 64
const LINE_BYTES = 1024

/** One client, until it leaves or has said nothing for a minute. */
export function* converse(stream: ByteStream, room: Broadcast<string>): Operation<void> {
  yield* stream.write('your name? ')
  const name = yield* moveOn(IDLE_MS, stream.readLine(NAME_BYTES), null)
  if (name === null || name === '') return
  const heard = room.subscribe()
  yield* room.publish(`* ${name} is here`)
  try {
    yield* race([heard.each((line) => stream.write(`${line}\n`)), () => listenTo(name, stream, room)])
  } finally {
    yield* heard.close()
    yield* room.tryPublish(`* ${name} has left`)
  }
}

function* listenTo(name: string, stream: ByteStream, room: Broadcast<string>): Operation<void> {
  for (;;) {
    const line = yield* moveOn(IDLE_MS, stream.readLine(LINE_BYTES), null)
    if (line === null) return
    yield* room.publish(`${name}: ${line}`)
  }
}

/** A room, and everybody who comes. */
export function* chat(listener: Listener): Operation<never> {
  const room = broadcast<string>({ capacity: 100, slow: 'dropOldest' })
  return yield* serve(listener, (stream) => converse(stream, room))
}
