/**
 * Single flight: many tasks ask for the same at the same time, one task gets it for all of them.
 *
 * The flight is a daemon of the nursery that the cache was made in, and not the task of whoever
 * asked first. So it survives the cancel of one that waits, and when the last one is cancelled, so
 * is the flight. What it brought may be kept for a time.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { ClosedError, KernelStateError } from '../../kernel/protocol/errors.js'
import type { Nursery, Task } from '../../kernel/protocol/handles.js'
import { checkBody, checkLimit, checkOptions, checkTime } from '../../kernel/protocol/operands.js'
import { asOperation } from '../../kernel/protocol/operation.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { current, pass } from '../raw/call.js'
import { clock } from '../raw/time.js'
import { innermostNursery, isLeaving } from '../scope/place.js'
import { Event } from './event.js'

/** How long results are kept, and how many. */
export interface FlightOptions {
  /** Milliseconds that a result is kept, from its arrival on. Default: 0, not at all. */
  readonly ttl?: number | undefined
  /** The same for an error. Default: 0. */
  readonly errorTtl?: number | undefined
  /** Results that are kept at most; the one used least recently goes. Default: no limit. */
  readonly maxEntries?: number | undefined
}

/** The figures of a single flight. */
export interface FlightStatistics {
  /** Answers that were kept. */
  readonly hits: number
  /** Flights that were begun. */
  readonly misses: number
  /** How often a task joined a flight that was under way. */
  readonly joined: number
  /** Results that went before their time, to make room. */
  readonly evicted: number
  /** Flights under way. */
  readonly flights: number
  /** Results that are kept, those past their time included. */
  readonly entries: number
}

type Outcome<V> = { readonly value: V } | { readonly error: unknown }

interface Flight<V> {
  task: Task | null
  /** Set when there is a task, or will never be one. */
  readonly begun: Event
  waiting: number
  outcome: Outcome<V> | null
}

interface Kept<V> {
  readonly outcome: Outcome<V>
  readonly until: number
}

/**
 * Makes a cache in the innermost nursery of this task; flights belong to that nursery. Does not
 * wait.
 *
 * @param load Gets a key, and returns the operation that brings its value.
 * @param options `ttl` and `errorTtl` in milliseconds, and `maxEntries`.
 * @throws TypeError or RangeError if one of them is wrong.
 * @example
 * import { all, singleFlight, sleep } from 'drupe'
 * import { virtual } from 'drupe/testing'
 *
 * virtual({}, function* () {
 *   const users = yield* singleFlight(function* (id: number) {
 *     console.log('loading', id)
 *     yield* sleep(10)
 *     return `user ${id}`
 *   }, { ttl: 1000 })
 *   console.log(yield* all([users.get(7), users.get(7)]))
 *   console.log(yield* users.get(7))
 * })
 * // => loading 7
 * // => [ 'user 7', 'user 7' ]
 * // => user 7
 */
export function singleFlight<K, V>(
  load: (key: K) => Operation<V>,
  options?: FlightOptions,
): Operation<SingleFlight<K, V>> {
  const action = 'make a single flight'
  checkBody(action, 'load', load)
  checkOptions(action, 'options', options)
  const { ttl = 0, errorTtl = 0, maxEntries = Number.POSITIVE_INFINITY } = options ?? {}
  checkTime(action, 'ttl', ttl)
  checkTime(action, 'errorTtl', errorTtl)
  checkLimit(action, 'maxEntries', maxEntries, 1)
  return tracked('singleFlight', singleFlightOperation(load, { ttl, errorTtl, maxEntries }))
}

function* singleFlightOperation<K, V>(
  load: (key: K) => Operation<V>,
  limits: Required<{ ttl: number; errorTtl: number; maxEntries: number }>,
): Operation<SingleFlight<K, V>> {
  return new SingleFlight(yield* innermostNursery(), load, limits)
}

/** Values by key, each brought once for all that ask; made by `singleFlight()`. */
export class SingleFlight<K, V> {
  private readonly flights = new Map<K, Flight<V>>()
  private readonly kept = new Map<K, Kept<V>>()
  private readonly counts = { hits: 0, misses: 0, joined: 0, evicted: 0 }

