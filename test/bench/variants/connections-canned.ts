/**
 * Idle connections without a system, as many as `n=` says: `serve` and an echo handler over a driver that accepts them
 * all, gives each one message and then nothing. `stream` or `borrow` picks the handler.
 */
import { checkpoint, Kernel, listen, type Operation, type Stream, serve, spawn } from 'drupe'
import { CannedDriver } from './canned-driver.js'
import { asked, memory, print, size } from './measure.js'

const count = size(100_000)
const few = 100

function* echoStream(stream: Stream): Operation<void> {
  for (let bytes = yield* stream.read(); bytes !== null; bytes = yield* stream.read()) yield* stream.write(bytes)
}

function* echoBorrow(stream: Stream): Operation<void> {
  for (let bytes = yield* stream.borrow(); bytes !== null; bytes = yield* stream.borrow()) yield* stream.write(bytes)
}

function* serveAll(driver: CannedDriver, count: number): Operation<void> {
  const listener = yield* listen({ host: '127.0.0.1', port: 0 })
  yield* spawn(serve(listener, asked('borrow') ? echoBorrow : echoStream))
  while (driver.accepted < count) yield* checkpoint()
  // Until the last one has had its message and waits for the next.
  for (let i = 0; i < few; i++) yield* checkpoint()
}

function weigh(count: number, weighed: (driver: CannedDriver) => void): void {
  const driver = new CannedDriver('once', count)
  new Kernel({ driver }).runSync(function* () {
    const server = yield* spawn(serveAll(driver, count))
    while (driver.accepted < count) yield* checkpoint()
    for (let i = 0; i < 2 * few; i++) yield* checkpoint()
    weighed(driver)
    yield* server.cancel()
  })
}

// So that the code and its feedback are there before anything is weighed.
weigh(few, () => {})
const before = memory()
weigh(count, (driver) => {
  const after = memory()
  const each = (key: 'heap' | 'held' | 'rss'): number => (after[key] - before[key]) / count
  print({ heap: each('heap'), held: each('held'), rss: each('rss'), echoed: driver.accepted, buffers: driver.lent })
})
