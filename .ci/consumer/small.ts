/** A program for a bundler: no top-level await, which CommonJS has not. */
import { Kernel, sleep, spawn } from 'drupe'

const kernel = new Kernel()
kernel
  .run(function* () {
    const task = yield* spawn(function* () {
      yield* sleep(1)
      return 42
    })
    console.log(yield* task.join(), kernel.driver)
  })
  .then(() => kernel.close())
