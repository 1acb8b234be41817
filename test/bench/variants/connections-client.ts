/**
 * The other side of ten thousand connections: `port count`. Opens them in waves, sends over each a message of its own,
 * checks that the same comes back, prints a JSON line, and holds them open. A line on stdin asks for another round
 * over all of them at once.
 *
 * One idea: every message carries the number of its connection, so an echo on the wrong one is seen. An address has some
 * 28,000 ports to connect from: after that, each twenty thousand connections come from an address of their own. (Only after
 * that, because choosing an address means a slow search for a port.)
 */
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { print } from './measure.js'

const [port = 0, count = 0] = process.argv.slice(2).map(Number)
const wave = 250
const perAddress = 20_000
const sockets: Socket[] = []

function open(id: number): Promise<Socket> {
  // On Linux all of 127.0.0.0/8 is this machine; elsewhere only the first address is.
  const address = Math.floor(id / perAddress)
  const localAddress = address === 0 ? undefined : `127.0.0.${1 + address}`
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, ...(localAddress && { localAddress }) }, () =>
      resolve(socket),
    )
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
  const first = sockets.length
  sockets.push(...(await Promise.all(Array.from({ length: some }, (_, i) => open(first + i)))))
}
await echoAll()
createInterface({ input: process.stdin }).on('line', echoAll)
