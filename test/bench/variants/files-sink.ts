/** Takes what it is sent, and throws it away. */
import { type AddressInfo, createServer } from 'node:net'

const server = createServer((socket) => socket.resume().on('error', () => {}))
server.listen(0, '127.0.0.1', () => console.log(`listening ${(server.address() as AddressInfo).port}`))
