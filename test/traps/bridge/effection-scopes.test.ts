/**
 * Effection's behaviours of scopes, resources, `ensure`, contexts and abort signals, run on the kernel through both bridges.
 */

import test from 'ava'
import * as drupe from 'drupe'
import { toEffection } from 'drupe/effection'
import { assertNoLeaks, VirtualDriver } from 'drupe/testing'
import {
  createContext,
  createScope,
  ensure,
  type Operation,
  resource,
  type Scope,
  scoped,
  spawn,
  suspend,
  useAbortSignal,
  useScope,
} from 'effection'
import { covers } from '../../covers.js'
import { fail } from '../../kit.js'
import { after, failAfter, failNow, halted, messageOf, now, onKernel, pause, thrownIn, turn } from './effection-kit.js'

interface State {
  status: string
}

/** Active after 5 ms, finalized at the end. */
function useState(state: State): Operation<State> {
  return resource<State>(function* (provide) {
    yield* spawn(function* () {
      yield* pause(5)
      state.status = 'active'
    })
    yield* pause(1)
    try {
      yield* provide(state)
    } finally {
      state.status = 'finalized'
    }
  })
}

/** Suspends in a resource that knows whether it is open. */
function* holding(state: State): Operation<void> {
  yield* resource<void>(function* (provide) {
    state.status = 'open'
    try {
      yield* provide()
    } finally {
      yield* pause(1)
      state.status = 'closed'
    }
  })
  yield* suspend()
}

/** A scope beside the tasks of the root, in which Drupe's operations run as well. */
function* beside(): Operation<[Scope, () => Operation<void>]> {
  const [scope, destroy] = createScope(yield* useScope())
  return [scope, destroy]
}

test('a resource works beside its user, and ends with the task', async (t) => {
  covers(t, 'effection resource: runs resource in task scope; terminates resource when task completes')
  const state = { status: 'pending' }
  const seen = await onKernel(function* () {
    const result = yield* useState(state)
    const seen: unknown[] = [result === state, state.status]
    yield* pause(10)
    seen.push(state.status)
    return seen
  })
  t.deepEqual(seen, [true, 'pending', 'active'])
  t.is(state.status, 'finalized')
})

test('an error of the set-up of a resource is thrown where it is asked for, and can be caught', async (t) => {
  covers(t, 'effection resource: throws init error; can catch an error in init')
  const broken = () => resource<void>(() => failAfter(1, 'moo'))
  t.is(await onKernel(() => messageOf(broken())), 'moo')
  await t.throwsAsync(
    onKernel(function* () {
      yield* broken()
      yield* suspend()
    }),
    { message: 'moo' },
  )
})

test('a resource that fails while it is in use fails its task, past every catch', async (t) => {
  covers(t, 'effection resource: raises an error if an error occurs after init')
  await t.throwsAsync(
    onKernel(function* () {
      yield* resource<void>(function* (provide) {
        yield* spawn(() => failAfter(5, 'moo'))
        yield* provide()
      })
      try {
        yield* pause(10)
      } catch (error) {
        t.fail(String(error))
      }
    }),
    { message: 'moo' },
  )
})

test('a task that is halted while a resource is set up halts that', async (t) => {
  covers(t, 'effection resource: can halt the resource constructor if the containing task halts')
  const log: string[] = []
  const task = await halted(function* () {
    yield* resource<void>(function* (provide) {
      try {
        yield* pause(1000)
        yield* provide()
      } finally {
        yield* pause(1)
        log.push('given up')
      }
    })
    log.push('too far')
  }, 5)
  t.is(task.state, 'cancelled')
  t.deepEqual(log, ['given up'])
})

test('an operation, and a function, for the end of the task', async (t) => {
  covers(
    t,
    'effection ensure: runs the given operation at the end of the task; runs the given function at the end of the task',
  )
  const log: string[] = []
  await onKernel(function* () {
    const task = yield* spawn(function* () {
      yield* ensure(function* () {
        yield* pause(1)
        log.push('operation')
      })
      yield* ensure(() => void log.push('function'))
      yield* pause(1)
      log.push('body')
    })
    yield* task
    log.push('joined')
  })
  t.deepEqual(log, ['body', 'function', 'operation', 'joined'])
})

