/**
 * FizzBuzz over a binary stream: numbers go out as four bytes, answers come back behind their
 * length.
 *
 * Start it: `npm run example -- fizzbuzz 20`. To ask and to listen are two tasks on one stream, so
 * all questions are on their way before the first answer has come. `readExactly` waits until so
 * much is there, however the bytes arrive. Try to write one byte at a time: nothing else changes.
 */
import { type ByteStream, connect, listen, nursery, type Operation, run, serve, spawn, use } from 'drupe'

const last = Number(process.argv[2]) || 15

const u32 = (n: number): Uint8Array => Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n)
const numberOf = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
const word = (n: number): string => `${n % 3 === 0 ? 'Fizz' : ''}${n % 5 === 0 ? 'Buzz' : ''}` || String(n)

/** The server, for one connection: until the client says 0. */
function* answer(stream: ByteStream): Operation<void> {
  for (;;) {
    const n = numberOf(yield* stream.readExactly(4))
    if (n === 0) return
    const text = new TextEncoder().encode(word(n))
    yield* stream.write([u32(text.length), text])
  }
}

function* ask(stream: ByteStream): Operation<void> {
  for (let n = 1; n <= last; n++) yield* stream.write(u32(n))
  yield* stream.write(u32(0))
}

function* hear(stream: ByteStream): Operation<string[]> {
  const words: string[] = []
  while (words.length < last) {
    const bytes = numberOf(yield* stream.readExactly(4))
    words.push(new TextDecoder().decode(yield* stream.readExactly(bytes)))
  }
  return words
}

await run(function* () {
  const listener = yield* listen({ host: '127.0.0.1', port: 0 })
  const server = yield* spawn(serve(listener, answer))
  const words = yield* use(connect({ host: '127.0.0.1', port: listener.port }), (stream) =>
    nursery(function* (n) {
      yield* n.spawn(ask(stream))
      return yield* hear(stream)
    }),
  )
  console.log(words.join(' '))
  yield* server.cancel()
})
