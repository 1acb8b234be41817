/**
 * A server of `node:http` that says hello: `node http-server.js net` on Node's own sockets, `duplex` on ours. Prints
 * "listening PORT".
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { listen, once, run, type Stream, serve, toDuplex } from 'drupe'

const server = createServer((_request, response) => {
  response.setHeader('content-type', 'text/plain')
  response.end('hello, world')
})
const host = '127.0.0.1'

function* feed(stream: Stream) {
  const duplex = yield* toDuplex(stream, { allowHalfOpen: true })
  server.emit('connection', duplex)
  yield* once(duplex, 'close')
}

if (process.argv[2] === 'net') {
  server.listen(0, host, 4096, () => console.log(`listening ${(server.address() as AddressInfo).port}`))
} else {
  await run(function* () {
    const listener = yield* listen({ host, port: 0, backlog: 4096 })
    console.log(`listening ${listener.port}`)
    yield* serve(listener, feed)
  })
}
