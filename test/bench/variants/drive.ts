/**
 * The two ways to drive our own variants: on the host's loop (`run`, the default) or holding the thread (`runSync`).
 *
 * One idea: a variant is one operation, written once; the word `sync` among its arguments picks the runner.
 */
import { type Operation, run, runSync } from 'drupe'
import { asked } from './measure.js'

export async function drive<T>(op: () => Operation<T>): Promise<T> {
  return asked('sync') ? runSync(op) : await run(op)
}
