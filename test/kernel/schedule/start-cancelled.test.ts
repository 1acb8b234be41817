/**
 * `n.start` and a cancel in the same moment: either the task is there and its starter has the value, or it leaves.
 */
import test from 'ava'
import { moveOn, nursery, type Operation, scope, sleep, started } from 'drupe'
import { virtual } from 'drupe/testing'

test('a task that says started when its starter is cancelled is started, and the starter has its value', (t) => {
  virtual({}, () =>
    nursery(function* (n) {
      function* service(): Operation<void> {
        yield* sleep(10)
        yield* started('ready')
        yield* sleep(60_000)
      }
      // Both are woken at 10 ms, the canceller first: the service is ready, and so is the cancel.
      const value = yield* scope({}, function* (inner) {
        yield* n.spawn(function* (): Operation<void> {
          yield* sleep(10)
          yield* inner.cancel()
        })
        return yield* n.start<string>(service)
      })
      t.deepEqual([value, n.size], ['ready', 1])
      yield* n.cancel()
    }),
  )
})

test('started in the cleanup of a task that was told to leave starts nothing, and fails nobody', (t) => {
  virtual({}, () =>
    nursery(function* (n) {
      function* service(): Operation<void> {
        try {
          yield* sleep(60_000)
        } finally {
          yield* started('too late')
        }
      }
      t.is(yield* moveOn(10, n.start<string>(service), 'nothing'), 'nothing')
      t.is(n.size, 0)
      yield* sleep(1)
      t.false(n.cancelled)
    }),
  )
})
