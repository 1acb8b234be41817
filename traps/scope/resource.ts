/**
 * Resources: things that are set up with one statement and torn down by themselves.
 *
 * A resource is a daemon task that is started and says that it is ready: `yield* provide(value)`
 * gives the value to the caller. It lives where a spawned child would, in the innermost nursery of
 * the caller, and differs from other daemons in how it leaves. A cancel of the nursery is delivered
 * to it as to every child, but it stays, because the body and the other children may need it for
 * their cleanup. When they are out it is cancelled itself, waits for the resources that came after
 * it, and leaves. So resources are torn down one after the other, the last first. All that is
 * within the grace.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { Cancelled, KernelStateError } from '../../kernel/protocol/errors.js'
import type { Scope } from '../../kernel/protocol/handles.js'
import { checkBody, checkOperation, wrong } from '../../kernel/protocol/operands.js'
import { asOperation, isOperation, nameOf, toOperation } from '../../kernel/protocol/operation.js'
import type { Op, Operation } from '../../kernel/protocol/trap.js'
import { isPromise } from '../../kernel/protocol/value.js'
import { atomically, current, pass } from '../raw/call.js'
import { sleep } from '../raw/time.js'
import { disposerOf, disposing } from './disposal.js'
import { nursery, started } from './nursery.js'
import { innermostNursery } from './place.js'

/**
 * Hands out the value of a resource and stays until it is to be torn down; then it throws
 * `Cancelled`.
 */
export type Provide<T> = (value: T) => Operation<never>

/**
 * Describes a resource: an operation that sets something up, provides it, and tears it down in its
 * `finally`. Each time the result is run (`const x = yield* …`) a new one is made. It lives until
 * the innermost nursery of the caller ends, a `nursery` block or the task itself; resources of one
 * nursery are torn down in reverse order, after body and children. An error of the resource while
 * it is in use fails that nursery.
 *
 * If the task is cancelled while it waits for the set-up, the resource is cancelled and awaited. A
 * later cancel of the nursery is followed by the resource last, when the body and the other
 * children are out.
 *
 * @param body Sets something up, runs `yield* provide(value)` once, and tears it down in its
 * `finally`.
 * @throws what the set-up throws, at the place where the resource was asked for.
 * @throws KernelStateError if it returns without providing a value.
 * @throws Cancelled if a scope around the caller is cancelled during the set-up.
 * @example
 * import { nursery, resource, run, sleep } from 'drupe'
 *
 * const open = (name: string) => resource<string>(function* (provide) {
 *   yield* sleep(1)
 *   try {
 *     yield* provide(name)
 *   } finally {
 *     yield* sleep(1)
 *     console.log(`${name} closed`)
 *   }
 * })
 * await run(() => nursery(function* () {
 *   const file = yield* open('file')
 *   const socket = yield* open('socket')
 *   console.log(`using ${file} and ${socket}`)
 * }))
 * // => using file and socket
 * // => socket closed
 * // => file closed
 * @see https://frontside.com/effection/guides/v4/resources
 */
export function resource<T>(body: (provide: Provide<T>) => Operation<unknown>): Operation<T> {
  checkBody('make a resource', 'body', body)
  return namedResource(nameOf(body as () => Operation<unknown>), body)
}

/** With a name of its own: that of a function within its namesake gets a number from bundlers. */
export function namedResource<T>(name: string, body: (provide: Provide<T>) => Operation<unknown>): Operation<T> {
  return tracked('resource', {
    *[Symbol.iterator]() {
      const n = yield* innermostNursery()
      return yield* n.start<T>(() => life(body), { daemon: true, name })
    },
  })
}

/** What some resource has provided, and will dispose of. */
const provided = new WeakSet<object>()

function* life<T>(body: (provide: Provide<T>) => Operation<unknown>): Operation<void> {
  let ready = false
  const operation = body(function* provide(value) {
    if (typeof value === 'object' && value !== null) provided.add(value)
    yield* started(value)
    ready = true
    return yield* serve()
  })
  yield* asOperation(operation)
  if (!ready) throw new KernelStateError('open the resource', 'it returned without yield* provide(value)')
}

/**
 * Waits until the task itself is cancelled and no younger sibling is left, or until a grace is
 * over.
 */
function* serve(): Operation<never> {
  const me = yield* current()
  const observed = new Set<object>()
  let own: Cancelled | null = null
  for (;;) {
    if (own !== null && me.nextSibling === null) throw own
    try {
      if (own === null) yield* sleep(Number.POSITIVE_INFINITY)
      else if (me.nextSibling !== null) yield* me.nextSibling.wait()
    } catch (error) {
      // The same scope twice: its grace is over.
      if (!(error instanceof Cancelled) || observed.has(error.scope)) throw error
      observed.add(error.scope)
      const { scope } = error
      // Observed and not followed, unless it is the task itself that was cancelled.
      if (!(yield* atomically((task, _trap, scheduler) => scheduler.disregard(task, scope as Scope)))) own = error
    }
  }
}