test('a block ends its tasks and resources, and restores contexts', async (t) => {
  const log: string[] = []
  let left: State | undefined
  const name = createContext<string>('name', 'outer')
  const seen = await onKernel(function* () {
    yield* scoped(function* () {
      yield* name.set('inner')
      const state = { status: 'pending' }
      yield* spawn(() => holding(state))
      yield* turn()
      log.push(state.status, yield* name.expect())
      yield* ensure(() => void log.push('ensured'))
      left = state
    })
    log.push(left?.status ?? 'never open')
    return yield* name.expect()
  })
  t.is(seen, 'outer')
  t.deepEqual(log, ['open', 'inner', 'ensured', 'closed'])
})

test('a context has its default, another value inside a block, and the default after it', async (t) => {
  covers(
    t,
    'effection context: has the initial value available at all times; can be set within a given scope, but reverts after',
  )
  const number = createContext<number>('number', 3)
  const seen = await onKernel(function* () {
    const before = yield* number.expect()
    const within = yield* number.with(22, function* () {
      yield* pause(1)
      return yield* number.expect()
    })
    return [before, within, yield* number.expect()]
  })
  t.deepEqual(seen, [3, 22, 3])
})

test('a context without a value is undefined, or an error if a value is expected', async (t) => {
  covers(
    t,
    'effection context: is safe to get() when context is not defined; is an error to expect() when context is missing',
  )
  const [value, error] = await onKernel(function* () {
    const missing = createContext<string>('missing')
    return [yield* missing.get(), yield* thrownIn(missing.expect())]
  })
  t.is(value, undefined)
  t.is((error as Error).name, 'MissingContextError')
})

test('a task inherits contexts, and what it sets is its own', async (t) => {
  covers(t, 'effection context: inherits values from parent tasks; does see values that are set by child tasks')
  const word = createContext<string>('word')
  const seen = await onKernel(function* () {
    yield* word.set('hello')
    const child = yield* spawn(function* () {
      yield* pause(1)
      const inherited = yield* word.expect()
      yield* word.set('goodbye')
      return inherited
    })
    return [yield* child, yield* word.expect()]
  })
  t.deepEqual(seen, ['hello', 'hello'])
})

test('a signal is aborted when its block is left', async (t) => {
  covers(t, 'effection abort-signal: aborts whenever it passes out of scope')
  const log: unknown[] = []
  const signal = await onKernel(() =>
    scoped(function* () {
      const signal = yield* useAbortSignal()
      signal.addEventListener('abort', () => log.push('aborted'))
      yield* pause(1)
      log.push(signal.aborted)
      return signal
    }),
  )
  t.true(signal.aborted)
  t.deepEqual(log, [false, 'aborted'])
})

test('operations run in a scope from outside', async (t) => {
  covers(t, 'effection scope: can be used to run operations')
  const results = await onKernel(function* () {
    const [scope] = yield* beside()
    const first = scope.run(() => after(2, 1))
    const second = yield* scope.spawn(() => now(2))
    return [yield* first, yield* second]
  })
  t.deepEqual(results, [1, 2])
})

/** A scope without a parent, and a kernel for it. */
async function withScope(
  body: (scope: Scope, destroy: () => Promise<void>, kernel: drupe.Kernel) => Promise<void>,
): Promise<void> {
  const kernel = new drupe.Kernel({ driver: new VirtualDriver() })
  const [scope, destroy] = createScope()
  await body(scope, destroy, kernel)
  assertNoLeaks(kernel)
  await kernel.close()
}

test('a scope closes in peace after an error in it that somebody heard of', (t) => {
  covers(t, 'effection scope: succeeds on close if the frame has errored')
  return withScope(async (scope, destroy, kernel) => {
    const error = new Error('boom!')
    const task = scope.run(() => toEffection(() => fail(error), kernel))
    t.is(await t.throwsAsync(task), error)
    t.is(await destroy(), undefined)
  })
})

