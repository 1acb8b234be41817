/**
 * Load for a server of HTTP: `node http-load.js PORT CONNECTIONS SECONDS WARMUP`, a closed loop with one request in flight per
 * connection. Prints "measuring" when the warm-up is over, and a JSON line at the end.
 *
 * It knows how long an answer is from the first one, so that it costs less than what it measures.
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

const [port = 0, connections = 1, seconds = 1, warmup = 1] = process.argv.slice(2).map(Number)
const request = Buffer.from('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
let length = 0
let requests = 0
let times: number[] = []

function begin(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket))
    let got = 0
    let sent = 0
    const ask = (): void => {
      sent = performance.now()
      socket.write(request)
    }
    socket.on('error', reject)
    socket.on('connect', ask)
    socket.on('data', (chunk) => {
      got += chunk.length
      // The first answer comes in one piece.
      if (length === 0) length = got
      if (got < length) return
      got = 0
      requests++
      times.push(performance.now() - sent)
      ask()
    })
  })
}

await begin()
while (length === 0) await wait(1)
const sockets = await Promise.all(Array.from({ length: connections - 1 }, begin))
await wait(warmup * 1000)
console.log('measuring')
requests = 0
times = []
const start = performance.now()
await wait(seconds * 1000)
const elapsed = performance.now() - start
times.sort((a, b) => a - b)
const at = (share: number): number => (times[Math.floor(times.length * share)] ?? 0) * 1000
const report = {
  requests,
  reqPerSec: (requests * 1000) / elapsed,
  p50us: at(0.5),
  p99us: at(0.99),
  sockets: sockets.length,
}
console.log(JSON.stringify(report))
process.exit()
