/**
 * A graceful shutdown: no more connections, requests under way are finished, and what takes longer
 * than its time is cancelled and says so.
 *
 * Start it: `npm run example -- graceful-shutdown`. The program sends itself SIGTERM, as a
 * container does. Closing the listener begins the drain, `drainTimeout` ends it. Try 1000 for it:
 * then the slow request is finished as well.
 */
import {
  Cancelled,
  ClosedError,
  type Connection,
  connect,
  type Listener,
  listen,
  main,
  type Operation,
  serve,
  signals,
  sleep,
  spawn,
  subscribe,
  use,
} from 'drupe'

const DRAIN_MS = 100

function* handle(stream: Connection): Operation<void> {
  const work = yield* stream.readLine()
  try {
    yield* sleep(work === 'quick' ? 30 : 500)
    yield* stream.write(`${work}: done\n`)
  } catch (error) {
    // The answer is a part of the cleanup, which has its grace. Any other error is no cancel, such
    // as that of a client that is gone.
    if (error instanceof Cancelled) yield* stream.write(`${work}: the server shuts down\n`)
    throw error
  }
}

/** Until the listener is closed and the last connection is over. */
function* serveAll(listener: Listener): Operation<void> {
  try {
    yield* serve(listener, handle, { drainTimeout: DRAIN_MS })
  } catch (error) {
    if (!(error instanceof ClosedError)) throw error
    console.log('drained')
  }
}

function* request(port: number, work: string): Operation<void> {
  yield* use(connect({ host: '127.0.0.1', port }), function* (stream) {
    yield* stream.write(`${work}\n`)
    console.log(`answer: ${yield* stream.readLine()}`)
  })
}

await main(
  function* () {
    const told = yield* subscribe(signals('SIGTERM'))
    const listener = yield* listen({ host: '127.0.0.1', port: 0 })
    yield* spawn(serveAll(listener))
    yield* spawn(request(listener.port, 'quick'))
    yield* spawn(request(listener.port, 'slow'))
    yield* spawn(function* () {
      yield* sleep(20)
      process.kill(process.pid, 'SIGTERM')
    })
    console.log(`${(yield* told.next()).value}: no more connections`)
    yield* listener.close()
  },
  // SIGTERM is this program's own affair.
  { signals: ['SIGINT'] },
)
