/**
 * A producer beside its reader: what async generators are for elsewhere, made of a resource, a
 * nursery and a channel.
 *
 * Nothing here is the library's own. It shows that the parts add up: the producer is gone with the
 * block, whoever fails or leaves first, its errors come out of the block, and it is never more than
 * an item ahead.
 */

import test from 'ava'
import {
  BrokenError,
  Cancelled,
  ClosedError,
  channel,
  checkpoint,
  Event,
  moveOn,
  nursery,
  type Operation,
  type Receiver,
  resource,
  type Scope,
  scope,
  sleep,
  suppressed,
  use,
} from 'drupe'
import { virtual, waitAllBlocked } from 'drupe/testing'
import { covers } from '../../covers.js'
import { fail, thrownBy } from '../../kit.js'

const FOREVER = Number.POSITIVE_INFINITY

type Emit<T> = (item: T) => Operation<void>

/** Runs a producer for as long as the block that asks for it, and provides the end to read from. */
function produced<T>(produce: (emit: Emit<T>) => Operation<unknown>): Operation<Receiver<T>> {
  return resource<Receiver<T>>((provide) =>
    nursery(function* (n) {
      const [sender, receiver] = channel<T>()
      yield* n.spawn(function* producer() {
        try {
          yield* sender.with(() => produce((item) => sender.send(item)))
        } catch (error) {
          // Nobody reads any more.
          if (!(error instanceof BrokenError)) throw error
        }
      })
      yield* receiver.with(() => provide(receiver))
    }),
  )
}

function* counting(emit: Emit<number>, count = FOREVER): Operation<void> {
  for (let i = 0; i < count; i++) yield* emit(i)
}

/** Waits until it is cancelled and fails then. */
function* failsOnItsWayOut(error: unknown): Operation<void> {
  try {
    yield* sleep(FOREVER)
  } finally {
    yield* fail(error)
  }
}

test('every item comes, and then the end', (t) => {
  covers(t, 'trio channel: as_safe_channel_exhaust')
  const items: number[] = []
  virtual({}, () =>
    use(
      produced<number>((emit) => counting(emit, 3)),
      (receiver) =>
        receiver.each(function* (item) {
          items.push(item)
          yield* checkpoint()
        }),
    ),
  )
  t.deepEqual(items, [0, 1, 2])
})

test('a reader that closes its end ends the producer without an error', (t) => {
  covers(t, 'trio channel: as_safe_channel_broken_resource, as_safe_channel_close_before_iteration')
  for (const before of [0, 1]) {
    let out = false
    virtual({}, () =>
      use(
        produced<number>(function* (emit) {
          try {
            yield* counting(emit)
          } finally {
            out = true
          }
        }),
        function* (receiver) {
          for (let i = 0; i < before; i++) t.is(yield* receiver.receive(), i)
          yield* receiver.close()
          t.true((yield* thrownBy(receiver.receive())) instanceof ClosedError)
          yield* waitAllBlocked()
          t.true(out)
        },
      ),
    )
  }
})

test('whoever closes the reading end, the loop over it throws', (t) => {
  covers(t, 'trio channel: as_safe_channel_close_between_iteration, as_safe_channel_close_during_iteration')
  virtual({}, () =>
    use(produced<number>(counting), (receiver) =>
      nursery(function* (n) {
        yield* n.spawn(function* () {
          yield* checkpoint()
          yield* receiver.close()
        })
        t.true((yield* thrownBy(receiver.each(() => checkpoint()))) instanceof ClosedError)
      }),
    ),
  )
  virtual({}, function* () {
    let end: Receiver<number> | undefined
    const closer = produced<number>(function* (emit) {
      yield* emit(0)
      yield* (end as Receiver<number>).close()
      yield* counting(emit)
    })
    yield* use(closer, function* (receiver) {
      end = receiver
      t.true((yield* thrownBy(receiver.each(() => checkpoint()))) instanceof ClosedError)
    })
  })
})

test('a block that is cancelled before it reads takes the producer with it', (t) => {
  covers(t, 'trio channel: as_safe_channel_cancelled')
  const log: string[] = []
  virtual({}, () =>
    scope({}, (s) =>
      use(
        produced<number>(function* (emit) {
          log.push(((yield* thrownBy(emit(0))) as Error).name)
        }),
        () => s.cancel(),
      ),
    ),
  )
  t.deepEqual(log, ['Cancelled'])
})

test('an error of the producer comes out of the block, whatever the reader does', (t) => {
  covers(t, 'trio channel: as_safe_channel_no_race')
  const boom = new Error('boom')
  const failing = () =>
    produced<number>(function* (emit) {
      yield* emit(1)
      throw boom
    })
  virtual({}, function* () {
    const looping = use(failing(), (receiver) => receiver.each(() => checkpoint()))
    t.is(yield* thrownBy(looping), boom)
    const away = use(failing(), function* (receiver) {
      yield* receiver.receive()
      yield* sleep(FOREVER)
    })
    t.is(yield* thrownBy(away), boom)
  })
})

test('a producer is at most one item ahead of its reader', (t) => {
  covers(t, 'trio channel: as_safe_channel_buffer_size_too_small, as_safe_channel_no_interleave')
  for (const taken of [0, 1, 3]) {
    let begun = 0
    virtual({}, () =>
      use(
        produced<number>(function* (emit) {
          for (;;) yield* emit(begun++)
        }),
        function* (receiver) {
          for (let i = 0; i < taken; i++) t.is(yield* receiver.receive(), i)
          yield* moveOn(5, sleep(FOREVER))
          t.is(begun, taken + 1)
        },
      ),
    )
  }
})

