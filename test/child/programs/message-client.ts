/** Counts for whoever listens, until it is told to die. */
import { connectMessages, type Operation, spawn, use } from 'drupe'

export function* count(port: number, key: string): Operation<void> {
  yield* use(connectMessages({ host: '127.0.0.1', port, key }), function* (messages) {
    yield* spawn(function* () {
      if ((yield* messages.receive()) === 'die') process.kill(process.pid, 'SIGKILL')
    })
    for (let n = 0; ; n++) yield* messages.send({ n })
  })
}
