/** Our echo over UDP. Prints "listening PORT". */
import { writeSync } from 'node:fs'
import { run, udp } from 'drupe'

await run(function* () {
  const socket = yield* udp({ host: '127.0.0.1' })
  writeSync(1, `listening ${socket.port}\n`)
  for (;;) {
    const { bytes, from } = yield* socket.receive()
    yield* socket.send(bytes, from)
  }
})
