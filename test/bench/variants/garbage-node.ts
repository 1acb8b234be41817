/**
 * The same echo with node:net, callbacks on both sides.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { MESSAGE_BYTES, measureGarbage } from './garbage.js'

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
