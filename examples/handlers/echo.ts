/**
 * The handler of echo-server-threads: every thread of the server loads this module.
 *
 * Start it: `npm run example -- echo-server-threads`. Try a handler that answers in capitals.
 */
import type { Operation, Stream } from 'drupe'

export default function* echo(stream: Stream): Operation<void> {
  for (let bytes = yield* stream.borrow(); bytes !== null; bytes = yield* stream.borrow()) yield* stream.write(bytes)
}
