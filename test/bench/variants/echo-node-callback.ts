/**
 * The echo server that Node's own speed is known by: node:net, a data listener, `write`, and a pause while the socket
 * is full. Prints "listening PORT".
 */
import { type AddressInfo, createServer } from 'node:net'

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', (chunk) => {
    if (!socket.write(chunk)) socket.pause()
  })
  socket.on('drain', () => socket.resume())
  socket.on('error', () => socket.destroy())
})
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  console.log(`listening ${(server.address() as AddressInfo).port}`)
})
