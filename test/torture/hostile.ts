/**
 * Peers that flood, stall, trickle and reset, beside one that behaves: that one's echo stays right, and memory bounded.
 *
 * The peers are a process of their own (`node hostile.js PORT MS` of this very file), on Node's sockets.
 */
import { spawn as start } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectNode, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { clock, connect, listen, serve, sleep, spawn, until } from 'drupe'
import { complain, Dice, drive, type Figures, Sequence } from './kit.js'

const PEERS = 60
/**
 * Not for Windows: read buffers are WebAssembly's memory in Node 22, which reserves gigabytes of addresses each, and Wine keeps
 * a byte for each page of them.
 */
const MOST_MEBIBYTES = process.platform === 'win32' ? Number.POSITIVE_INFINITY : 256

export async function torture(seconds: number, seed: number): Promise<Figures> {
  const figures = { connections: 0, echoes: 0, errors: 0, 'mebibytes more': 0, fell: 0 }
  const left = await drive(function* () {
    const listener = yield* listen({ host: '127.0.0.1', port: 0 })
    const server = yield* spawn(
      serve(
        listener,
        function* (stream) {
          figures.connections++
          for (let got = yield* stream.borrow(); got !== null; got = yield* stream.borrow()) {
            yield* stream.write(got, { timeout: 500 })
          }
        },
        { onError: () => void figures.errors++ },
      ),
    )
    const before = process.memoryUsage.rss()
    const program = fileURLToPath(import.meta.url)
    const peers = start(process.execPath, [program, String(listener.port), String(seconds * 1000), String(seed)], {
      stdio: 'inherit',
    })
    const end = (yield* clock()) + seconds * 1000
    const stream = yield* connect({ host: '127.0.0.1', port: listener.port })
    const sequence = new Sequence(seed)
    const dice = new Dice(seed)
    for (let at = 0; (yield* clock()) < end; figures.echoes++) {
      const piece = sequence.at(at, dice.size(50_000))
      yield* stream.write(piece)
      const echo = yield* stream.readExactly(piece.length, { timeout: 30_000 })
      if (!sequence.matches(at, echo)) figures.fell += complain('a wrong echo')
      at += piece.length
      const more = Math.round((process.memoryUsage.rss() - before) / 1_048_576)
      figures['mebibytes more'] = Math.max(figures['mebibytes more'], more)
      yield* sleep(1)
    }
    yield* stream.close()
    const closed = once(peers, 'close')
    peers.kill('SIGKILL')
    yield* until(closed)
    yield* server.cancel()
  })
  if (figures['mebibytes more'] > MOST_MEBIBYTES) figures.fell += complain('too much memory')
  figures.fell += left
  return figures
}

/** One hostile peer after the other in each of so many places. */
function attack(port: number, dice: Dice): void {
  const socket: Socket = connectNode(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.on('close', () => setImmediate(attack, port, dice))
  const life = setTimeout(() => (dice.chance(0.5) ? socket.resetAndDestroy() : socket.destroy()), dice.random() * 400)
  socket.on('close', () => clearTimeout(life))
  const kind = dice.below(4)
  const flood = Buffer.alloc(10_000 + dice.below(200_000), 1)
  socket.on('connect', () => {
    if (kind === 0) {
      // Floods, and reads nothing.
      socket.pause()
      const more = (): void => {
        while (!socket.destroyed && socket.write(flood));
      }
      socket.on('drain', more)
      more()
    } else if (kind === 1) {
      // Says a little, and then nothing.
      socket.write('x')
    } else if (kind === 2) {
      // A byte at a time.
      const trickle = setInterval(() => socket.write('y'), 5)
      socket.on('close', () => clearInterval(trickle))
    } else {
      socket.write(flood)
      socket.resetAndDestroy()
    }
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , port, ms, seed] = process.argv.map(Number)
  for (let i = 0; i < PEERS; i++) attack(port as number, new Dice((seed as number) * 100 + i))
  setTimeout(() => process.exit(), ms)
}
