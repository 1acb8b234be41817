/**
 * Effection programs on a kernel, on virtual time: what the ports of Effection's own suites share.
 *
 * Every wait is one of Drupe's, through `toEffection`, and every root runs through `fromEffection`, so both bridges are under
 * each behaviour. What Effection's tests do from outside (halting a root) is done here by Drupe: the root is a task.
 */
import { checkpoint, Kernel, nursery, type Operation, sleep, type Task, until } from 'drupe'
import { fromEffection, toEffection } from 'drupe/effection'
import { assertNoLeaks, VirtualDriver } from 'drupe/testing'
import type { Operation as EffectionOperation } from 'effection'

export type Effectful<T> = () => EffectionOperation<T>

/** Runs an operation of Drupe on virtual time while the host's promises go on. */
export async function asGuest<T>(op: () => Operation<T>): Promise<T> {
  const kernel = new Kernel({ driver: new VirtualDriver() })
  try {
    const result = await kernel.run(op)
    assertNoLeaks(kernel)
    return result
  } finally {
    await kernel.close()
  }
}

/** Runs a root of Effection. */
export function onKernel<T>(root: Effectful<T>): Promise<T> {
  return asGuest(() => fromEffection(root))
}

/** Halts a root of Effection after so many milliseconds; the task that it was. */
export function halted<T>(root: Effectful<T>, ms = 1): Promise<Task<T>> {
  return asGuest(() =>
    nursery(
      function* (n) {
        const task = yield* n.spawn(() => fromEffection(root))
        yield* sleep(ms)
        yield* task.cancel('halted')
        return task
      },
      { onError: 'collect' },
    ),
  )
}

/** Drupe's sleep, in Effection. */
export const pause = (ms: number): EffectionOperation<void> => toEffection(sleep(ms))

/** Drupe's way to wait for a promise, in Effection. */
export const promised = <T>(promise: Promise<T>): EffectionOperation<T> => toEffection(until(promise))

/** Lets others run. */
export const turn = (): EffectionOperation<void> => toEffection(checkpoint())

export function* after<T>(ms: number, value: T): EffectionOperation<T> {
  yield* pause(ms)
  return value
}

export function* failAfter(ms: number, message: string): EffectionOperation<never> {
  yield* pause(ms)
  throw new Error(message)
}

export function* now<T>(value: T): EffectionOperation<T> {
  return value
}

export function* failNow(message: string): EffectionOperation<never> {
  throw new Error(message)
}

/** What an operation throws; fails if it returns. */
export function* thrownIn(op: EffectionOperation<unknown>): EffectionOperation<unknown> {
  try {
    yield* op
  } catch (error) {
    return error
  }
  throw new Error('the operation was expected to throw, and returned')
}

/** The message of what is thrown. */
export function* messageOf(op: EffectionOperation<unknown>): EffectionOperation<string> {
  return ((yield* thrownIn(op)) as Error).message
}
