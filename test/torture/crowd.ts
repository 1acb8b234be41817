/**
 * Thousands of peers with three bytes each: what a plain echo server's memory grows by.
 *
 * The peers are in a process of their own (`node crowd.js PORT COUNT` of this very file).
 */
import { spawn as start } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectNode, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { clock, listen, serve, sleep, spawn, until } from 'drupe'
import { complain, drive, type Figures } from './kit.js'

const PEERS = 12_000
/** For what the process itself has open. */
const SPARE_DESCRIPTORS = 500
const MOST_MEBIBYTES = 200
const MESSAGE = 'abc'

export async function torture(seconds: number): Promise<Figures> {
  const limit = Number(/Max open files +(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
  const count = Math.min(PEERS, limit - SPARE_DESCRIPTORS)
  const figures = { connections: 0, served: 0, 'mebibytes more': 0, fell: 0 }
  const left = await drive(function* () {
    const listener = yield* listen({ host: '127.0.0.1', port: 0, backlog: 4096 })
    const server = yield* spawn(
      serve(listener, function* (stream) {
        figures.connections++
        for (let got = yield* stream.borrow(); got !== null; got = yield* stream.borrow()) {
          yield* stream.write(got)
          figures.served++
        }
      }),
    )
    const before = process.memoryUsage.rss()
    const program = fileURLToPath(import.meta.url)
    const peers = start(process.execPath, [program, String(listener.port), String(count)], {
      stdio: ['pipe', 'inherit', 'inherit'],
    })
    const end = (yield* clock()) + Math.max(30, seconds) * 1000
    while (figures.connections < count && (yield* clock()) < end) yield* sleep(10)
    peers.stdin.write('go')
    // All have something to say before the server looks.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000)
    while (figures.served < count && (yield* clock()) < end) {
      const more = Math.round((process.memoryUsage.rss() - before) / 1_048_576)
      figures['mebibytes more'] = Math.max(figures['mebibytes more'], more)
      yield* sleep(1)
    }
    const closed = Promise.all([once(peers, 'close'), once(peers.stdin, 'close')])
    peers.stdin.destroy()
    peers.kill('SIGKILL')
    yield* until(closed)
    yield* server.cancel()
  })
  if (figures.served < count) figures.fell += complain(`only ${figures.served} of ${count} were served`)
  if (figures['mebibytes more'] > MOST_MEBIBYTES) figures.fell += complain('too much memory')
  figures.fell += left
  return figures
}

/** All connect first; then, when told, all send at once. */
async function crowd(port: number, count: number): Promise<void> {
  const sockets: Socket[] = []
  for (let i = 0; i < count; i += 500) {
    const some = Array.from({ length: Math.min(500, count - i) }, () => connectNode(port, '127.0.0.1'))
    await Promise.all(some.map((socket) => once(socket, 'connect')))
    sockets.push(...some)
  }
  await once(process.stdin, 'data')
  for (const socket of sockets) socket.on('error', () => {}).write(MESSAGE)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , port, count] = process.argv.map(Number)
  await crowd(port as number, count as number)
}
