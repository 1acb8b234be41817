/** Our echo server over TLS. Prints "listening PORT". */
import { writeSync } from 'node:fs'
import { listen, type Operation, run, serve, type TlsStream } from 'drupe'
import { issueCertificate } from 'drupe/testing'

function* echo(stream: TlsStream): Operation<void> {
  for (let bytes = yield* stream.read(); bytes !== null; bytes = yield* stream.read()) yield* stream.write(bytes)
}

await run(function* () {
  const tls = issueCertificate({ name: 'bench', hosts: ['localhost'] })
  const listener = yield* listen({ host: '127.0.0.1', port: 0, backlog: 4096, tls })
  writeSync(1, `listening ${listener.port}\n`)
  yield* serve(listener, echo, { onError: () => {} })
})
