/**
 * Probes: what is thrown into a suspended task to see where it waits.
 *
 * `iterator.throw(error)` goes down a task's whole chain of `yield*` and arrives at the trap, whose
 * `throw` method therefore runs on top of every generator in it. While a probe is on its way, that
 * method reports what arrived. What is read there, and what for, is the sender's business
 * (watch/traceback.ts).
 */

/** What is on its way down to a trap. */
export interface Probe {
  /** What is thrown. */
  readonly error: unknown
  /**
   * It is on top of the task's generators. True: the trap yields itself again, and all stays as it
   * was.
   */
  arrive(): boolean
}

/** Null unless something is on its way. */
export let probe: Probe | null = null

/** Sends a probe, or (null) takes it back. */
export function setProbe(next: Probe | null): void {
  probe = next
}

/** A trap reports what arrived. True: it is to stay as it is. */
export function arrived(error: unknown): boolean {
  const here = probe
  probe = null
  return here !== null && here.error === error && here.arrive()
}
