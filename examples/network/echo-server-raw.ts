/**
 * The same echo server on raw traps: file descriptors and buffers, as in C.
 *
 * Start it: `npm run example -- echo-server-raw 7000`, then `nc 127.0.0.1 7000`. Each `yield*` here
 * is one request to the kernel. Streams and `serve` are built from these; compare echo-server.ts.
 * Whoever opens a descriptor closes it, in a `finally`. Try to take one `finally` away, and count
 * the descriptors in /proc.
 */
import { Kernel, type Operation, spawn } from 'drupe'
import { accept, bind, close, listen, localAddress, read, setOption, socket, writeAll } from 'drupe/lowlevel'

function* echo(fd: number): Operation<void> {
  const buffer = new Uint8Array(64 * 1024)
  try {
    for (let count = yield* read(fd, buffer); count > 0; count = yield* read(fd, buffer)) {
      yield* writeAll(fd, buffer.subarray(0, count))
    }
  } finally {
    yield* close(fd)
  }
}

function* main(): Operation<void> {
  const server = yield* socket('tcp4')
  try {
    yield* setOption(server, 'reuseAddress', true)
    yield* bind(server, { family: 'ipv4', host: '127.0.0.1', port: Number(process.argv[2] ?? 0) })
    yield* listen(server)
    const address = yield* localAddress(server)
    console.log(`listening on port ${address.family === 'unix' ? address.path : address.port}`)
    for (;;) yield* spawn(echo(yield* accept(server)))
  } finally {
    yield* close(server)
  }
}

const kernel = new Kernel()
kernel.spawn(main)
process.on('SIGINT', () => kernel.close()).on('SIGTERM', () => kernel.close())
