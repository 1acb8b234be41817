/**
 * A chat room, for whatever streams its clients come on.
 *
 * Start it: `npm run example -- chat`. A client is two tasks: one says what the room says, the
 * other reads what the client says. If either ends, so does the other. Everybody has a buffer of
 * their own; who is slow loses the oldest lines, and keeps nobody waiting. Try `slow: 'close'`.
 * When the listener is closed the room goes on for a while, and then shows out who is still there.
 */
import {
  type Broadcast,
  type ByteStream,
  broadcast,
  Cancelled,
  ClosedError,
  type Listener,
  moveOn,
  type Operation,
  race,
  serve,
} from 'drupe'

const IDLE_MS = 60_000
const DRAIN_MS = 3000
const NAME_BYTES = 64
const LINE_BYTES = 1024

/** One client, until it leaves, has said nothing for a minute, or is shown out. */
export function* converse(stream: ByteStream, room: Broadcast<string>): Operation<void> {
  yield* stream.write('your name? ')
  const name = yield* moveOn(IDLE_MS, stream.readLine(NAME_BYTES), null)
  if (name === null || name === '') return
  const heard = room.subscribe()
  yield* room.publish(`* ${name} is here`)
  const hear = () => heard.each((line) => stream.write(`${line}\n`))
  const speak = () => listenTo(name, stream, room)
  try {
    yield* race([hear, speak])
  } catch (error) {
    if (error instanceof Cancelled) yield* stream.write('* the room is closed\n')
    throw error
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

/** A room, and everybody who comes, until the listener is closed and everybody is out. */
export function* chat(listener: Listener): Operation<void> {
  const room = broadcast<string>({ capacity: 100, slow: 'dropOldest' })
  try {
    yield* serve(listener, (stream) => converse(stream, room), { drainTimeout: DRAIN_MS })
  } catch (error) {
    if (!(error instanceof ClosedError)) throw error
  }
}
