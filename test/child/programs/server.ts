/**
 * An echo server for process tests: prints its port, then serves until it is killed. `guest` or `blocking`.
 *
 * Every 200 ms of real time it would be asked about it prints nothing: what it did is told on exit through `stats` lines
 * that the test asks for by sending the line `stats` on standard input (guest mode only).
 */
import { type Instrument, listen, type Operation, run, runSync, serve } from 'drupe'
import { echo } from '../../modes/net-kit.js'

let steps = 0
const counter: Instrument = { beforeStep: () => void steps++ }

function* main(): Operation<void> {
  const listener = yield* listen({ host: '127.0.0.1', port: 0 })
  process.stdout.write(`${listener.port}\n`)
  yield* serve(listener, echo)
}

if (process.argv[2] === 'blocking') {
  runSync(main, { instruments: [counter] })
} else {
  process.stdin.on('data', () => {
    const { user, system } = process.cpuUsage()
    process.stdout.write(`${JSON.stringify({ steps, cpuMs: (user + system) / 1000 })}\n`)
  })
  process.stdin.unref()
  await run(main, { instruments: [counter] })
}
