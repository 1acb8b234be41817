/** The echo of node:dgram. Prints "listening PORT". */
import { createSocket } from 'node:dgram'

const socket = createSocket('udp4', (bytes, { address, port }) => socket.send(bytes, port, address))
socket.bind(0, '127.0.0.1', () => console.log(`listening ${socket.address().port}`))
