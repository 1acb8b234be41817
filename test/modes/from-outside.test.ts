/**
 * Cancels that come from the host's code, between two turns of a guest kernel, for a task that is alone: nothing else makes the
 * kernel look, and a driver tells the OS of what was withdrawn when it is polled.
 */
import test from 'ava'
import { connect, Kernel, listen, type Operation, sleep, udp } from 'drupe'
import { PATIENCE_MS } from '../patience.js'

const LOCAL = { host: '127.0.0.1', port: 0 } as const

const WAITS: Readonly<Record<string, () => Operation<unknown>>> = {
  *sleep() {
    yield* sleep(60_000)
  },
  *accept() {
    return yield* (yield* listen(LOCAL)).accept()
  },
  *read() {
    const listener = yield* listen(LOCAL)
    const stream = yield* connect({ host: '127.0.0.1', port: listener.port })
    return yield* stream.read()
  },
  *receive() {
    return yield* (yield* udp(LOCAL)).receive()
  },
  *'cleanup that waits in accept, until the grace is over'() {
    const listener = yield* listen(LOCAL)
    try {
      yield* sleep(60_000)
    } finally {
      yield* listener.accept()
    }
  },
}

for (const [wait, op] of Object.entries(WAITS)) {
  test(`a cancel from outside reaches a task that is alone: ${wait}`, async (t) => {
    t.timeout(PATIENCE_MS)
    const kernel = new Kernel({ grace: 5 })
    const stop = new AbortController()
    const run = kernel.run(op, { signal: stop.signal })
    // Until the kernel rests.
    await new Promise((resolve) => setTimeout(resolve, 20))
    const why = new Error('enough')
    stop.abort(why)
    await t.throwsAsync(run, { is: why })
    await kernel.close()
  })
}
