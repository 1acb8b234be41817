/**
 * Our server for the ten thousand: one kernel in guest mode, `stream` or `borrow` (the first argument), which can be
 * asked for its memory. Prints "listening PORT".
 */
import { listen, type Operation, run, type Stream, serve } from 'drupe'
import { answer } from './commands.js'
import { asked, memory } from './measure.js'

function* echoStream(stream: Stream): Operation<void> {
  for (let bytes = yield* stream.read(); bytes !== null; bytes = yield* stream.read()) yield* stream.write(bytes)
}

function* echoBorrow(stream: Stream): Operation<void> {
  for (let bytes = yield* stream.borrow(); bytes !== null; bytes = yield* stream.borrow()) yield* stream.write(bytes)
}

answer({ memory })
await run(function* (): Operation<void> {
  const listener = yield* listen({ host: '127.0.0.1', port: 0, backlog: 4096 })
  console.log(`listening ${listener.port}`)
  yield* serve(listener, asked('borrow') ? echoBorrow : echoStream)
})
