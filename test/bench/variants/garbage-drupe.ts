/**
 * Echo over loopback inside one process, measured for garbage. The server reads with `borrow`, or with `read` if the word is
 * among the arguments; with `small` each side writes from and reads into buffers of its own.
 */
import { connect, Kernel, listen, type Operation, type Stream } from 'drupe'
import { MESSAGE_BYTES, measureGarbage } from './garbage.js'
import { asked } from './measure.js'

function* echoInto(stream: Stream): Operation<void> {
  const buffer = new Uint8Array(MESSAGE_BYTES)
  for (let got = yield* stream.readInto(buffer); got > 0; got = yield* stream.readInto(buffer)) {
    yield* stream.write(got === buffer.length ? buffer : buffer.subarray(0, got))
  }
}

function* echoBorrow(stream: Stream): Operation<void> {
  for (let got = yield* stream.borrow(); got !== null; got = yield* stream.borrow()) yield* stream.write(got)
}

function* echoRead(stream: Stream): Operation<void> {
  for (let got = yield* stream.read(); got !== null; got = yield* stream.read()) yield* stream.write(got)
}

const echo = asked('read') ? echoRead : asked('into') ? echoInto : echoBorrow
const kernel = new Kernel()
const [server, client] = await kernel.run(function* () {
  const listener = yield* listen({ host: '127.0.0.1', port: 0 })
  const near = yield* connect({ host: '127.0.0.1', port: listener.port })
  const far = yield* listener.accept()
  yield* listener.close()
  return [far, near]
})
kernel.spawn(() => echo(server))
const message = new Uint8Array(MESSAGE_BYTES).fill(120)
const answer = new Uint8Array(MESSAGE_BYTES)

function* ping(messages: number): Operation<void> {
  for (let i = 0; i < messages; i++) {
    yield* client.write(message)
    for (let got = 0; got < MESSAGE_BYTES; ) got += yield* client.readInto(answer)
  }
}

await measureGarbage((messages) => kernel.run(() => ping(messages)))
await kernel.run(() => client.close())
await kernel.close()
