/**
 * The echo server on node:net that reads like ours: an async function for each connection, `for await` over the socket,
 * and a wait for `drain` when it is full. Prints "listening PORT".
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

async function echo(socket: Socket): Promise<void> {
  try {
    for await (const chunk of socket) {
      if (!socket.write(chunk as Buffer)) await once(socket, 'drain')
    }
  } catch {
    // Reset by the other side: nothing to echo to.
  }
}

const server = createServer({ noDelay: true }, (socket) => void echo(socket))
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  console.log(`listening ${(server.address() as AddressInfo).port}`)
})
