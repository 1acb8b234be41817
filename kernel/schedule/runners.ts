/**
 * The runners: they call the loop, and wait when there is nothing to run.
 *
 * The blocking runner takes the thread and sleeps in the driver, like curio's `run`. The guest
 * lives on the host's event loop: the host calls its turn when the driver has something, each turn
 * ends after a time budget so that the host's own timers and callbacks get theirs, and an idle
 * kernel does not keep the process alive. Tests use the blocking runner over the virtual driver,
 * whose sleep is a jump of the clock.
 */
import type { Attachment } from '../driver/contract.js'
import { whereabouts } from '../task/whereabouts.js'
import { deadlock, linesOf, NO_HOST_WORK, waiting } from './deadlock.js'
import type { Loop } from './loop.js'
import { notBlocking } from './refusals.js'

/** How long a turn may take before the host has the thread again. */
export const TURN_MS = 6

/**
 * Runs until `done`, or until a time, sleeping in the driver.
 *
 * @throws DeadlockError if every task waits for another one.
 * @throws UnsupportedError if they wait for something else, and the driver cannot take the thread.
 */
export function runBlocking(loop: Loop, done: () => boolean, until = Number.POSITIVE_INFINITY): void {
  const { contexts } = loop
  if (contexts === null) block(loop, done, until)
  else contexts.base.runInAsyncScope(block, null, loop, done, until)
}

function block(loop: Loop, done: () => boolean, until: number): void {
  loop.turning = loop.blocking = true
  try {
    let now = loop.poll(false)
    for (;;) {
      loop.runReady(now, now + TURN_MS)
      if (done()) return
      if (loop.ready.length > 0 || loop.wakeIdlers()) {
        now = loop.driver.now()
        continue
      }
      if (until !== Number.POSITIVE_INFINITY && loop.driver.now() >= until) return
      const hopeless = loop.inFlight === 0 && loop.timers.size === 0 && loop.wakers.size === 0
      if (hopeless && until === Number.POSITIVE_INFINITY) throw deadlock(waiting(loop.root))
      if (!loop.driver.can.blocking) throw notBlocking(loop.driver)
      loop.driver.arm(Math.min(loop.timers.next, until))
      now = loop.poll(true)
    }
  } finally {
    loop.turning = loop.blocking = false
    // A guest of the same kernel must set its alarm again: this run has used it up.
    loop.nudge()
  }
}

/** How many spurts there may be between two turns. */
const MOST_SPURTS = 1024

const RESOLVED = Promise.resolve()

/**
 * A kernel on the host's event loop.
 *
 * A task that host code wakes between two turns goes on as soon as that code returns, in a
 * microtask. So a task that waits for one promise after the other does not wait for a round of the
 * host's loop each time. Such a *spurt* runs the ready tasks and does not poll. The turn comes all
 * the same, and polls; all spurts before it share the time of one turn.
 */
export class Guest {
  private readonly attachment: Attachment
  private referenced = false
  /** How many holds keep the host alive, whatever the tasks do. */
  private holds = 0
  private warned = false
  private readonly forget: () => void
  private spurting = false
  /** How many spurts there were since the last turn, and when the next turn has to come first. */
  private spurts = 0
  private spurtsEnd = Number.POSITIVE_INFINITY
  /** Called after each turn. */
  afterTurn: () => void = () => {}

  /** `beforeExit` is that of the kernel's options. */
  constructor(
    private readonly loop: Loop,
    beforeExit: (callBack: () => void) => () => void,
  ) {
    this.forget = beforeExit(() => this.stuck())
    const { contexts } = loop
    // The code that wakes the kernel has a context of its own, which does not concern the tasks.
    const ours = (call: () => void): (() => void) =>
      contexts === null ? call : () => contexts.base.runInAsyncScope(call, this)
    this.attachment = loop.driver.attach(ours(() => this.turn()))
    const spurt = ours(() => this.spurt())
    loop.nudge = () => {
      this.attachment.schedule()
      if (this.spurting) return
      this.spurting = true
      void RESOLVED.then(spurt)
    }
  }

  /** In a microtask: runs the ready tasks. */
  private spurt(): void {
    this.spurting = false
    const { loop } = this
    if (loop.turning || loop.ready.length === 0) return
    const now = loop.driver.now()
    if (this.spurts++ === 0) this.spurtsEnd = now + TURN_MS
    if (this.spurts > MOST_SPURTS || now >= this.spurtsEnd) return
    loop.turning = true
    try {
      loop.runReady(now, this.spurtsEnd)
    } finally {
      loop.turning = false
    }
  }

  /** One turn: until nothing is ready, or the budget is used up. */
  private turn(): void {
    const { loop } = this
    if (loop.turning) return
    const { ready } = loop
    this.spurts = 0
    loop.turning = true
    try {
      let now = loop.poll(false)
      const end = now + TURN_MS
      for (;;) {
        loop.runReady(now, end)
        if (ready.length > 0) break
        // One more poll costs a syscall, and saves a round through the host's loop when more has
        // come meanwhile.
        now = loop.poll(false)
        if ((ready.length === 0 && !loop.wakeIdlers()) || now >= end) break
      }
    } finally {
      loop.turning = false
    }
    this.rest()
    this.afterTurn()
  }

  /** Leaves the thread to the host, and says what for it is to be called again. */
  private rest(): void {
    const { loop } = this
    if (loop.ready.length > 0) this.attachment.schedule()
    else loop.driver.arm(loop.timers.next)
    this.ref()
  }

  /**
   * Work under way keeps the host alive. So does an endless sleep as long as the host awaits a run.
   */
  private ref(): void {
    const { loop } = this
    const waits = loop.inFlight > 0 || loop.timers.size > 0 || loop.wakers.size > 0
    const busy = waits || this.holds > 0 || (loop.endless > 0 && loop.endCallbacks.size > 0)
    if (busy === this.referenced) return
    this.referenced = busy
    if (busy) this.attachment.ref()
    else this.attachment.unref()
  }

  /** Keeps the host alive until the function that it returns is called. */
  hold(): () => void {
    let on = true
    this.holds++
    this.ref()
    return () => {
      if (!on) return
      on = false
      this.holds--
      this.ref()
    }
  }

  /**
   * The host has no work left: tasks that wait now wait for ever. Warns once; runs that are awaited
   * reject with the error.
   */
  private stuck(): void {
    const { loop } = this
    const tasks = waiting(loop.root, false)
    if (tasks.length === 0) return
    const error = deadlock(tasks, whereabouts, NO_HOST_WORK)
    if (!this.warned) loop.warn(`${error.message}; the process ends (kernel.hold() keeps it)${linesOf(error)}`)
    this.warned = true
    for (const callback of loop.endCallbacks.values()) callback(error)
    loop.endCallbacks.clear()
  }

  close(): void {
    this.forget()
    this.holds = 0
    this.loop.nudge = () => {}
    this.spurts = Number.POSITIVE_INFINITY
    this.attachment.close()
  }
}
