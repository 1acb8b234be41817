/** A program for the live page: on a clock that jumps a day takes no time, and hosts answer. */
import { all, clock, connect, Kernel, listen, sleep, spawn } from 'drupe'
import { SimNetwork } from 'drupe/testing'

const kernel = new Kernel()
await kernel.run(function* () {
  const begin = yield* clock()
  yield* all([sleep(86_400_000), sleep(1)])
  console.log((yield* clock()) - begin) // => 86400000
  const listener = yield* listen({ port: 80 })
  yield* spawn(function* () {
    const stream = yield* listener.accept()
    yield* stream.write('hello\n')
    yield* stream.close()
  })
  const stream = yield* connect({ host: '127.0.0.1', port: 80 })
  console.log(yield* stream.readLine()) // => hello
  yield* stream.close()
  yield* listener.close()
})
await kernel.close()
const { one } = new SimNetwork({ seed: 1 }).run({
  *one() {
    yield* sleep(5)
    return 'one'
  },
})
console.log(one, new Map([[1, 'a']])) // => one Map(1) { 1 => 'a' }
