/**
 * `context(name, default)`: what an operation sees depends on what is around it, and on where its task was started.
 */

import test from 'ava'
import { all, context, moveOn, nursery, type Operation, resource, sleep, spawn } from 'drupe'
import { virtual, waitAllBlocked } from 'drupe/testing'
import { covers } from '../../covers.js'
import { fail, give, thrownBy } from '../../kit.js'

const colour = context('colour', 'none')

test('without a value around it, it is the default', (t) => {
  covers(
    t,
    'trio contextvars: contextvars_default',
    'effection context: has the initial value available at all times',
    'effection context: is safe to get() when context is not defined',
  )
  t.is(virtual({}, colour.get()), 'none')
  t.is(virtual({}, context<number>('empty').get()), undefined)
})

test('with a value around it, it is that one, and afterwards what it was', (t) => {
  covers(t, 'trio run: contextvar_support', 'effection context: can be set within a given scope, but reverts after')
  const seen = virtual({}, function* () {
    const seen: string[] = []
    const note = function* (): Operation<void> {
      seen.push(yield* colour.get())
    }
    yield* colour.with('red', function* () {
      yield* note()
      yield* colour.with('blue', note)
      yield* note()
    })
    yield* note()
    return seen
  })
  t.deepEqual(seen, ['red', 'blue', 'red', 'none'])
})

test('it reverts after an error and after a cancel, too', (t) => {
  covers(t, 'trio local: runvar_resetting')
  const seen = virtual({}, function* () {
    yield* thrownBy(colour.with('red', fail('boom')))
    const first = yield* colour.get()
    yield* moveOn(5, colour.with('blue', sleep(1000)))
    return [first, yield* colour.get()]
  })
  t.deepEqual(seen, ['none', 'none'])
})

test('children inherit what was set when they were started, and nothing later', (t) => {
  covers(t, 'trio contextvars: contextvars_copy', 'effection context: inherits values from parent tasks')
  const seen = virtual({}, function* () {
    const late = function* (): Operation<string> {
      yield* sleep(10)
      return yield* colour.get()
    }
    return yield* colour.with('red', function* () {
      const child = yield* spawn(function* () {
        return yield* spawn(late)
      })
      return yield* colour.with('blue', function* () {
        return [yield* (yield* child.join()).join(), yield* (yield* spawn(late)).join()]
      })
    })
  })
  t.deepEqual(seen, ['red', 'blue'])
})

test('what a child sets, its parent does not see', (t) => {
  covers(t, 'trio contextvars: contextvars_set', 'effection context: does see values that are set by child tasks')
  const seen = virtual({}, function* () {
    yield* spawn(() => colour.with('red', sleep(10)))
    yield* sleep(5)
    return yield* colour.get()
  })
  t.is(seen, 'none')
})

test('tasks beside each other have their own', (t) => {
  covers(
    t,
    'curio task: contextvars',
    'effection scope: has a separate context for each operation it runs',
    'trio run: contextvar_multitask',
  )
  const seen = virtual({}, function* () {
    const worker = (name: string) =>
      colour.with(name, function* () {
        yield* sleep(5)
        return yield* colour.get()
      })
    return yield* all(['a', 'b', 'c'].map(worker))
  })
  t.deepEqual(seen, ['a', 'b', 'c'])
})

test('whoever spawns counts, not whose nursery it is', (t) => {
  const seen = virtual({}, () =>
    nursery(function* (n) {
      const task = yield* colour.with('red', () => n.spawn(colour.get()))
      return yield* task.join()
    }),
  )
  t.is(seen, 'red')
})

test('resources inherit it', (t) => {
  const painted = resource<string>(function* (provide) {
    yield* provide(yield* colour.get())
  })
  t.is(
    virtual({}, () => colour.with('red', painted)),
    'red',
  )
})

test('two contexts of one name are two', (t) => {
  const other = context('colour', 'other')
  t.deepEqual(
    virtual({}, () => colour.with('red', () => all([colour.get(), other.get(), other.with('x', give(1))]))),
    ['red', 'other', 1],
  )
})

test('a variable of the run is a box in a context around its first task: all share it, the next run has its own', (t) => {
  covers(t, 'trio local: runvar_smoketest, runvar_sync')
  const stage = context<{ name?: string }>('stage', {})
  const play = (): string[] =>
    virtual({}, () =>
      stage.with({ name: 'first' }, () =>
        nursery(function* (n) {
          const seen: string[] = []
          const turn = function* (name: string): Operation<void> {
            const box = yield* stage.get()
            seen.push(`${box.name}`)
            box.name = name
          }
          yield* n.spawn(() => turn('second'))
          yield* waitAllBlocked()
          yield* turn('third')
          yield* n.spawn(() => nursery((inner) => inner.spawn(() => turn('fourth'))))
          yield* waitAllBlocked()
          yield* turn('last')
          return seen
        }),
      ),
    )
  const expected = ['first', 'second', 'third', 'fourth']
  t.deepEqual([play(), play()], [expected, expected])
  t.deepEqual(virtual({}, stage.get()), {})
})
