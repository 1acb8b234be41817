/** The echo server of node:tls, with the certificate of ours. Prints "listening PORT". */
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { issueCertificate } from 'drupe/testing'

const { cert, key } = issueCertificate({ name: 'bench', hosts: ['localhost'] })
const server = createServer({ cert, key, noDelay: true }, (socket) => {
  socket.on('data', (chunk) => {
    if (!socket.write(chunk)) socket.pause()
  })
  socket.on('drain', () => socket.resume())
  socket.on('error', () => socket.destroy())
})
server.on('tlsClientError', () => {})
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  console.log(`listening ${(server.address() as AddressInfo).port}`)
})
