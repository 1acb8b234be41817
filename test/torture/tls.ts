/**
 * A server over TLS between peers that behave, that are cancelled, cut off, stall, send garbage, break records or trust nobody.
 *
 * What must hold: an echo that comes is right, every error is of a documented class, nothing is left over, and memory of
 * sessions, which no collector sees, goes back.
 */
import {
  all,
  BrokenError,
  BusyError,
  Cancelled,
  ClosedError,
  clock,
  connect,
  type Listener,
  listen,
  moveOn,
  nursery,
  type Operation,
  type Stream,
  SystemError,
  serve,
  sleep,
  spawn,
  startTls,
  TimeoutError,
  TlsError,
  type TlsStream,
} from 'drupe'
import { issueCertificate } from 'drupe/testing'
import { complain, Dice, drive, type Figures, Sequence } from './kit.js'

const PEERS = 20
const MOST_MEBIBYTES = 256
const DOCUMENTED = [TlsError, TimeoutError, SystemError, ClosedError, BrokenError, BusyError]

const root = issueCertificate({ name: 'root', isCa: true })
const { cert, key } = issueCertificate({ name: 'server', hosts: ['localhost'], issuer: root })
const TRUSTING = { ca: root.cert, servername: 'localhost' }
const SUSPICIOUS = { ca: issueCertificate({ name: 'nobody', isCa: true }).cert, servername: 'localhost' }

export async function torture(seconds: number, seed: number): Promise<Figures> {
  const figures = { connections: 0, echoes: 0, errors: 0, 'mebibytes more': 0, fell: 0 }
  const judge = (error: unknown): void => {
    figures.errors++
    if (!DOCUMENTED.some((kind) => error instanceof kind)) figures.fell += complain('an error of another kind', error)
  }
  function* peer(listener: Listener<TlsStream>, dice: Dice, end: number): Operation<void> {
    while ((yield* clock()) < end) {
      figures.connections++
      const plain = yield* connect({ host: '127.0.0.1', port: listener.port })
      try {
        yield* KINDS[dice.below(KINDS.length)]?.(plain, dice, figures) ?? sleep(1)
      } catch (error) {
        if (error instanceof Cancelled) throw error
        judge(error)
      } finally {
        yield* plain.close()
      }
    }
  }
  const before = process.memoryUsage.rss()
  figures.fell += await drive(function* () {
    const listener = yield* listen({ host: '127.0.0.1', port: 0, tls: { cert, key, handshakeTimeout: 200 } })
    const server = yield* spawn(serve(listener, echo, { onError: judge, idleTimeout: 500 }))
    const end = (yield* clock()) + seconds * 1000
    yield* nursery(function* (n) {
      for (let i = 0; i < PEERS; i++) yield* n.spawn(peer(listener, new Dice(seed * 100 + i), end))
    })
    yield* server.cancel()
  })
  figures['mebibytes more'] = Math.round((process.memoryUsage.rss() - before) / 1_048_576)
  if (figures['mebibytes more'] > MOST_MEBIBYTES) figures.fell += complain('too much memory')
  return figures
}

function* echo(stream: TlsStream): Operation<void> {
  for (let bytes = yield* stream.read(); bytes !== null; bytes = yield* stream.read()) yield* stream.write(bytes)
  yield* stream.end()
}

type Kind = (plain: Stream, dice: Dice, figures: Record<string, number>) => Operation<unknown>

/** Echoes, each compared, and an end that is one. */
function* behaves(plain: Stream, dice: Dice, figures: Record<string, number>): Operation<void> {
  const stream = yield* startTls(plain, TRUSTING)
  const sequence = new Sequence(dice.below(1e6))
  for (let at = 0, left = dice.below(20); left > 0; left--) {
    const piece = sequence.at(at, dice.size(100_000))
    const [bytes] = yield* all([stream.readExactly(piece.length, { timeout: 30_000 }), stream.write(piece)])
    if (!sequence.matches(at, bytes)) figures['fell'] = (figures['fell'] ?? 0) + complain('a wrong echo')
    figures['echoes'] = (figures['echoes'] ?? 0) + 1
    at += piece.length
  }
  yield* stream.end()
  if ((yield* stream.read()) !== null) figures['fell'] = (figures['fell'] ?? 0) + complain('no end')
  yield* stream.close()
}

const KINDS: readonly Kind[] = [
  behaves,
  behaves,
  // Cancelled anywhere.
  (plain, dice, figures) => moveOn(dice.random() * 20, behaves(plain, dice, figures)),
  // Garbage, long or short, and then nothing.
  function* (plain, dice) {
    yield* plain.write(new Sequence(dice.below(1e6)).at(0, dice.size(10_000)).slice())
    yield* moveOn(dice.below(300), plain.readAll())
  },
  // Stalls before the handshake.
  (plain, dice) => moveOn(dice.below(300), plain.readAll()),
  // Cut off in the middle.
  function* (plain, dice) {
    const stream = yield* startTls(plain, TRUSTING)
    yield* stream.write(new Uint8Array(dice.size(50_000)))
    yield* plain.close()
    yield* stream.close()
  },
  // Breaks a record.
  function* (plain, dice) {
    const stream = yield* startTls(plain, TRUSTING)
    yield* plain.write(Uint8Array.of(23, 3, 3, 0, 40, ...new Array<number>(40).fill(dice.below(256))))
    yield* moveOn(300, stream.read())
    yield* stream.close()
  },
  // Trusts somebody else.
  (plain) => startTls(plain, SUSPICIOUS),
]
