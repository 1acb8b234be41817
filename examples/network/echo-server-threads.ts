/**
 * The echo server on every processor.
 *
 * Start it: `npm run example -- echo-server-threads 7000 4`. It serves in four threads, this one
 * among them; each has a kernel and a listener of its own, and the system shares out new
 * connections. A function cannot be sent to another thread, so the handler is named by its module.
 * Closing the kernel ends all threads: no new connections, cleanup, and a free port. Try a handler
 * that exits its thread: `serve` fails with that.
 */
import { availableParallelism } from 'node:os'
import { Kernel, listen, type Operation, serve } from 'drupe'

function* main(): Operation<void> {
  const listener = yield* listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 0), reusePort: true })
  console.log(`listening on port ${listener.port}`)
  const threads = Number(process.argv[3] ?? availableParallelism())
  yield* serve(listener, new URL('../handlers/echo.js', import.meta.url), { threads })
}

const kernel = new Kernel()
kernel.spawn(main)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => kernel.close())
