/**
 * Effection's own behaviours, run on the kernel through `fromEffection`; the titles name its tests.
 *
 * Every wait in here is one of Drupe's, through `toEffection`, so both bridges are under each of them. The last test pins what
 * Effection does not do; a version that does will fail it, and the documentation is to change then.
 */
import test from 'ava'
import { run, sleep } from 'drupe'
import { fromEffection, toEffection } from 'drupe/effection'
import {
  all,
  createContext,
  createSignal,
  type Operation as EffectionOperation,
  each,
  ensure,
  race,
  resource,
  scoped,
  spawn,
  suspend,
  type Task,
  useAbortSignal,
  useScope,
} from 'effection'

function onKernel<T>(op: () => EffectionOperation<T>): Promise<T> {
  return run(() => fromEffection(op))
}

/** Drupe's sleep, in Effection. */
const pause = (ms: number): EffectionOperation<void> => toEffection(sleep(ms))

function* after<T>(ms: number, value: T): EffectionOperation<T> {
  yield* pause(ms)
  return value
}

function* failAfter(ms: number, message: string): EffectionOperation<never> {
  yield* pause(ms)
  throw new Error(message)
}

test('spawn: can spawn a new child task [effection spawn]', async (t) => {
  t.is(
    await onKernel(function* () {
      const one = yield* spawn(() => after(2, 12))
      const two = yield* spawn(() => after(1, 55))
      return (yield* one) + (yield* two)
    }),
    67,
  )
})

test('spawn: halts child when finishing normally [effection spawn]', async (t) => {
  const log: string[] = []
  const result = await onKernel(function* () {
    yield* spawn(function* () {
      try {
        yield* pause(60_000)
      } finally {
        yield* pause(1)
        log.push('child out')
      }
    })
    yield* pause(1)
    return 'done'
  })
  t.is(result, 'done')
  t.deepEqual(log, ['child out'])
})

test('spawn: rejects parent when child errors [effection spawn]', async (t) => {
  await t.throwsAsync(
    () =>
      onKernel(function* () {
        yield* spawn(() => failAfter(1, 'moo'))
        yield* suspend()
      }),
    { message: 'moo' },
  )
})

test('spawn: runs destructors in reverse order and in series [effection spawn]', async (t) => {
  const log: string[] = []
  await onKernel(function* () {
    for (const name of ['first', 'second']) {
      yield* spawn(function* () {
        try {
          yield* suspend()
        } finally {
          log.push(`${name} start`)
          yield* pause(2)
          log.push(`${name} done`)
        }
      })
    }
    yield* pause(1)
  })
  t.deepEqual(log, ['second start', 'second done', 'first start', 'first done'])
})

test('run: halts task when halted generator, with asynchronous cleanup [effection run]', async (t) => {
  const log: string[] = []
  await onKernel(function* () {
    const task: Task<void> = yield* spawn(function* () {
      try {
        yield* pause(60_000)
      } finally {
        yield* pause(3)
        log.push('out')
      }
    })
    yield* pause(1)
    yield* task.halt()
    log.push('halted')
  })
  t.deepEqual(log, ['out', 'halted'])
})

test('run: can recover from errors in operation [effection run]', async (t) => {
  const result = await onKernel(function* () {
    try {
      yield* failAfter(1, 'boom')
      return 'never'
    } catch {
      return yield* after(1, 'recovered')
    }
  })
  t.is(result, 'recovered')
})

test('resource: runs resource in task scope, and terminates when task completes [effection resource]', async (t) => {
  const log: string[] = []
  await onKernel(function* () {
    const value = yield* resource<string>(function* (provide) {
      yield* spawn(function* () {
        yield* pause(1)
        log.push('works in the background')
      })
      try {
        yield* provide('value')
      } finally {
        yield* pause(1)
        log.push('closed')
      }
    })
    yield* pause(4)
    log.push(`used ${value}`)
  })
  t.deepEqual(log, ['works in the background', 'used value', 'closed'])
})

test('resource: throws init error, which can be caught [effection resource]', async (t) => {
  const message = await onKernel(function* () {
    try {
      yield* resource(() => failAfter(1, 'moo'))
      return 'never'
    } catch (error) {
      return (error as Error).message
    }
  })
  t.is(message, 'moo')
})

