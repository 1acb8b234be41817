/**
 * Our echo server: `--mode guest|sync` picks the runner, `--api raw|stream|borrow|protocol` the layer.
 *
 * `raw`: file descriptors, a buffer of 256 KiB for each connection. `stream`: `serve` and `read`, whose bytes belong to
 * the caller. `borrow`: the same without the copy. `protocol`: callbacks. Prints "listening PORT". Streams set noDelay by themselves. With
 * `--seconds` it ends by itself, since a profile is only written by a process that does.
 */
import { writeSync } from 'node:fs'
import { parseArgs } from 'node:util'
import {
  listen,
  moveOn,
  type Operation,
  type Protocol,
  run,
  runSync,
  type Stream,
  serve,
  serveProtocol,
  spawn,
  type Transport,
} from 'drupe'
import * as raw from 'drupe/lowlevel'

const { values } = parseArgs({
  options: {
    mode: { type: 'string', default: 'guest' },
    api: { type: 'string', default: 'stream' },
    seconds: { type: 'string', default: 'Infinity' },
  },
})
const host = '127.0.0.1'
const backlog = 4096

// Written at once: with `runSync` the host's own output never gets its turn.
const ready = (port: number): number => writeSync(1, `listening ${port}\n`)

function* echoRaw(fd: number): Operation<void> {
  const buffer = new Uint8Array(256 * 1024)
  try {
    for (;;) {
      const got = yield* raw.read(fd, buffer)
      if (got === 0) return
      for (let put = 0; put < got; ) put += yield* raw.write(fd, buffer.subarray(put, got))
    }
  } catch {
    // Reset by the other side: nothing to echo to.
  } finally {
    yield* raw.close(fd)
  }
}

function* serveRaw(): Operation<void> {
  const listener = yield* raw.socket('tcp4')
  yield* raw.bind(listener, { host, port: 0 })
  yield* raw.listen(listener, backlog)
  const address = yield* raw.localAddress(listener)
  ready(address.family === 'unix' ? 0 : address.port)
  for (;;) {
    const fd = yield* raw.accept(listener)
    yield* raw.setOption(fd, 'noDelay', true)
    yield* spawn(echoRaw(fd))
  }
}

function* echoStream(stream: Stream): Operation<void> {
  for (let bytes = yield* stream.read(); bytes !== null; bytes = yield* stream.read()) yield* stream.write(bytes)
}

function* echoBorrow(stream: Stream): Operation<void> {
  for (let bytes = yield* stream.borrow(); bytes !== null; bytes = yield* stream.borrow()) yield* stream.write(bytes)
}

class EchoProtocol implements Protocol {
  private transport: Transport | null = null

  connected(transport: Transport): void {
    this.transport = transport
  }

  dataReceived(bytes: Uint8Array): void {
    this.transport?.write(bytes)
  }
}

function* serveCallbacks(): Operation<void> {
  const listener = yield* listen({ host, port: 0, backlog })
  ready(listener.port)
  yield* serveProtocol(listener, () => new EchoProtocol())
}

function* serveStreams(handler: (stream: Stream) => Operation<void>): Operation<void> {
  const listener = yield* listen({ host, port: 0, backlog })
  ready(listener.port)
  yield* serve(listener, handler)
}

function serveAll(): Operation<void> {
  if (values.api === 'raw') return serveRaw()
  if (values.api === 'protocol') return serveCallbacks()
  return serveStreams(values.api === 'borrow' ? echoBorrow : echoStream)
}

function* main(): Operation<void> {
  yield* moveOn(Number(values.seconds) * 1000, serveAll)
}

if (values.mode === 'sync') runSync(main)
else await run(main)
