/**
 * The other side of ten thousand connections: `port count`. Opens them in waves, sends over each a message of its own,
 * checks that the same comes back, prints a JSON line, and holds them open. A line on stdin asks for another round
 * over all of them at once.
 *
 * One idea: every message carries the number of its connection, so an echo on the wrong one is seen.
 */
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { print } from './measure.js'

const [port = 0, count = 0] = process.argv.slice(2).map(Number)
const wave = 250
const sockets: Socket[] = []

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })
}

function echo(socket: Socket, id: number, round: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const message = `${id} in round ${round} `.padEnd(64, '.')
    let back = ''
    const onData = (chunk: Buffer): void => {
      back += chunk.toString('latin1')
      if (back.length < message.length) return
      socket.off('data', onData)
      if (back === message) resolve()
      else reject(new Error(`connection ${id} got another message back: ${back}`))
    }
    socket.on('data', onData)
    socket.write(message)
  })
}

let round = 0
async function echoAll(): Promise<void> {
  round++
  const begin = performance.now()
  await Promise.all(sockets.map((socket, id) => echo(socket, id, round)))
  print({ echoed: sockets.length, seconds: (performance.now() - begin) / 1000 })
}

while (sockets.length < count) {
  const some = Math.min(wave, count - sockets.length)
  sockets.push(...(await Promise.all(Array.from({ length: some }, open))))
}
await echoAll()
createInterface({ input: process.stdin }).on('line', echoAll)
