/**
 * Bytes both ways in pieces of random size, by every way to write and to read, each compared with what it should be.
 */
import {
  BufferedWriter,
  clock,
  connect,
  type Listener,
  listen,
  nursery,
  type Operation,
  type Stream,
  sleep,
} from 'drupe'
import { complain, Dice, drive, type Figures, Sequence } from './kit.js'

const LANES = 8
const MOST_BYTES = 4 * 1024 * 1024
const LARGEST_PIECE = 300_000

/** How bytes are made for a write, and what is done with their memory afterwards. */
export interface Memory {
  fresh(bytes: Uint8Array): Uint8Array
  after(bytes: Uint8Array): void
}

const PLAIN: Memory = { fresh: (bytes) => bytes, after: () => {} }

export async function torture(seconds: number, seed: number): Promise<Figures> {
  return traffic(seconds, seed, PLAIN)
}

/** The traffic, with a memory of one's own and a daemon beside it. */
export async function traffic(
  seconds: number,
  seed: number,
  memory: Memory,
  beside?: () => Operation<unknown>,
): Promise<Figures> {
  const figures = { connections: 0, mebibytes: 0, fell: 0 }
  let bytes = 0
  const left = await drive(function* () {
    const end = (yield* clock()) + seconds * 1000
    const listener = yield* listen({ host: '127.0.0.1', port: 0 })
    yield* nursery(function* (n) {
      if (beside !== undefined) yield* n.spawn(beside, { daemon: true })
      for (let lane = 0; lane < LANES; lane++) {
        yield* n.spawn(function* () {
          const dice = new Dice(seed * 1000 + lane)
          while ((yield* clock()) < end) {
            const [there, back] = yield* pair(listener)
            const counts = yield* both(there, back, dice, memory)
            figures.connections++
            bytes += counts.bytes
            figures.fell += counts.fell
          }
        })
      }
    })
    yield* listener.close()
  })
  figures.fell += left
  figures.mebibytes = Math.round(bytes / 1_048_576)
  return figures
}

/** The two ends of one connection. Lanes share the listener, so the ends are matched by their ports. */
function* pair(listener: Listener): Operation<readonly [Stream, Stream]> {
  const client = yield* connect({ host: '127.0.0.1', port: listener.port })
  const port = portOf(yield* client.localAddress())
  for (;;) {
    const waiting = unclaimed.get(port)
    if (waiting !== undefined) {
      unclaimed.delete(port)
      return [client, waiting]
    }
    if (accepting) {
      yield* sleep(0)
      continue
    }
    accepting = true
    try {
      const server = yield* listener.accept()
      unclaimed.set(portOf(yield* server.remoteAddress()), server)
    } finally {
      accepting = false
    }
  }
}

const unclaimed = new Map<number, Stream>()
let accepting = false
const portOf = (address: { family: string; port?: number }): number => address.port ?? 0

function* both(a: Stream, b: Stream, dice: Dice, memory: Memory): Operation<{ bytes: number; fell: number }> {
  const counts = { bytes: 0, fell: 0 }
  yield* nursery(function* (n) {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const sequence = new Sequence(dice.below(1_000_000))
      const total = dice.size(MOST_BYTES)
      counts.bytes += total
      const [sending, receiving] = [new Dice(dice.below(1e9)), new Dice(dice.below(1e9))]
      yield* n.spawn(() => send(from, sequence, total, sending, memory))
      yield* n.spawn(function* () {
        const wrong = yield* receive(to, sequence, total, receiving)
        counts.fell += wrong
      })
    }
  })
  yield* a.close()
  yield* b.close()
  return counts
}

function* send(stream: Stream, sequence: Sequence, total: number, dice: Dice, memory: Memory): Operation<void> {
  let sent = 0
  const next = (): Uint8Array => {
    const piece = memory.fresh(sequence.at(sent, Math.min(total - sent, dice.size(LARGEST_PIECE))))
    sent += piece.length
    return piece
  }
  while (sent < total) {
    const kind = dice.below(4)
    if (kind === 0) {
      const piece = next()
      yield* stream.write(piece)
      memory.after(piece)
    } else if (kind === 1) {
      const pieces: Uint8Array[] = []
      for (let i = dice.below(20); i >= 0 && sent < total; i--) pieces.push(next())
      yield* stream.write(pieces)
      for (const piece of pieces) memory.after(piece)
    } else if (kind === 2) {
      const piece = next()
      for (let done = 0; done < piece.length; ) done += yield* stream.writeSome(piece.subarray(done))
      memory.after(piece)
    } else {
      const writer = new BufferedWriter(stream)
      for (let i = dice.below(20); i >= 0 && sent < total; i--) {
        const piece = next()
        yield* writer.write(piece)
        memory.after(piece)
      }
      yield* writer.flush()
    }
  }
  yield* stream.end()
}

function* receive(stream: Stream, sequence: Sequence, total: number, dice: Dice): Operation<number> {
  let got = 0
  let fell = 0
  const take = (bytes: Uint8Array): void => {
    if (!sequence.matches(got, bytes)) fell += complain(`wrong bytes from ${got} on, ${bytes.length} of ${total}`)
    got += bytes.length
  }
  for (;;) {
    const kind = dice.below(5)
    if (kind === 0) {
      const chunk = yield* stream.read(dice.chance(0.5) ? undefined : dice.size(LARGEST_PIECE))
      if (chunk === null) break
      take(chunk)
    } else if (kind === 1) {
      const chunk = yield* stream.borrow(dice.chance(0.5) ? undefined : dice.size(LARGEST_PIECE))
      if (chunk === null) break
      take(chunk)
    } else if (kind === 2) {
      const buffer = new Uint8Array(dice.size(LARGEST_PIECE))
      const count = yield* stream.readInto(buffer)
      if (count === 0) break
      take(buffer.subarray(0, count))
    } else if (kind === 3) {
      const most = Math.min(total - got, dice.size(LARGEST_PIECE))
      if (most > 0) take(yield* stream.readExactly(most))
    } else {
      const chunk = yield* stream.read()
      if (chunk === null) break
      const keep = dice.below(chunk.length + 1)
      take(chunk.subarray(0, keep))
      if (keep < chunk.length) stream.unread(chunk.subarray(keep))
    }
  }
  return fell + (got === total ? 0 : complain(`${got} bytes came of ${total}`))
}
