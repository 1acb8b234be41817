/** A program for the live page: an error that nobody catches is printed, and so is one in a child. */
import { run, sleep, spawn } from 'drupe'

await run(function* () {
  yield* spawn(function* () {
    yield* sleep(5)
    throw new RangeError('the child fails')
  })
  yield* sleep(60_000)
}).catch((error: unknown) => console.log(error instanceof RangeError, (error as Error).message))
// => true the child fails
console.log('last words') // => last words
throw new Error('and the program') // => Error: and the program
