/**
 * Events of the host inside tasks: the next one, or all of them in their order.
 *
 * An emitter does not wait. What comes while the task is busy is kept in a buffer with a limit;
 * what happens at the limit is the caller's to say, and by default it is an error and not a silent
 * loss.
 */

import { tracked } from '../../kernel/protocol/debug.js'
import { BrokenError } from '../../kernel/protocol/errors.js'
import { Fifo, WaiterQueue } from '../../kernel/protocol/fifo.js'
import { checkLimit, checkOptions, checkWord } from '../../kernel/protocol/operands.js'
import type { Undo } from '../../kernel/protocol/scheduler.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { pass, suspend, suspendFor } from '../raw/call.js'
import type { Cursor, Source } from '../scope/each.js'
import { checkEvent, checkTarget, type EmitterLike, type EventTargetLike, Listening } from './listen.js'

/**
 * Waits for the next event of this name and returns its arguments, like Node's `events.once`; for
 * an EventTarget that is one Event. While it waits for another event of an EventEmitter, `'error'`
 * is thrown. If the task is cancelled while it waits, no listener is left.
 *
 * @param target An EventEmitter or an EventTarget.
 * @param name The name of the event.
 * @throws what an EventEmitter emits as `'error'`.
 * @throws TypeError if the target is neither an EventEmitter nor an EventTarget.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { once, run } from 'drupe'
 * import { EventEmitter } from 'node:events'
 *
 * await run(function* () {
 *   const child = new EventEmitter()
 *   setTimeout(() => child.emit('exit', 0, null), 2)
 *   const [code] = yield* once<[number]>(child, 'exit')
 *   console.log(code) // => 0
 * })
 * @see https://nodejs.org/api/events.html#eventsonceemitter-name-options
 */
export function once<A extends readonly unknown[] = unknown[]>(
  target: EmitterLike | EventTargetLike,
  name: string | symbol,
): Operation<A> {
  checkTarget('listen', target)
  checkEvent('listen', 'name', name)
  return suspend<A>((resolve, reject) => {
    const listening = new Listening(target)
    const end = (): void => listening.end()
    try {
      // First, so that a wait for `newListener` is not over with this.
      listening.addError(name, (error) => {
        reject(error)
        end()
      })
      listening.add(name, (...args) => {
        resolve(args as unknown as A)
        end()
      })
    } catch (error) {
      end()
      throw error
    }
    return end
  })
}

/** How `events` works. */
export interface EventsOptions {
  /** How many events wait at most for the task to take them. Default 1024. */
  readonly limit?: number
  /**
   * What happens at the limit. `'fail'` (default): reading throws a BrokenError after the events
   * before it. `'dropOldest'`, `'dropNewest'`: as they say. `'pause'`: calls `pause()` of the
   * emitter when the buffer is full and `resume()` when it is empty; meant for streams, whose
   * events go on for a moment after it.
   */
  readonly overflow?: 'fail' | 'dropOldest' | 'dropNewest' | 'pause'
  /**
   * Events after which there are no more: `'end'`, `['end', 'close']`. Default: none, it goes on
   * until it is closed.
   */
  readonly until?: string | readonly string[]
}

/**
 * Makes a source of the events of this name, for `each` and `subscribe`; each item is the list of
 * arguments. They are listened for while the source is open. `'error'` of an EventEmitter is
 * thrown, after the events that came before it.
 *
 * @param target An EventEmitter or an EventTarget.
 * @param name The name of the event.
 * @param options How many are kept, and which events are the end.
 * @throws RangeError if `limit` is not an integer of 1 or more, or Infinity.
 * @example
 * import { each, events, run } from 'drupe'
 * import { EventEmitter } from 'node:events'
 *
 * await run(function* () {
 *   const sensor = new EventEmitter()
 *   setTimeout(() => {
 *     for (const value of [3, 5]) sensor.emit('value', value)
 *     sensor.emit('close')
 *   }, 2)
 *   yield* each(events<[number]>(sensor, 'value', { until: 'close' }), function* ([value]) {
 *     console.log(value)
 *   })
 *   // => 3
 *   // => 5
 * })
 * @see https://nodejs.org/api/events.html#eventsonemitter-eventname-options
 */
