/**
 * Connect, echo, close, as fast as it goes: no descriptor more afterwards, and no connection whose echo is wrong.
 */
import { clock, connect, listen, nursery, serve, spawn } from 'drupe'
import { openDescriptors } from '../open-descriptors.js'
import { complain, drive, type Figures } from './kit.js'

const LANES = 32

export async function torture(seconds: number): Promise<Figures> {
  const figures = { connections: 0, 'most descriptors': 0, fell: 0 }
  const left = await drive(function* () {
    const end = (yield* clock()) + seconds * 1000
    const listener = yield* listen({ host: '127.0.0.1', port: 0 })
    const server = yield* spawn(
      serve(listener, function* (stream) {
        for (let got = yield* stream.borrow(); got !== null; got = yield* stream.borrow()) yield* stream.write(got)
      }),
    )
    yield* nursery(function* (n) {
      for (let lane = 0; lane < LANES; lane++) {
        yield* n.spawn(function* () {
          const byte = new Uint8Array([lane])
          while ((yield* clock()) < end) {
            const stream = yield* connect({ host: '127.0.0.1', port: listener.port })
            yield* stream.write(byte)
            const answer = yield* stream.readExactly(1)
            if (answer[0] !== lane) figures.fell += complain('a wrong echo')
            yield* stream.close()
            if (++figures.connections % 10_000 === 0)
              figures['most descriptors'] = Math.max(figures['most descriptors'], openDescriptors())
          }
        })
      }
    })
    yield* server.cancel()
  })
  figures.fell += left
  return figures
}
