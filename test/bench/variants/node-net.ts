/**
 * node:net in the benches of servers: `node node-net.js echo …`. Servers print "listening PORT".
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { answer } from './commands.js'
import { MESSAGE_BYTES, measureGarbage } from './garbage.js'
import { startHostWork } from './host-work.js'
import { asked, memory } from './measure.js'
import { answerQuestion } from './questions.js'

function listen(server: Server): void {
  server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
    console.log(`listening ${(server.address() as AddressInfo).port}`)
  })
}

/**
 * The echo server that Node's own speed is known by: node:net, a data listener, `write`, and a pause while the socket
 * is full.
 */
async function echo(): Promise<void> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('data', (chunk) => {
      if (!socket.write(chunk)) socket.pause()
    })
    socket.on('drain', () => socket.resume())
    socket.on('error', () => socket.destroy())
  })
  listen(server)
}

async function echoAll(socket: Socket): Promise<void> {
  try {
    for await (const chunk of socket) {
      if (!socket.write(chunk as Buffer)) await once(socket, 'drain')
    }
  } catch {
    // Reset by the other side: nothing to echo to.
  }
}

/**
 * The echo server on node:net that reads like ours: an async function for each connection, `for await` over the socket,
 * and a wait for `drain` when it is full.
 */
async function iterator(): Promise<void> {
  const server = createServer({ noDelay: true }, (socket) => void echoAll(socket))
  listen(server)
}

/**
 * Either of the two, which can be asked for its memory.
 */
async function connections(): Promise<void> {
  answer({ memory })
  await (asked('iterator') ? iterator() : echo())
}

/**
 * A host that has work of its own beside its server; without load it shows what the work alone does.
 */
async function host(): Promise<void> {
  startHostWork()
  await echo()
}

/**
 * The same echo with node:net, callbacks on both sides.
 */
async function garbage(): Promise<void> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('data', (bytes) => socket.write(bytes))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.setNoDelay(true)
  await once(client, 'connect')
  const message = Buffer.alloc(MESSAGE_BYTES, 120)

  await measureGarbage(
    (messages) =>
      new Promise<void>((resolve) => {
        let left = messages
        let got = 0
        const onData = (bytes: Buffer): void => {
          got += bytes.length
          if (got < MESSAGE_BYTES) return
          got = 0
          if (--left > 0) client.write(message)
          else {
            client.off('data', onData)
            resolve()
          }
        }
        client.on('data', onData)
        client.write(message)
      }),
  )
  client.destroy()
  server.close()
}

await answerQuestion({ echo, iterator, connections, host, garbage })