test('the block fails first, then the producer on its way out: both errors are there, in this order', (t) => {
  covers(t, 'trio channel: as_safe_channel_genexit_finally')
  const events: string[] = []
  const error = virtual({}, () =>
    thrownBy(
      use(
        produced<number>(function* (emit) {
          try {
            yield* emit(0)
            yield* emit(1)
          } catch (error) {
            events.push((error as Error).name)
            throw error
          } finally {
            events.push('finally')
            yield* fail('of the producer')
          }
        }),
        function* (receiver) {
          yield* receiver.receive()
          throw new TypeError('of the reader')
        },
      ),
    ),
  )
  t.is((error as Error).message, 'of the reader')
  t.deepEqual(suppressed(error), ['of the producer'])
  t.deepEqual(events, ['Cancelled', 'finally'])
})

test('producers inside each other’s loops do not mix', (t) => {
  covers(t, 'trio channel: as_safe_channel_nested_loop')
  const pairs: string[] = []
  const two = (): Operation<Receiver<number>> => produced((emit) => counting(emit, 2))
  virtual({}, () =>
    use(two(), (outer) =>
      outer.each((i) =>
        use(two(), (inner) =>
          inner.each(function* (j) {
            pairs.push(`${i}${j}`)
            yield* checkpoint()
          }),
        ),
      ),
    ),
  )
  t.deepEqual(pairs, ['00', '01', '10', '11'])
})

test('a scope that is cancelled inside the producer stays inside it', (t) => {
  covers(t, 'trio channel: as_safe_channel_doesnt_leak_cancellation')
  const items: number[] = []
  const end = virtual({}, function* () {
    const cautious = produced<number>(function* (emit) {
      yield* emit(0)
      yield* scope({}, function* (s) {
        yield* s.cancel()
        yield* emit(1)
      })
    })
    yield* use(cautious, (receiver) =>
      receiver.each(function* (item) {
        items.push(item)
        yield* checkpoint()
      }),
    )
    return 'reached'
  })
  t.is(end, 'reached')
  t.deepEqual(items, [0])
})

test('errors of the block leave as the objects that they are, those of our own kinds, too', (t) => {
  covers(
    t,
    'trio channel: as_safe_channel_dont_unwrap_user_exceptiongroup, as_safe_channel_does_not_suppress_nested_genexit',
  )
  for (const error of [new AggregateError([new Error('inner')], 'mine'), new BrokenError('work', 'mine')]) {
    const block = use(produced<number>(counting), function* (receiver) {
      yield* receiver.receive()
      throw error
    })
    t.is(
      virtual({}, () => thrownBy(block)),
      error,
    )
  }
})

test('two readers get one item each, in the order in which they came', (t) => {
  covers(t, 'trio channel: as_safe_channel_multiple_receiver')
  const got: string[] = []
  virtual({}, function* () {
    const go = new Event()
    const late = produced<number>(function* (emit) {
      yield* go.wait()
      yield* counting(emit, 2)
    })
    yield* use(late, (receiver) =>
      nursery(function* (n) {
        for (const name of ['a', 'b']) {
          yield* n.spawn(function* () {
            got.push(`${name}${yield* receiver.receive()}`)
          })
        }
        yield* waitAllBlocked()
        yield* go.set()
      }),
    )
  })
  t.deepEqual(got, ['a0', 'b1'])
})

test('a cancel from outside is heard by reader and producer, once each', (t) => {
  covers(t, 'trio channel: as_safe_channel_multi_cancel')
  const delivered: string[] = []
  virtual({}, function* () {
    let s: Scope | undefined
    yield* scope({}, function* (outer) {
      s = outer
      const polite = produced<number>(function* (emit) {
        try {
          yield* counting(emit)
        } catch (error) {
          delivered.push(`producer ${(error as Cancelled).scope === outer}`)
          throw error
        }
      })
      yield* use(polite, function* (receiver) {
        yield* receiver.receive()
        yield* outer.cancel()
        try {
          yield* checkpoint()
        } catch (error) {
          delivered.push(`reader ${(error as Cancelled).scope === outer}`)
          throw error
        }
      })
    })
    t.true(s?.caught)
  })
  t.deepEqual(delivered.sort(), ['producer true', 'reader true'])
})

test('a reader that leaves early ends a producer with tasks of its own, and hears of their errors only', (t) => {
  covers(
    t,
    'trio channel: as_safe_channel_genexit_exception_group, as_safe_channel_genexit_filter, as_safe_channel_swallowing_extra_exceptions',
  )
  const boom = new Error('boom')
  const crash = new Error('crash')
  for (const failures of [[], [boom], [boom, crash]]) {
    let noticed: unknown
    const block = use(
      produced<number>(function* (emit) {
        try {
          yield* nursery(function* (n) {
            yield* n.spawn(sleep(FOREVER))
            for (const error of failures) yield* n.spawn(() => failsOnItsWayOut(error))
            yield* waitAllBlocked()
            yield* counting(emit)
          })
        } catch (error) {
          noticed = error
          throw error
        }
      }),
      function* (receiver) {
        t.is(yield* receiver.receive(), 0)
        return 'left'
      },
    )
    virtual({}, function* () {
      if (failures.length === 0) {
        t.is(yield* block, 'left')
        t.true(noticed instanceof Cancelled)
      } else {
        const error = yield* thrownBy(block)
        t.is(error, noticed)
        // The youngest goes first.
        t.deepEqual([error, ...suppressed(error)], [...failures].reverse())
      }
    })
  }
})
