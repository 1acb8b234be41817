/**
 * The ready queue: tasks that can go on, first come, first served.
 *
 * It is a ring over an array whose size is a power of two, so an index is one mask away and no
 * element ever moves. It only grows; a kernel that once ran a million tasks keeps the room for
 * them.
 *
 * With a seed, each pass is shuffled before it runs: a program that depends on the order of tasks
 * then fails in tests.
 */
import type { TaskRecord } from '../task/task.js'

export class ReadyQueue {
  private ring: (TaskRecord | null)[] = new Array<TaskRecord | null>(64).fill(null)
  private mask = 63
  private head = 0
  private tail = 0

  get length(): number {
    return this.tail - this.head
  }

  push(task: TaskRecord): void {
    if (this.tail - this.head > this.mask) this.grow()
    this.ring[this.tail++ & this.mask] = task
  }

  /** The next task. The caller knows that there is one. */
  take(): TaskRecord {
    const index = this.head++ & this.mask
    const task = this.ring[index] as TaskRecord
    this.ring[index] = null
    // Both ends are counters; at 2^53 pushes they would lose steps, and long before that they stop
    // being small integers.
    if (this.head === this.tail) this.head = this.tail = 0
    return task
  }

  /** Fisher and Yates, over the first `count` tasks. `random` gives numbers in [0, 1). */
  shuffle(count: number, random: () => number): void {
    for (let i = count - 1; i > 0; i--) {
      const a = (this.head + i) & this.mask
      const b = (this.head + Math.floor(random() * (i + 1))) & this.mask
      const task = this.ring[a] as TaskRecord
      this.ring[a] = this.ring[b] as TaskRecord
      this.ring[b] = task
    }
  }

  private grow(): void {
    const { ring, mask, head, tail } = this
    const next = new Array<TaskRecord | null>((mask + 1) * 2).fill(null)
    for (let i = head; i < tail; i++) next[i - head] = ring[i & mask] as TaskRecord
    this.ring = next
    this.mask = next.length - 1
    this.head = 0
    this.tail = tail - head
  }
}