/**
 * Runs a body with a resource that is torn down at the end of the block, together with all that the
 * body has started. Any operation can be the resource; resources that it opens live in the block,
 * too. What it returns is disposed of, as by `using`, if it says how and no resource provided it:
 * `use(connect(…), body)` closes the stream.
 *
 * @param resource An operation that makes the value, or a function that returns one.
 * @param body Gets the value, and returns the operation to run with it.
 * @throws whatever set-up, body or tear-down throws; Cancelled if an outer scope is cancelled.
 * @example
 * import { resource, run, use } from 'drupe'
 *
 * const lamp = resource<string>(function* (provide) {
 *   try {
 *     yield* provide('light')
 *   } finally {
 *     console.log('off')
 *   }
 * })
 * await run(function* () {
 *   yield* use(lamp, function* (light) {
 *     console.log(light)
 *   })
 *   console.log('dark')
 * })
 * // => light
 * // => off
 * // => dark
 */
export function use<T, R>(resource: Op<T>, body: (value: T) => Operation<R>): Operation<R> {
  checkOperation('use the resource', 'resource', resource)
  checkBody('use the resource', 'body', body)
  return nursery(function* useBlock() {
    const value = yield* toOperation(resource)
    const dispose = provided.has(value as object) ? undefined : disposerOf(value)
    if (dispose !== undefined) yield* usingOperation(value, dispose)
    // It is there and will be torn down; a task that was cancelled meanwhile need not begin.
    yield* pass()
    return yield* asOperation(body(value))
  })
}

/**
 * Runs a function, or the operation that it returns, when the innermost nursery of the task ends: a
 * `finally` for the rest of the block. Several run in reverse order, after body and children; see
 * `resource`. Does not wait for anything itself.
 *
 * @param cleanup Returns an operation, or nothing.
 * @throws TypeError if `cleanup` is no function, or an async one. One that returns a promise fails
 * when it is run.
 * @throws Cancelled if a scope around the task is cancelled; the cleanup is not run then.
 * @example
 * import { ensure, run, sleep } from 'drupe'
 *
 * await run(function* () {
 *   yield* ensure(() => console.log('second'))
 *   yield* ensure(function* () {
 *     yield* sleep(1)
 *     console.log('first')
 *   })
 * })
 * // => first
 * // => second
 */
export function ensure(cleanup: () => unknown): Operation<void> {
  checkBody('ensure the cleanup', 'cleanup', cleanup, 'a function that returns an operation, or nothing')
  return namedResource<void>('ensured', function* (provide) {
    try {
      yield* provide()
    } finally {
      const operation = cleanup()
      // A promise is refused: it would be dropped, and its error with it.
      if (isOperation(operation) || isPromise(operation)) yield* asOperation(operation as Operation<unknown>)
    }
  })
}

/**
 * Disposes of an object when the innermost nursery of the task ends, as the language's own
 * `await using` does at the end of a block, and returns it. `null` and `undefined` are returned as
 * they are. Asynchronous disposal is awaited. Streams, listeners and sockets are closed.
 *
 * @param value The object.
 * @throws TypeError if the object has neither `Symbol.asyncDispose` nor `Symbol.dispose`.
 * @throws Cancelled if a scope around the task is cancelled; the object is disposed of before.
 * @example
 * import { run, using } from 'drupe'
 *
 * class Door {
 *   [Symbol.dispose]() {
 *     console.log('closed')
 *   }
 * }
 * await run(function* () {
 *   const door = yield* using(new Door())
 *   console.log(door instanceof Door)
 * })
 * // => true
 * // => closed
 * @see https://github.com/tc39/proposal-explicit-resource-management
 */
export function using<T extends Disposable | AsyncDisposable | null | undefined>(value: T): Operation<T> {
  const dispose = disposerOf(value)
  if (dispose === undefined && value !== null && value !== undefined) {
    throw wrong('use the object', 'value', 'something with Symbol.asyncDispose or Symbol.dispose', value, '')
  }
  return tracked('using', usingOperation(value, dispose ?? nothing))
}

function nothing(): void {}

function* usingOperation<T>(value: T, dispose: () => unknown): Operation<T> {
  let begun = false
  const held = namedResource<T>('using', function* (provide) {
    begun = true
    try {
      yield* provide(value)
    } finally {
      yield* disposing(dispose)
    }
  })
  try {
    return yield* held
  } catch (error) {
    if (!begun) yield* disposing(dispose)
    throw error
  }
}
