/**
 * The first program: three tasks, one clock.
 *
 * Start it: `npm run example -- hello`. A task is a generator function. `yield*` is where it may
 * wait, and nowhere else can another task come in between. The program ends when the last task
 * does: a parent is not over before its children are. Try a greeting that throws.
 */
import { type Operation, run, sleep, spawn } from 'drupe'

function* greet(name: string, ms: number): Operation<void> {
  yield* sleep(ms)
  console.log(`hello, ${name}`)
}

await run(function* () {
  yield* spawn(greet('world', 20))
  yield* spawn(greet('you', 10))
  console.log('both are on their way')
})
console.log('all said')