test('a scope that has seen an error closes the resources in it all the same', (t) => {
  covers(t, 'effection scope: still closes open resources whenever something errors')
  return withScope(async (scope, destroy, kernel) => {
    const log: string[] = []
    const open = drupe.resource<void>(function* (provide) {
      try {
        yield* provide()
      } finally {
        yield* drupe.sleep(1)
        log.push('closed')
      }
    })
    const holder = scope.run(() =>
      toEffection(function* () {
        yield* open
        log.push('open')
        yield* drupe.suspend(() => {})
      }, kernel),
    )
    const halted = t.throwsAsync(holder, { message: 'halted' })
    await t.throwsAsync(scope.run(() => toEffection(() => fail(new Error('boom!')), kernel)))
    await kernel.run(drupe.checkpoint())
    await destroy()
    await halted
    t.deepEqual(log, ['open', 'closed'])
  })
})

test('an error of the cleanup of a scope fails its closing', (t) => {
  covers(t, 'effection scope: errors on close if there is an problem in teardown')
  return withScope(async (scope, destroy, kernel) => {
    const error = new Error('boom!')
    const task = scope.run(() =>
      toEffection(function* () {
        try {
          yield* drupe.suspend(() => {})
        } finally {
          yield* fail(error)
        }
      }, kernel),
    )
    task.catch(() => {})
    await kernel.run(drupe.checkpoint())
    t.is(await t.throwsAsync(async () => destroy()), error)
  })
})

test('an operation can hand out its scope, and what runs there is over with it', async (t) => {
  covers(t, "effection scope: let's you capture scope from an operation")
  const state = { status: 'pending' }
  const during = await onKernel(function* () {
    const scope = yield* useScope()
    yield* scope.spawn(() => holding(state))
    yield* pause(1)
    return state.status
  })
  t.is(during, 'open')
  t.is(state.status, 'closed')
})

test('each operation in a scope has contexts of its own', async (t) => {
  covers(t, 'effection scope: has a separate context for each operation it runs')
  const number = createContext<number>('number')
  function* increment(): Operation<number> {
    return yield* number.set((yield* number.expect()) + 1)
  }
  const seen = await onKernel(function* () {
    const scope = yield* useScope()
    yield* number.set(1)
    const tasks = []
    for (let i = 0; i < 3; i++) tasks.push(yield* scope.spawn(increment))
    const seen: number[] = []
    for (const task of tasks) seen.push(yield* task)
    return [...seen, yield* number.expect()]
  })
  t.deepEqual(seen, [2, 2, 2, 1])
})

test('a context of a scope can be read and set from outside', async (t) => {
  covers(t, 'effection scope: can get and set a context programatically')
  const word = createContext<string>('word')
  const seen = await onKernel(function* () {
    const [scope] = yield* beside()
    const seen: unknown[] = [scope.get(word), scope.set(word, 'hello'), scope.get(word)]
    seen.push(
      yield* scope.run(function* () {
        yield* pause(1)
        return yield* word.expect()
      }),
    )
    return seen
  })
  t.deepEqual(seen, [undefined, 'hello', 'hello', 'hello'])
})

test('an error in the scope of an operation is the operation’s', async (t) => {
  covers(t, 'effection scope: propagates uncaught errors within a scope')
  await t.throwsAsync(
    onKernel(function* () {
      const scope = yield* useScope()
      yield* scope.spawn(() => failNow('boom'))
      yield* suspend()
    }),
    { message: 'boom' },
  )
})

test('a scope that is closed closes those that were derived from it', async (t) => {
  covers(t, 'effection scope: destroys derived scopes when a scope is destroyed')
  const state = { status: 'pending' }
  await onKernel(function* () {
    const [parent, destroy] = yield* beside()
    const [child] = createScope(parent)
    child.run(() => holding(state))
    yield* turn()
    t.is(state.status, 'open')
    yield* destroy()
    t.is(state.status, 'closed')
  })
})
