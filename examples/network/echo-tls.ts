/**
 * An echo server over TLS.
 *
 * Start it: `npm run example -- echo-tls 7000 cert.pem key.pem`, then `openssl s_client -quiet
 * -connect 127.0.0.1:7000`. Without files it shows a certificate that it has made itself, which
 * nobody trusts. Each connection has shaken hands before its handler begins, and a stranger who
 * does not come through that is nobody's business. Try `nc` and send nonsense.
 */
import { readFileSync } from 'node:fs'
import { Kernel, listen, type Operation, serve, type TlsStream } from 'drupe'
import { issueCertificate } from 'drupe/testing'

const [, , port = '0', certFile, keyFile] = process.argv
const tls =
  certFile !== undefined && keyFile !== undefined
    ? { cert: readFileSync(certFile), key: readFileSync(keyFile) }
    : issueCertificate({ name: 'an example', hosts: ['localhost', '127.0.0.1'] })

function* echo(stream: TlsStream): Operation<void> {
  for (let bytes = yield* stream.read(); bytes !== null; bytes = yield* stream.read()) yield* stream.write(bytes)
  yield* stream.end()
}

function* main(): Operation<void> {
  const listener = yield* listen({ host: '127.0.0.1', port: Number(port), tls })
  console.log(`listening on port ${listener.port}`)
  yield* serve(listener, echo)
}

const kernel = new Kernel()
kernel.spawn(main)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => kernel.close())
