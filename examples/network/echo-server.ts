/**
 * An echo server on streams.
 *
 * Start it: `npm run example -- echo-server 7000`, then `nc 127.0.0.1 7000`. `serve` gives every
 * connection a task of its own. Closing the kernel cancels them all, each closes its stream on its
 * way out, and with the last of them gone nothing holds the process any more. Try Ctrl-C while
 * somebody is there.
 */
import { Kernel, listen, type Operation, type Stream, serve } from 'drupe'

function* echo(stream: Stream): Operation<void> {
  for (let bytes = yield* stream.borrow(); bytes !== null; bytes = yield* stream.borrow()) yield* stream.write(bytes)
}

function* main(): Operation<void> {
  const listener = yield* listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 0) })
  console.log(`listening on port ${listener.port}`)
  yield* serve(listener, echo)
}

const kernel = new Kernel()
kernel.spawn(main)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => kernel.close())
