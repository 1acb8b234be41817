/**
 * The loop: passes over the tasks that are ready, and polls in between.
 *
 * A *pass* runs exactly the tasks that were ready when it began, so a task that becomes ready in a
 * pass comes after all that were there before. The loop *polls* (driver, clock) every so many
 * steps, in the middle of a pass if need be; how many adapts to how long steps take.
 *
 * The loop never blocks. Its callers do (runners.ts).
 */
import { TaskRecord } from '../task/task.js'
import { taskDue } from './abort.js'
import { scopeDue } from './cancel.js'
import { complete, completeRequest } from './io.js'
import type { StateOptions } from './state.js'
import { Stepper } from './step.js'

/** The loop polls at least this often, in steps… */
const MOST_STEPS = 64
/** …and aims at this many milliseconds between two polls. */
const CHECK_EVERY_MS = 0.1
/** A pass that takes longer is interrupted this often to ask the driver. */
const POLL_EVERY_MS = 4
/** How many lent buffers may be on their way to tasks that have not run since. */
const MOST_LOANS = 64
/** How many timers may go off at one poll. */
const MOST_TIMERS = 4096
/**
 * With nothing under way, only a wake-up from outside can come from the driver: every eighth poll
 * suffices. A mask.
 */
const IDLE_POLLS = 7

export class Loop extends Stepper {
  private readonly random: (() => number) | null
  private leftInPass = 0
  /** Buffers lent to tasks of this pass, and of the next one. */
  private loans = 0
  private loansBehind = 0
  private stride = MOST_STEPS
  private idlePolls = 0
  /**
   * Not 0: a field that begins as a small integer and becomes a fraction gives the loop a new shape
   * (shapes.ts).
   */
  private polledAt = -0

  constructor(options: StateOptions) {
    super(options)
    this.random = options.random
    this.driver.start(
      (op) => {
        if (op.lender !== null) this.loansBehind++
        complete(this, op)
      },
      (request) => completeRequest(this, request),
    )
  }

  /**
   * Takes in completions, wake-ups and timers that are due. With `wait` it sleeps for them. Returns
   * the time.
   */
  poll(wait: boolean): number {
    this.driver.poll(wait, MOST_LOANS - this.loansBehind - (this.leftInPass === 0 ? 0 : this.loans))
    if (this.wakers.size > 0) for (const waker of this.wakers) waker.poll()
    const now = this.driver.now()
    if (this.timers.size > 0) this.fire(now)
    return now
  }

  /**
   * The same between steps: always the timers; the driver at the end of a pass, or when a long pass
   * has kept it waiting. Asked more often, the driver would bring work faster than the steps do it,
   * and every piece holds a buffer while it queues. Without operations under way the driver is
   * asked only every eighth time.
   */
  private pollBetween(now: number): void {
    const polls = this.leftInPass === 0 || now - this.polledAt >= POLL_EVERY_MS
    if (polls && (this.inFlight > 0 || (this.idlePolls++ & IDLE_POLLS) === 0)) {
      // The time after the poll: otherwise a poll that takes long would be followed by the next
      // after one step.
      this.polledAt = this.poll(false)
    } else if (this.timers.size > 0) {
      this.fire(now)
    }
  }

  /** Runs ready tasks, polling now and then, until none is left or the time `end` has come. */
  runReady(before: number, end: number): void {
    this.enough = false
    for (;;) {
      for (let steps = this.stride; steps > 0 && this.ready.length > 0; steps--) {
        if (this.leftInPass === 0) this.beginPass()
        this.leftInPass--
        this.step(this.ready.take())
      }
      if (this.ready.length === 0) return
      const now = this.driver.now()
      this.adapt(now - before)
      this.pollBetween(now)
      if (now >= end || this.enough) return
      before = now
    }
  }

  /** So many steps took so long: how many come before the next look at the clock. */
  private adapt(ms: number): void {
    if (ms > CHECK_EVERY_MS) this.stride = Math.max(1, Math.floor((this.stride * CHECK_EVERY_MS) / ms))
    else if (this.stride < MOST_STEPS) this.stride = Math.min(this.stride << 1, MOST_STEPS)
  }

  /** A pass may be longer than a turn; the next turn goes on with it. */
  private beginPass(): void {
    this.leftInPass = this.ready.length
    this.loans = this.loansBehind
    this.loansBehind = 0
    if (this.random !== null) this.ready.shuffle(this.leftInPass, this.random)
  }

  /**
   * Nothing is ready: wakes the tasks that waited for this, once a poll brings nothing either. True
   * if a task is ready.
   */
  wakeIdlers(): boolean {
    if (this.idlers.length === 0) return false
    this.poll(false)
    if (this.ready.length > 0) return true
    for (let task = this.idlers.head; task !== null; task = this.idlers.head) {
      this.idlers.remove(task)
      this.resume(task as TaskRecord, undefined)
    }
    return true
  }

  private fire(now: number): void {
    // So many at most, because a million that are due together must not stop the host. The rest is
    // due at the next poll.
    for (let i = 0; i < MOST_TIMERS; i++) {
      const entry = this.timers.due(now)
      if (entry === null) return
      if (entry instanceof TaskRecord) taskDue(this, entry)
      else scopeDue(this, entry)
    }
  }
}
