/**
 * Several cursors as one: whichever has a value first gives it.
 *
 * A task for each cursor waits during `next` alone. What a task gets it leaves in its lane, not in
 * the outcome of the race: two lanes can be ready in the same pass, and the one that came second is
 * there for the next call.
 */
import { suppress } from '../../kernel/protocol/suppressed.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { race } from '../scope/combinators.js'
import type { Cursor } from '../scope/each.js'
import { isLeaving } from '../scope/place.js'

type Step<T> = IteratorResult<T, unknown>

interface Lane<T> {
  readonly cursor: Cursor<T>
  ready: { readonly step: Step<T> } | { readonly error: unknown } | null
}

/** The cursor of `merge`. */
export class MergeCursor<T> implements Cursor<T> {
  private readonly lanes: Lane<T>[]

  constructor(cursors: readonly Cursor<T>[]) {
    this.lanes = cursors.map((cursor) => ({ cursor, ready: null }))
  }

  *next(): Operation<Step<T>> {
    while (this.lanes.length > 0) {
      if (!this.lanes.some(({ ready }) => ready !== null)) yield* race(this.lanes.map((lane) => () => fill(lane)))
      const place = this.lanes.findIndex(({ ready }) => ready !== null)
      if (place === -1) continue
      const [lane] = this.lanes.splice(place, 1) as [Lane<T>]
      const { ready } = lane
      lane.ready = null
      // To the end of the line, so that none is served twice while another one is ready.
      if (ready !== null && 'error' in ready) {
        this.lanes.push(lane)
        throw ready.error
      }
      if (ready === null || ready.step.done) continue
      this.lanes.push(lane)
      return ready.step
    }
    return { done: true, value: undefined }
  }

  *close(): Operation<void> {
    let failure: { readonly error: unknown } | null = null
    for (const { cursor } of this.lanes.splice(0)) {
      try {
        yield* cursor.close()
      } catch (error) {
        if (failure === null) failure = { error }
        else suppress(failure.error, error)
      }
    }
    if (failure !== null) throw failure.error
  }
}

function* fill<T>(lane: Lane<T>): Operation<void> {
  try {
    lane.ready = { step: yield* lane.cursor.next() }
  } catch (error) {
    if (yield* isLeaving(error)) throw error
    lane.ready = { error }
  }
}