test('race: resolves when one of the given operations resolves asynchronously first [effection race]', async (t) => {
  const log: string[] = []
  const winner = await onKernel(() =>
    race([
      after(3, 'foo'),
      after(1, 'bar'),
      (function* (): EffectionOperation<string> {
        try {
          yield* suspend()
          return 'never'
        } finally {
          yield* pause(1)
          log.push('loser out')
        }
      })(),
    ]),
  )
  t.is(winner, 'bar')
  t.deepEqual(log, ['loser out'])
})

test('race: rejects when one of the given operations rejects asynchronously first [effection race]', async (t) => {
  await t.throwsAsync(() => onKernel(() => race([after(3, 'foo'), failAfter(1, 'boom: bar')])), {
    message: 'boom: bar',
  })
})

test('all: resolves when all resolve, rejects when one rejects [effection all]', async (t) => {
  t.deepEqual(await onKernel(() => all([after(3, 'foo'), after(1, 'bar')])), ['foo', 'bar'])
  await t.throwsAsync(() => onKernel(() => all([after(60_000, 'foo'), failAfter(1, 'boom')])), { message: 'boom' })
})

test('scoped: shuts down tasks and resources, and restores contexts [effection scoped]', async (t) => {
  const log: string[] = []
  const name = createContext<string>('name', 'outer')
  const seen = await onKernel(function* () {
    yield* scoped(function* () {
      yield* name.set('inner')
      yield* spawn(function* () {
        try {
          yield* suspend()
        } finally {
          yield* pause(1)
          log.push('task out')
        }
      })
      yield* pause(1)
      log.push(yield* name.expect())
    })
    log.push('left')
    return yield* name.expect()
  })
  t.is(seen, 'outer')
  t.deepEqual(log, ['inner', 'task out', 'left'])
})

test('ensure: runs the given operation, and the given function, at the end of the task [effection ensure]', async (t) => {
  const log: string[] = []
  await onKernel(function* () {
    const task = yield* spawn(function* () {
      yield* ensure(function* () {
        yield* pause(1)
        log.push('operation')
      })
      yield* ensure(() => void log.push('function'))
      yield* pause(1)
    })
    yield* task
    log.push('joined')
  })
  t.deepEqual(log, ['function', 'operation', 'joined'])
})

test('context: inherits values from parent tasks [effection context]', async (t) => {
  const name = createContext<string>('name')
  const seen = await onKernel(() =>
    name.with('value', function* () {
      const task = yield* spawn(function* () {
        yield* pause(1)
        return yield* name.expect()
      })
      return yield* task
    }),
  )
  t.is(seen, 'value')
})

test('abort signal: aborts whenever it passes out of scope [effection abort-signal]', async (t) => {
  const signal = await onKernel(() => scoped(useAbortSignal))
  t.true(signal.aborted)
})

test('each: can be used to iterate a stream [effection each]', async (t) => {
  const seen = await onKernel(function* () {
    const channel = createSignal<string, void>()
    const seen: string[] = []
    yield* spawn(function* () {
      for (const value of ['one', 'two']) {
        yield* pause(1)
        channel.send(value)
      }
      channel.close()
    })
    for (const value of yield* each(channel)) {
      seen.push(value)
      yield* each.next()
    }
    return seen
  })
  t.deepEqual(seen, ['one', 'two'])
})

test('scope: a task that is started through its scope can use Drupe, too [effection scope]', async (t) => {
  const log: string[] = []
  await onKernel(function* () {
    const scope = yield* useScope()
    const task = scope.run(function* () {
      yield* pause(1)
      log.push('ran')
    })
    yield* task
  })
  t.deepEqual(log, ['ran'])
})

test('what stays: inside Effection code a caller goes on after an asynchronous finally under it (effection #1190)', async (t) => {
  const log: string[] = []
  function* inner(): EffectionOperation<void> {
    try {
      yield* suspend()
    } finally {
      yield* pause(1)
    }
  }
  await onKernel(function* () {
    const task = yield* spawn(function* () {
      yield* inner()
      log.push('went on')
    })
    yield* pause(1)
    yield* task.halt()
  })
  t.deepEqual(log, ['went on'])
})
