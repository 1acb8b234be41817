/**
 * The books: what happened in one run of a random program, and what must hold of it.
 *
 * - every task ends, and after all of its children;
 * - every region (scope, nursery, cleanup block) is left once, inner before outer, and a nursery after its children;
 * - every cleanup begins exactly once;
 * - a limit without shields inside is kept, within the grace;
 * - an error that was thrown is caught, or is part of what the run ends with: none is lost.
 */

import type { Instrument } from 'drupe'
import { suppressed } from 'drupe'
import type { TaskRecord } from '../../kernel/task/task.js'

export class Books implements Instrument {
  readonly trace: string[] = []
  readonly problems: string[] = []
  private readonly live = new Set<TaskRecord>()
  private readonly regions = new Map<TaskRecord, string[]>()
  private readonly cleanups = new Map<string, number>()
  private readonly thrown = new Set<Error>()
  private readonly found = new Set<unknown>()
  private steps = 0

  constructor(private readonly now: () => number) {}

  // As an instrument

  spawn(task: TaskRecord): void {
    this.live.add(task)
    this.note(task, 'spawned')
  }

  beforeStep(task: TaskRecord): void {
    // A program that never ends must not hold up the test.
    if (++this.steps > 200_000) throw new Error('runs away')
    this.note(task, 'runs')
  }

  exit(task: TaskRecord): void {
    this.note(task, task.state)
    this.live.delete(task)
    // How children of collecting nurseries end is looked at here, and need not be reported.
    task.observed = true
    if (task.parentNursery.collecting || task.daemon) this.find(task.error)
    for (const other of this.live) {
      if (other.parent === task) this.problems.push(`${name(task)} ended before its child ${name(other)}`)
    }
    const open = this.regions.get(task) ?? []
    if (open.length > 0) this.problems.push(`${name(task)} ended inside ${open.join(', ')}`)
  }

  // As the program's diary

  note(task: TaskRecord | null, text: string): void {
    this.trace.push(`${this.now()} ${task === null ? '-' : name(task)} ${text}`)
  }

  entered(task: TaskRecord, region: string): void {
    const open = this.regions.get(task)
    if (open === undefined) this.regions.set(task, [region])
    else open.push(region)
    this.note(task, `enters ${region}`)
  }

  left(task: TaskRecord, region: string): void {
    const last = this.regions.get(task)?.pop()
    if (last !== region) this.problems.push(`${name(task)} leaves ${region} while inside ${last}`)
    this.note(task, `leaves ${region}`)
  }

  /** A nursery is left: nobody may be in it any more. */
  emptied(nursery: object, region: string): void {
    for (const task of this.live) {
      if (task.parentNursery === nursery) this.problems.push(`${region} was left before its child ${name(task)}`)
    }
  }

  promised(cleanup: string): void {
    this.cleanups.set(cleanup, (this.cleanups.get(cleanup) ?? 0) + 1)
  }

  cleaned(task: TaskRecord, cleanup: string): void {
    this.cleanups.set(cleanup, (this.cleanups.get(cleanup) ?? 0) - 1)
    this.note(task, `cleans ${cleanup}`)
  }

  limited(task: TaskRecord, region: string, end: number): void {
    const now = this.now()
    if (now > end) this.problems.push(`${name(task)} leaves ${region} at ${now}, and should by ${end}`)
  }

  threw(error: Error): Error {
    this.thrown.add(error)
    return error
  }

  get time(): number {
    return this.now()
  }

  /** The program itself may lose this one from now on. */
  replaceable(error: unknown): void {
    this.find(error)
  }

  /** Somebody has this error in hand: it is not lost, and neither is what will hang on it. */
  find(error: unknown): void {
    this.found.add(error)
  }

  /** After the run. */
  close(outcome: unknown): readonly string[] {
    this.find(outcome)
    // A set that grows while it is walked: what hangs on an error is found with it.
    for (const error of this.found) {
      for (const other of suppressed(error)) this.find(other)
      if (error instanceof AggregateError) for (const other of error.errors) this.find(other)
      if (error instanceof Error && error.cause !== undefined) this.find(error.cause)
    }
    for (const task of this.live) this.problems.push(`${name(task)} never ended: ${task.state}`)
    for (const [cleanup, left] of this.cleanups) {
      if (left !== 0) this.problems.push(`${cleanup} was begun ${1 - left} times`)
    }
    for (const error of this.thrown) if (!this.found.has(error)) this.problems.push(`"${error.message}" was lost`)
    return this.problems
  }
}

const name = (task: TaskRecord): string => `${task.id}:${task.name}`
