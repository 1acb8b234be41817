/**
 * The smallest driver: time at a hundred times its speed, in ten lines.
 *
 * Start it: `npm run example -- smallest-driver`. A driver decides what time it is and how to
 * wait; this one takes both from the driver of virtual time, and sleeps a hundredth of what it
 * jumps. So a program is seen in fast motion, and its tasks cannot tell. docs/recipes/add-a-
 * driver.md makes one with sockets. Try another SPEED, and 1.
 */
import { clock, interval, Kernel, moveOn } from 'drupe'
import { VirtualDriver } from 'drupe/testing'

const SPEED = 100

class FastMotion extends VirtualDriver {
  override readonly name = 'fast motion'
  private readonly cell = new Int32Array(new SharedArrayBuffer(4))

  override poll(wait: boolean): void {
    const ms = this.alarm - this.now()
    if (wait && ms < Number.POSITIVE_INFINITY) Atomics.wait(this.cell, 0, 0, ms / SPEED)
    super.poll(wait)
  }
}

const kernel = new Kernel({ driver: new FastMotion() })
const begin = performance.now()
kernel.runSync(function* () {
  const steady = interval(1000, function* () {
    console.log(`${yield* clock()} ms on the clock of the tasks`)
  })
  yield* moveOn(5500, steady)
})
kernel.closeSync()
console.log(`less than a second here: ${performance.now() - begin < 1000}`)
