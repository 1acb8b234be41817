/**
 * The demonstration: an echo server and a hundred clients in one process.
 *
 * Start it: `npm run demo`. Every client is a task that connects, sends its messages one after the
 * other and checks each answer. The nursery is left when the last of them is done; then the server
 * is cancelled, and the kernel's own books show that nothing remains. Try a client that throws, or
 * `DRUPE_DRIVER=epoll`.
 */
import { connect, Kernel, listen, nursery, type Operation, type Stream, serve, spawn, timeout } from 'drupe'

const CLIENTS = 100
const MESSAGES = 50
const BYTES = 1024

let accepted = 0
let open = 0
let mostOpen = 0
let echoed = 0

function* echo(stream: Stream): Operation<void> {
  accepted++
  mostOpen = Math.max(mostOpen, ++open)
  try {
    for (let bytes = yield* stream.borrow(); bytes !== null; bytes = yield* stream.borrow()) yield* stream.write(bytes)
  } finally {
    open--
  }
}

function* client(port: number, id: number): Operation<void> {
  const stream = yield* connect({ host: '127.0.0.1', port, timeout: 10_000 })
  try {
    for (let round = 0; round < MESSAGES; round++) {
      yield* stream.write(new Uint8Array(BYTES).fill(id + round))
      const answer = yield* stream.readExactly(BYTES, { timeout: 10_000 })
      if (!answer.every((byte) => byte === ((id + round) & 255))) throw new Error(`client ${id} got a wrong answer`)
      echoed++
    }
  } finally {
    yield* stream.close()
  }
}

function* main(): Operation<number> {
  const listener = yield* listen({ host: '127.0.0.1', port: 0 })
  console.log(`echo server   listening on 127.0.0.1:${listener.port}`)
  const server = yield* spawn(serve(listener, echo), { name: 'server' })
  const start = performance.now()
  yield* nursery(function* (n) {
    for (let id = 0; id < CLIENTS; id++) yield* n.spawn(client(listener.port, id), { name: `client ${id}` })
    console.log(`clients       ${n.size} tasks, ${MESSAGES} messages of ${BYTES} bytes each`)
  })
  const ms = performance.now() - start
  yield* server.cancel('the demonstration is over')
  return ms
}

const kernel = new Kernel()
console.log(`driver        ${kernel.driver} (Node ${process.versions.node}, ${process.platform})`)
const ms = await kernel.run(timeout(60_000, main))
const left = Object.entries(kernel.statistics)
await kernel.close()

console.log(`connections   ${accepted} accepted, ${mostOpen} open at the same time, ${open} open now`)
console.log(`messages      ${echoed} sent, echoed and checked`)
console.log(`bytes         ${(2 * echoed * BYTES).toLocaleString('en')} through the server's sockets`)
console.log(
  `time          ${ms.toFixed(0)} ms, ${Math.round((echoed / ms) * 1000).toLocaleString('en')} messages a second`,
)
console.log(`left over     ${left.map(([what, count]) => `${count} ${what}`).join(', ')}`)
if (echoed !== CLIENTS * MESSAGES || left.some(([, count]) => count !== 0)) process.exitCode = 1
