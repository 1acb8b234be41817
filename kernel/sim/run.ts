/**
 * A run of several kernels: starts them, steps the stage until they are done, cancels those that
 * serve, and checks that nothing is left.
 */

import { KernelBase } from '../kernel.js'
import type { DeadlockError } from '../protocol/errors.js'
import { suppress } from '../protocol/suppressed.js'
import type { Op } from '../protocol/trap.js'
import { deadlock, waiting } from '../schedule/deadlock.js'
import { outcomeOf } from '../task/phase.js'
import type { TaskRecord } from '../task/task.js'
import { whereabouts } from '../task/whereabouts.js'
import type { Instrument } from '../watch/instruments.js'
import type { SimHost } from './host.js'
import type { Stage } from './stage.js'

/** What runs on a host. */
export interface Program<T = unknown> {
  /** What runs. */
  readonly op: Op<T>
  /** It serves the others: it is cancelled when they are done, and its result is not waited for. */
  readonly daemon?: boolean
}

/** What runs, by the name of the host. */
export type Programs = Readonly<Record<string, Op<unknown> | Program>>

/**
 * What came out of it, by the name of the host; undefined for daemons and for hosts that crashed.
 */
export type Results<P extends Programs> = {
  [Name in keyof P]: P[Name] extends { readonly daemon: true }
    ? undefined
    : P[Name] extends Op<infer T> | { readonly op: Op<infer T> }
      ? T
      : never
}

/** How to run a simulation. */
export interface RunOptions {
  /** Milliseconds of grace of each kernel. */
  readonly grace?: number
  /** Finds forgotten `yield*` and swallowed cancels. */
  readonly debug?: boolean
  /** Tasks of each kernel run first in, first out, and are not shuffled. */
  readonly fifo?: boolean
  /** What watches each kernel. */
  readonly instruments?: readonly Instrument[]
}

interface Member {
  readonly name: string
  readonly kernel: KernelBase
  readonly task: TaskRecord
  readonly daemon: boolean
  crashed: boolean
}

export class Simulation {
  private readonly members: Member[] = []

  constructor(
    private readonly stage: Stage,
    private readonly seed: number,
    private readonly options: RunOptions,
  ) {}

  /** One more kernel. */
  begin(name: string, host: SimHost, op: Op<unknown>, daemon: boolean): void {
    const { grace, debug, fifo, instruments } = this.options
    const driver = host.driver()
    const kernel = new KernelBase({
      driver,
      ...(grace === undefined ? {} : { grace }),
      ...(debug === undefined ? {} : { debug }),
      ...(instruments === undefined ? {} : { instruments }),
      ...(fifo ? {} : { seed: this.seed + this.members.length * 7919 }),
    })
    this.stage.stepping++
    try {
      const task = kernel.spawn(op) as TaskRecord
      // This run reports its failure, so it is no unhandled rejection.
      task.observed = true
      this.members.push({ name, kernel, task, daemon, crashed: false })
    } finally {
      this.stage.stepping--
    }
  }

  crashed(name: string): void {
    for (const member of this.members) if (member.name === name) member.crashed = true
  }

  /** Until all is over; the results by name. */
  run(): Record<string, unknown> {
    this.stage.stepping++
    let failure: { readonly error: unknown } | null = null
    try {
      this.stepUntil((member) => !member.daemon, true)
      for (const { kernel, task } of this.living()) kernel.cancel(task, 'the simulation is over')
      this.stepUntil(() => true, false)
    } catch (error) {
      failure = { error }
    }
    try {
      failure ??= this.firstFailure()
      if (failure === null) this.assertNothingLeft()
      return this.end(failure)
    } finally {
      this.stage.stepping--
    }
  }

  private living(): Member[] {
    return this.members.filter(({ crashed, task }) => !crashed && !task.ended)
  }

  /** Steps until those members are over, or, if asked to, until one has failed. */
  private stepUntil(which: (member: Member) => boolean, failing: boolean): void {
    for (;;) {
      if (!this.living().some(which) || (failing && this.firstFailure() !== null)) return
      if (!this.stage.step()) throw this.stuck()
    }
  }

  private stuck(): DeadlockError {
    const hosts = new Map<TaskRecord, string>()
    for (const { name, task } of this.living()) for (const one of waiting(task.parentNursery.root)) hosts.set(one, name)
    return deadlock([...hosts.keys()], (task) => `${hosts.get(task)}: ${whereabouts(task)}`)
  }

  private firstFailure(): { readonly error: unknown } | null {
    const failed = this.members.filter(({ crashed, task }) => !crashed && task.state === 'failed')
    const [first, ...others] = failed.map(({ task }) => task.error)
    if (failed.length === 0) return null
    for (const other of others) suppress(first, other)
    return { error: first }
  }

  private assertNothingLeft(): void {
    for (const { name, kernel, crashed } of this.members) {
      if (crashed) continue
      const left = leftOver(kernel.statistics)
      if (left !== null) throw new Error(`Cannot end the simulation: left over on ${name}: ${left}`)
    }
  }

  /** Closes all kernels; throws the failure, or gives the results. */
  private end(failure: { readonly error: unknown } | null): Record<string, unknown> {
    let first = failure
    for (const { kernel, crashed } of this.members) {
      if (crashed) continue
      try {
        kernel.closeSync()
      } catch (error) {
        if (first === null) first = { error }
        else suppress(first.error, error)
      }
    }
    if (first !== null) throw first.error
    const results: Record<string, unknown> = {}
    for (const { name, task, daemon, crashed } of this.members) {
      if (!(name in results)) results[name] = daemon || crashed ? undefined : outcomeOf(task, true)
    }
    return results
  }
}

/** What is not zero, in words; null if all is. */
export function leftOver(counts: object): string | null {
  const left = Object.entries(counts).filter(([, count]) => count !== 0)
  return left.length === 0 ? null : left.map(([what, n]) => `${n} ${what}`).join(', ')
}
