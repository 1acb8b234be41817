/**
 * Says whether the loop's code was learnt by running kernels, and whether it is still there when the last of them has been collected.
 *
 * Run as `node --expose-gc --allow-natives-syntax learnt.js`, with DRUPE_DRIVER; learnt.test.ts does.
 */
import { checkpoint, type Operation, run } from 'drupe'
import { Loop } from '../../../kernel/schedule/loop.js'

/** What its bits mean differs between versions of V8; that code was made, or thrown away, shows in them. */
const status = new Function('f', 'return %GetOptimizationStatus(f)') as (f: unknown) => number

function* turns(): Operation<void> {
  for (let i = 0; i < 100_000; i++) yield* checkpoint()
}

const pass = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const { runReady } = Loop.prototype
const fresh = status(runReady)
for (let i = 0; i < 30; i++) await run(turns())
const learnt = status(runReady)
for (let i = 0; i < 10; i++) await pass()
for (let i = 0; i < 4; i++) globalThis.gc?.()
console.log(`learnt: ${learnt !== fresh}, kept: ${status(runReady) === learnt}`)
