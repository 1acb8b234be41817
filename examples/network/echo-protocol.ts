/**
 * An echo server on callbacks.
 *
 * Start it: `npm run example -- echo-protocol 7000`, then `nc 127.0.0.1 7000`. A protocol is told
 * what comes and tells its transport what to send. The bytes are lent and go back as they came. A
 * peer that does not read is not read from. Try a method that throws: it ends its connection alone.
 */
import { Kernel, listen, type Operation, type Protocol, serveProtocol, type Transport } from 'drupe'

class Echo implements Protocol {
  private transport!: Transport

  connected(transport: Transport): void {
    this.transport = transport
  }

  dataReceived(bytes: Uint8Array): void {
    this.transport.write(bytes)
  }

  pauseWriting(): void {
    this.transport.pauseReading()
  }

  resumeWriting(): void {
    this.transport.resumeReading()
  }
}

function* main(): Operation<void> {
  const listener = yield* listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 0) })
  console.log(`listening on port ${listener.port}`)
  yield* serveProtocol(listener, () => new Echo())
}

const kernel = new Kernel()
kernel.spawn(main)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => kernel.close())
