/**
 * Connections that are closed, ended, cancelled and given too little time at random moments, on either side.
 *
 * What arrives is always a beginning of what was sent; errors are of the documented kinds; nothing is left over.
 */
import {
  clock,
  connect,
  listen,
  moveOn,
  nursery,
  type Operation,
  race,
  type Stream,
  scope,
  serve,
  sleep,
  spawn,
  timeout,
} from 'drupe'
import { complain, Dice, drive, type Figures, Sequence } from './kit.js'

const LANES = 16
const EXPECTED =
  /^(DRUPE_TIMEOUT|DRUPE_CLOSED|DRUPE_BROKEN|DRUPE_BUSY|ECONNRESET|EPIPE|ENOTCONN|ECONNABORTED|DRUPE_TASK_CANCELLED)$/

export async function torture(seconds: number, seed: number): Promise<Figures> {
  const figures = { connections: 0, mebibytes: 0, cancels: 0, errors: 0, fell: 0 }
  let bytes = 0
  /** The server's end of each connection is told by its first eight bytes what is coming. */
  const starts = new Map<number, Sequence>()

  function judge(error: unknown): void {
    figures.errors++
    const code = (error as { code?: string } | null)?.code ?? String(error)
    if (!EXPECTED.test(code)) figures.fell += complain('an error of another kind', error)
  }

  const left = await drive(function* () {
    const end = (yield* clock()) + seconds * 1000
    const listener = yield* listen({ host: '127.0.0.1', port: 0 })
    let served = 0
    const server = yield* spawn(
      serve(
        listener,
        function* (stream) {
          const dice = new Dice(seed * 7919 + served++)
          yield* strike(stream, dice, () => consume(stream, dice))
        },
        { onError: judge },
      ),
    )

    function* consume(stream: Stream, dice: Dice): Operation<void> {
      const head = yield* stream.readExactly(4)
      const sequence = starts.get(new DataView(head.buffer, head.byteOffset).getUint32(0)) as Sequence
      for (let got = 0; ; ) {
        const reading = dice.chance(0.5) ? stream.read() : stream.borrow(dice.size(100_000))
        const chunk = dice.chance(0.1) ? yield* moveOn(dice.random() * 2, reading, undefined) : yield* reading
        if (chunk === null) return
        if (chunk === undefined) continue
        if (!sequence.matches(got, chunk)) figures.fell += complain(`wrong bytes from ${got} on`)
        got += chunk.length
        bytes += chunk.length
      }
    }

    /** Runs a body on a stream, and something that ends it early. */
    function* strike(stream: Stream, dice: Dice, body: () => Operation<void>): Operation<void> {
      const ms = dice.random() * 20
      const kind = dice.below(7)
      if (kind <= 1) {
        yield* body()
      } else if (kind === 2) {
        yield* timeout(ms, body)
      } else if (kind === 3) {
        figures.cancels++
        yield* moveOn(ms, body)
      } else if (kind === 4) {
        figures.cancels++
        yield* race([body, () => sleep(ms)])
      } else {
        yield* scope({}, function* (s) {
          yield* nursery(function* (n) {
            const task = yield* n.spawn(body)
            yield* sleep(ms)
            if (kind === 5) {
              yield* stream.close()
            } else if (!task.ended) {
              figures.cancels++
              yield* s.cancel('chaos')
            }
          })
        })
      }
      if (dice.chance(0.5) && !stream.closed) yield* stream.end()
    }

    yield* nursery(function* (n) {
      for (let lane = 0; lane < LANES; lane++) {
        yield* n.spawn(function* () {
          const dice = new Dice(seed * 1000 + lane)
          while ((yield* clock()) < end) {
            const id = figures.connections++
            const sequence = new Sequence(dice.below(1_000_000))
            starts.set(id, sequence)
            try {
              const stream = yield* connect({ host: '127.0.0.1', port: listener.port })
              try {
                yield* strike(stream, dice, function* () {
                  const head = new Uint8Array(4)
                  new DataView(head.buffer).setUint32(0, id)
                  yield* stream.write(head)
                  for (let sent = 0; sent < 4_000_000; ) {
                    const piece = sequence.at(sent, dice.size(300_000))
                    yield* stream.write(piece)
                    sent += piece.length
                  }
                })
              } finally {
                yield* stream.close()
              }
            } catch (error) {
              judge(error)
            }
          }
        })
      }
    })
    yield* server.cancel()
  })
  figures.fell += left
  figures.mebibytes = Math.round(bytes / 1_048_576)
  return figures
}