export function events<A extends readonly unknown[] = unknown[]>(
  target: EmitterLike | EventTargetLike,
  name: string | symbol,
  options: EventsOptions = {},
): Source<A> {
  checkTarget('listen', target)
  checkEvent('listen', 'name', name)
  checkOptions('listen', 'options', options)
  const limit = checkLimit('listen', 'limit', options.limit ?? 1024, 1)
  checkWord('listen', 'overflow', options.overflow ?? 'fail', ['fail', 'dropOldest', 'dropNewest', 'pause'])
  for (const end of [options.until ?? []].flat()) checkEvent('listen', 'until', end)
  return { open: () => new EventCursor<A>(target, name, limit, options) }
}

/** An emitter that can pause. */
interface Pausable {
  pause?(): unknown
  resume?(): unknown
}

class EventCursor<A> implements Cursor<A> {
  private readonly buffer = new Fifo<A>()
  private readonly waiting = new WaiterQueue<() => void>()
  /** Nothing comes any more; with an error, that is thrown once. */
  private end: { error?: unknown } | null = null
  private paused = false
  private readonly listening: Listening

  constructor(
    private readonly target: EmitterLike | EventTargetLike,
    private readonly name: string | symbol,
    private readonly limit: number,
    private readonly options: EventsOptions,
  ) {
    const { until = [] } = options
    const listening = new Listening(target)
    this.listening = listening
    try {
      listening.addError(name, (error) => this.finish({ error }))
      for (const end of typeof until === 'string' ? [until] : until) listening.add(end, () => this.finish({}))
      listening.add(name, (...args) => this.arrived(args as A))
    } catch (error) {
      listening.end()
      throw error
    }
  }

  next(): Operation<IteratorResult<A, undefined>> {
    return tracked('next', this.take())
  }

  *close(): Operation<void> {
    this.buffer.clear()
    this.finish({})
    if (this.paused) this.resume()
  }

  private *take(): Operation<IteratorResult<A, undefined>> {
    // A task that was cancelled must not take what it will not use.
    yield* pass()
    while (this.buffer.size === 0 && this.end === null) {
      yield* suspendFor<void>((resolve) => this.waiting.join(resolve), this)
    }
    if (this.buffer.size > 0) {
      // Before it is taken: if the emitter throws, it is still there.
      if (this.paused && this.buffer.size === 1) this.resume()
      return { done: false, value: this.buffer.take() }
    }
    if (this.end !== null && 'error' in this.end) {
      const { error } = this.end
      this.end = {}
      throw error
    }
    return { done: true, value: undefined }
  }

  /**
   * @internal For the kernel: a task that was woken for an event is cancelled before it took it.
   */
  readonly undo: Undo = () => {
    if (this.buffer.size > 0) this.waiting.take()?.()
    return true
  }

  private arrived(args: A): void {
    const { buffer, limit } = this
    const { overflow = 'fail' } = this.options
    if (buffer.size >= limit && overflow !== 'pause') {
      if (overflow === 'dropNewest') return
      if (overflow === 'fail') {
        const why = `${limit} of them are waiting to be read and more come; see the options limit and overflow`
        this.finish({ error: new BrokenError(`read the events "${String(this.name)}"`, why) })
        return
      }
      buffer.take()
    }
    buffer.add(args)
    this.waiting.take()?.()
    if (overflow === 'pause' && buffer.size >= limit && !this.paused) {
      this.paused = true
      ;(this.target as Pausable).pause?.()
    }
  }

  private finish(end: { error?: unknown }): void {
    this.end ??= end
    for (let wake = this.waiting.take(); wake !== undefined; wake = this.waiting.take()) wake()
    this.listening.end()
  }

  private resume(): void {
    this.paused = false
    ;(this.target as Pausable).resume?.()
  }
}
