/**
 * Instruments: objects that are called while the kernel works.
 *
 * An instrument has any of seven methods. A kernel without instruments pays one comparison a step
 * for the possibility. An instrument that throws is taken out and its error reported, because a
 * broken observer must not change what it observes.
 *
 * @see https://trio.readthedocs.io/en/stable/reference-lowlevel.html#instrument-api
 */
import type { Task } from '../protocol/handles.js'
import { wrong } from '../protocol/operands.js'
import type { Trap } from '../protocol/trap.js'

/**
 * What can be watched. The methods run inside the kernel: keep them short. They may cancel tasks;
 * they must not ask anything else of the kernel, though they may look.
 */
export interface Instrument {
  /**
   * A task was made.
   *
   * @param task The task.
   */
  spawn?(task: Task): void
  /**
   * The kernel is about to run a task.
   *
   * @param task The task.
   */
  beforeStep?(task: Task): void
  /**
   * The task has stopped running: it waits, it was put back into the queue, or it is over.
   *
   * @param task The task.
   */
  afterStep?(task: Task): void
  /**
   * The task waits in this trap.
   *
   * @param task The task.
   * @param trap What it waits in.
   */
  suspend?(task: Task, trap: Trap): void
  /**
   * A cancel is delivered to the task: it goes on with a `Cancelled`.
   *
   * @param task The task.
   */
  cancel?(task: Task): void
  /**
   * The task is over, children included.
   *
   * @param task The task.
   */
  exit?(task: Task): void
  /**
   * The task returned although it had been cancelled, and outlived the cancel: it swallowed its
   * `Cancelled`.
   *
   * @param task The task.
   */
  swallowed?(task: Task): void
}

export function checkInstruments(list: readonly Instrument[]): readonly Instrument[] {
  if (Array.isArray(list) && list.every((one) => typeof one === 'object' && one !== null)) return list
  throw wrong('make a kernel', 'instruments', 'a list of instruments', list, '')
}

export class Instruments {
  private list: readonly Instrument[]

  constructor(
    list: readonly Instrument[],
    private readonly report: (error: unknown) => void,
  ) {
    this.list = list
  }

  spawn(task: Task): void {
    for (const instrument of this.list) this.guard(instrument, () => instrument.spawn?.(task))
  }

  beforeStep(task: Task): void {
    for (const instrument of this.list) this.guard(instrument, () => instrument.beforeStep?.(task))
  }

  afterStep(task: Task): void {
    for (const instrument of this.list) this.guard(instrument, () => instrument.afterStep?.(task))
  }

  suspend(task: Task, trap: Trap): void {
    for (const instrument of this.list) this.guard(instrument, () => instrument.suspend?.(task, trap))
  }

  cancel(task: Task): void {
    for (const instrument of this.list) this.guard(instrument, () => instrument.cancel?.(task))
  }

  exit(task: Task): void {
    for (const instrument of this.list) this.guard(instrument, () => instrument.exit?.(task))
  }

  swallowed(task: Task): void {
    for (const instrument of this.list) this.guard(instrument, () => instrument.swallowed?.(task))
  }

  private guard(instrument: Instrument, call: () => void): void {
    try {
      call()
    } catch (error) {
      this.list = this.list.filter((other) => other !== instrument)
      this.report(error)
    }
  }
}