  /** @internal */
  constructor(
    private readonly nursery: Nursery,
    private readonly load: (key: K) => Operation<V>,
    private readonly limits: { readonly ttl: number; readonly errorTtl: number; readonly maxEntries: number },
  ) {}

  /**
   * Returns the value of a key: one that is kept, or that of a flight. If the task is cancelled
   * while it waits, the flight goes on for the others; without others it is cancelled and awaited.
   *
   * @param key The key, compared as by a Map.
   * @throws what the flight throws, the same object to all that wait.
   * @throws ClosedError if the nursery of the cache has ended, or was cancelled meanwhile.
   * @throws KernelStateError if a flight asks for its own key.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  get(key: K): Operation<V> {
    return tracked('get', this.getOperation(key))
  }

  /**
   * Forgets what is kept of a key; a flight under way brings its value to those that wait for it,
   * and it is not kept. It is a plain call and no trap.
   *
   * @param key The key.
   */
  forget(key: K): void {
    this.kept.delete(key)
    this.flights.delete(key)
  }

  /** Returns the current figures. */
  statistics(): FlightStatistics {
    return { ...this.counts, flights: this.flights.size, entries: this.kept.size }
  }

  private *getOperation(key: K): Operation<V> {
    yield* pass()
    const now = yield* clock()
    const me = yield* current()
    // From here to the flight nothing else runs: any trap may let others run before its answer.
    const kept = this.kept.get(key)
    if (kept !== undefined) {
      this.kept.delete(key)
      if (now < kept.until) {
        // The last in the map is the one used last.
        this.kept.set(key, kept)
        this.counts.hits++
        return open(kept.outcome)
      }
    }
    const known = this.flights.get(key)
    const flight: Flight<V> = known ?? { task: null, begun: new Event(), waiting: 0, outcome: null }
    if (flight.task === me) throw new KernelStateError('get', 'a flight cannot wait for itself')
    this.flights.set(key, flight)
    flight.waiting++
    if (known === undefined) this.counts.misses++
    else this.counts.joined++
    return yield* this.waitFor(key, flight, known === undefined)
  }

  private *begin(key: K, flight: Flight<V>): Operation<void> {
    try {
      flight.task = yield* this.nursery.spawn(() => this.fly(key, flight), { daemon: true, name: 'flight' })
    } finally {
      yield* flight.begun.set()
    }
  }

  private *waitFor(key: K, flight: Flight<V>, isFirst: boolean): Operation<V> {
    try {
      if (isFirst) yield* this.begin(key, flight)
      else yield* flight.begun.wait()
      if (flight.task !== null) yield* flight.task.wait()
    } finally {
      flight.waiting--
      this.drop(key, flight)
      if (flight.waiting === 0 && flight.task?.ended === false) yield* flight.task.cancel('nobody waits for it')
    }
    if (flight.outcome === null) throw new ClosedError('get', 'the nursery of the cache was cancelled')
    return open(flight.outcome)
  }

  private *fly(key: K, flight: Flight<V>): Operation<void> {
    flight.task = yield* current()
    try {
      flight.outcome = { value: yield* asOperation(this.load(key)) }
    } catch (error) {
      if (yield* isLeaving(error)) throw error
      flight.outcome = { error }
    }
    const ms = 'error' in flight.outcome ? this.limits.errorTtl : this.limits.ttl
    const now = yield* clock()
    if (ms > 0 && this.flights.get(key) === flight) this.keep(key, flight.outcome, now + ms)
    this.drop(key, flight)
  }

  private keep(key: K, outcome: Outcome<V>, until: number): void {
    this.kept.set(key, { outcome, until })
    if (this.kept.size <= this.limits.maxEntries) return
    for (const oldest of this.kept.keys()) {
      this.kept.delete(oldest)
      this.counts.evicted++
      return
    }
  }

  /** The next that asks begins another one, unless tasks still wait for this one. */
  private drop(key: K, flight: Flight<V>): void {
    const over = flight.outcome !== null || flight.waiting === 0 || flight.task?.ended
    if (over && this.flights.get(key) === flight) this.flights.delete(key)
  }
}

function open<V>(outcome: Outcome<V>): V {
  if ('error' in outcome) throw outcome.error
  return outcome.value
}
