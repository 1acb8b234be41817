/**
 * For tests: concurrent code on virtual time, deterministic and without waiting.
 *
 * @module drupe/testing
 */
import { Kernel, type KernelOptions, thenClose } from './doors.js'
import type { Op } from './kernel/trap.js'
import { VirtualDriver } from './kernel/virtual.js'

export { VirtualDriver } from './kernel/virtual.js'
export { waitAllBlocked } from './traps/call.js'

/** How to run a test. */
export type VirtualOptions = Omit<KernelOptions, 'driver'>

/**
 * Runs an operation on a clock that jumps whenever everybody waits: a test that sleeps for a week takes no time. With a
 * `seed` the order of ready tasks is shuffled, always in the same way. Afterwards nothing may be left over.
 *
 * @throws what the operation throws.
 * @throws DeadlockError if every task waits for another one.
 * @throws Error if tasks, timers or operations are left over.
 * @example
 * import { clock, sleep } from 'drupe'
 * import { virtual } from 'drupe/testing'
 *
 * const days = virtual({}, function* () {
 *   yield* sleep(7 * 24 * 3600 * 1000)
 *   return (yield* clock()) / (24 * 3600 * 1000)
 * })
 * console.log(days) // => 7
 */
export function virtual<T>(options: VirtualOptions, op: Op<T>): T {
  const kernel = new Kernel({ ...options, driver: new VirtualDriver() })
  return thenClose(kernel, () => {
    const result = kernel.runSync(op)
    assertNoLeaks(kernel)
    return result
  })
}

/**
 * Checks that a kernel has nothing in hand any more.
 *
 * @throws Error that says what is left over.
 */
export function assertNoLeaks(kernel: Kernel): void {
  const left = Object.entries(kernel.statistics).filter(([, count]) => count !== 0)
  if (left.length > 0) throw new Error(`Cannot end the test: left over: ${left.map(([what, n]) => `${n} ${what}`).join(', ')}`)
}
