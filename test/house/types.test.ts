/**
 * What must not compile, and what must: each line is type-checked as a user's program would be.
 *
 * `@ts-expect-error` is an error itself where the next line compiles, so the build of this file is the test; what remains
 * at run time is that the mistakes are told there, too.
 */
import test from 'ava'
import { nursery, type Operation, sleep, spawn, suspend } from 'drupe'
import { virtual } from 'drupe/testing'
import { thrown } from '../kit.js'

test('a bare yield of a trap does not compile, and says at run time what to write', (t) => {
  function* mistaken() {
    yield sleep(5)
  }
  // @ts-expect-error a trap is not what operations yield
  const annotated = (): Operation<void> => mistaken()
  // @ts-expect-error a trap is not what operations yield
  const error = thrown(() => virtual({}, mistaken))
  t.regex(String(error), /^TypeError: .*"yield\* …" \(with the star\) around the sleep trap/)
  t.is(typeof annotated, 'function')
})

test('a bare yield beside a right one does not compile', (t) => {
  const error = thrown(() =>
    virtual({}, () =>
      // @ts-expect-error one of the two is bare
      nursery(function* () {
        yield* sleep(5)
        yield spawn(() => sleep(1))
      }),
    ),
  )
  t.regex(String(error), /^TypeError: .*spawn trap/)
})

test('a task is no operation for the type checker', (t) => {
  virtual({}, function* () {
    const task = yield* spawn(() => sleep(1))
    // @ts-expect-error a task is joined
    const operation: Operation<void> = task
    t.truthy(operation)
    yield* task.join()
  })
})

test('what operations yield needs no annotation', (t) => {
  function* inner() {
    yield* sleep(1)
    return 5
  }
  function* outer(): Operation<number> {
    return yield* inner()
  }
  const never: () => Operation<never> = () => suspend()
  t.is(typeof never, 'function')
  t.is(virtual({}, outer), 5)
})
