/**
 * `resource`: set up by a statement, torn down with the nursery, last first, after its users.
 */

import test from 'ava'
import {
  all,
  Cancelled,
  checkpoint,
  clock,
  ensure,
  KernelStateError,
  moveOn,
  nursery,
  type Operation,
  race,
  resource,
  shield,
  sleep,
  spawn,
  suppressed,
  timeout,
} from 'drupe'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { fail, thrownBy } from '../../kit.js'

interface Times {
  readonly open?: number
  readonly close?: number
}

/** A resource that writes down when it is open and when it is closed. */
function thing(log: unknown[], name: string, { open = 0, close = 0 }: Times = {}): Operation<string> {
  return resource<string>(function* (provide) {
    if (open > 0) yield* sleep(open)
    log.push(`${name} open at ${yield* clock()}`)
    try {
      yield* provide(name)
    } finally {
      if (close > 0) yield* sleep(close)
      log.push(`${name} closed at ${yield* clock()}`)
    }
  })
}

test('torn down after the body, last first and one after the other', (t) => {
  covers(
    t,
    'effection resource: runs resource in task scope',
    'effection spawn: runs destructors in reverse order and in series',
  )
  const log: unknown[] = []
  virtual({}, function* () {
    yield* nursery(function* () {
      yield* thing(log, 'a', { open: 1, close: 5 })
      yield* thing(log, 'b', { open: 1, close: 10 })
      log.push(`${yield* thing(log, 'c', { close: 1 })} in use`)
    })
    log.push('left')
  })
  t.deepEqual(log, [
    'a open at 1',
    'b open at 2',
    'c open at 2',
    'c in use',
    'c closed at 3',
    'b closed at 13',
    'a closed at 18',
    'left',
  ])
})

test('without a nursery it lives in the task: until its body and its children are done', (t) => {
  covers(t, 'effection resource: terminates resource when task completes')
  const log: unknown[] = []
  virtual({}, function* () {
    const task = yield* spawn(function* () {
      const name = yield* thing(log, 'a')
      yield* spawn(function* () {
        yield* sleep(20)
        log.push(`child done with ${name}`)
      })
      return 'result'
    })
    log.push(yield* task.join())
  })
  t.deepEqual(log, ['a open at 0', 'child done with a', 'a closed at 20', 'result'])
})

test('it lives in the innermost nursery and not in the scopes in it, like a child', (t) => {
  const log: unknown[] = []
  virtual({}, () =>
    nursery(function* () {
      yield* timeout(100, thing(log, 'a', { open: 1 }))
      yield* sleep(200)
      log.push('still open')
    }),
  )
  t.deepEqual(log, ['a open at 1', 'still open', 'a closed at 201'])
})

test('the same description makes a new resource each time', (t) => {
  const log: unknown[] = []
  const a = thing(log, 'a')
  virtual({}, function* () {
    yield* nursery(() => a)
    yield* nursery(() => a)
  })
  t.is(log.length, 4)
})

test('an error of the set-up comes out where it was asked for', (t) => {
  covers(t, 'effection resource: throws init error', 'effection resource: can catch an error in init')
  const boom = new Error('boom')
  const log: unknown[] = []
  virtual({}, function* () {
    const error = yield* thrownBy(() =>
      resource(function* () {
        yield* sleep(1)
        throw boom
      }),
    )
    t.is(error, boom)
    yield* sleep(5)
    log.push('and all goes on')
  })
  t.deepEqual(log, ['and all goes on'])
})

test('a resource must provide something', (t) => {
  const error = virtual({}, () =>
    thrownBy(
      resource(function* () {
        yield* sleep(1)
      }),
    ),
  )
  t.true(error instanceof KernelStateError)
  t.regex((error as Error).message, /provide/)
})

test('an error while it is in use fails its nursery', (t) => {
  covers(t, 'effection resource: raises an error if an error occurs after init')
  const boom = new Error('boom')
  const [error, end] = virtual({}, function* () {
    const error = yield* thrownBy(() =>
      nursery(function* () {
        yield* resource<void>(function* (provide) {
          yield* spawn(function* () {
            yield* sleep(5)
            throw boom
          })
          yield* provide()
        })
        yield* sleep(1000)
      }),
    )
    return [error, yield* clock()]
  })
  t.is(error, boom)
  t.is(end, 5)
})

test('cancelled during the set-up, the resource is, and awaited', (t) => {
  covers(t, 'effection resource: can halt the resource constructor if the containing task halts')
  const log: unknown[] = []
  virtual({}, function* () {
    const opening = resource<void>(function* (provide) {
      try {
        yield* sleep(1000)
        yield* provide()
      } finally {
        yield* sleep(5)
        log.push(`given up at ${yield* clock()}`)
      }
    })
    log.push(yield* moveOn(10, opening, 'moved on'))
    log.push(yield* clock())
  })
  t.deepEqual(log, ['given up at 15', 'moved on', 15])
})

test('a shield around the set-up protects it', (t) => {
  const log: unknown[] = []
  virtual({}, () =>
    moveOn(5, function* () {
      yield* nursery(function* () {
        log.push(yield* shield(thing(log, 'a', { open: 10 })))
        yield* sleep(1000)
      })
    }),
  )
  t.deepEqual(log, ['a open at 10', 'a', 'a closed at 10'])
})

test('cancelled, body and children clean up with the resource still open', (t) => {
  const log: unknown[] = []
  virtual({}, () =>
    moveOn(10, () =>
      nursery(function* (n) {
        yield* thing(log, 'a', { close: 5 })
        yield* thing(log, 'b', { close: 5 })
        yield* n.spawn(function* () {
          try {
            yield* sleep(1000)
          } finally {
            yield* sleep(3)
            log.push(`child out at ${yield* clock()}`)
          }
        })
        try {
          yield* sleep(1000)
        } finally {
          yield* sleep(7)
          log.push(`body out at ${yield* clock()}`)
        }
      }),
    ),
  )
  t.deepEqual(log.slice(2), ['child out at 13', 'body out at 17', 'b closed at 22', 'a closed at 27'])
})

test('the same when a child fails, and the error is the first one', (t) => {
  const log: unknown[] = []
  const error = virtual({}, () =>
    thrownBy(() =>
      nursery(function* (n) {
        yield* thing(log, 'a')
        yield* n.spawn(fail(new Error('boom')))
        try {
          yield* sleep(1000)
        } finally {
          yield* sleep(7)
          log.push('body out')
        }
      }),
    ),
  )
  t.is((error as Error).message, 'boom')
  t.deepEqual(log, ['a open at 0', 'body out', 'a closed at 7'])
})

test('other daemons that came after it are out before it goes', (t) => {
  const log: unknown[] = []
  virtual({}, () =>
    nursery(function* (n) {
      yield* thing(log, 'a')
      yield* n.spawn(
        function* () {
          try {
            yield* sleep(1000)
          } finally {
            yield* sleep(5)
            log.push('daemon out')
          }
        },
        { daemon: true },
      )
      yield* checkpoint()
    }),
  )
  t.deepEqual(log, ['a open at 0', 'daemon out', 'a closed at 5'])
})

test('resources stay no longer than the grace', (t) => {
  const log: unknown[] = []
  virtual({ grace: 20 }, () =>
    moveOn(10, () =>
      nursery(function* () {
        yield* thing(log, 'a')
        try {
          yield* sleep(1000)
        } finally {
          // Behind a shield the body stays for longer than anybody waits.
          yield* shield(sleep(100))
          log.push(`body out at ${yield* clock()}`)
        }
      }),
    ),
  )
  t.deepEqual(log, ['a open at 0', 'a closed at 30', 'body out at 110'])
})

test('with grace 0 they go at once, like everybody else', (t) => {
  const log: unknown[] = []
  virtual({ grace: 0 }, () =>
    moveOn(10, () =>
      nursery(function* () {
        yield* thing(log, 'a')
        yield* thing(log, 'b')
        yield* sleep(1000)
      }),
    ),
  )
  t.deepEqual([...log].sort(), ['a closed at 10', 'a open at 0', 'b closed at 10', 'b open at 0'])
})

test('a resource of a resource goes after it', (t) => {
  const log: unknown[] = []
  virtual({}, () =>
    nursery(function* () {
      yield* resource<void>(function* (provide) {
        yield* thing(log, 'inner', { close: 2 })
        try {
          yield* provide()
        } finally {
          yield* sleep(2)
          log.push('outer closed')
        }
      })
      yield* sleep(10)
    }),
  )
  t.deepEqual(log, ['inner open at 0', 'outer closed', 'inner closed at 14'])
})

test('an error of the tear-down is thrown, and the others are torn down all the same', (t) => {
  const log: unknown[] = []
  const error = virtual({}, () =>
    thrownBy(() =>
      nursery(function* () {
        yield* thing(log, 'a', { close: 3 })
        yield* ensure(() => fail(new Error('first')))
        yield* ensure(() => fail(new Error('second')))
        yield* thing(log, 'b')
      }),
    ),
  )
  t.is((error as Error).message, 'second')
  t.deepEqual(suppressed(error).map(String), ['Error: first'])
  t.deepEqual(log, ['a open at 0', 'b open at 0', 'b closed at 0', 'a closed at 3'])
})

test('it is no child to be counted on: a nursery with nothing but resources is left', (t) => {
  t.is(
    virtual({}, function* () {
      yield* nursery(() => thing([], 'a'))
      return yield* clock()
    }),
    0,
  )
})

test('in a race, the resources of a contestant are closed before it has won', (t) => {
  const log: unknown[] = []
  virtual({}, function* () {
    yield* race([
      function* () {
        yield* thing(log, 'a', { close: 5 })
        yield* sleep(1)
      },
      function* () {
        yield* thing(log, 'b', { close: 5 })
        yield* sleep(1000)
      },
    ])
    log.push(`over at ${yield* clock()}`)
  })
  t.deepEqual(log.slice(2), ['a closed at 6', 'b closed at 11', 'over at 11'])
})

test('several resources opened at the same time', (t) => {
  const log: unknown[] = []
  virtual({}, () =>
    nursery(function* (n) {
      // Each operation of `all` is a task of its own, and a resource would go with it; so they are started in the nursery.
      const tasks = yield* all([
        n.spawn(() => thing(log, 'a', { open: 5 })),
        n.spawn(() => thing(log, 'b', { open: 5 })),
      ])
      for (const task of tasks) yield* task.join()
      log.push(yield* clock())
    }),
  )
  t.deepEqual(log.slice(0, 2), ['a open at 5', 'b open at 5'])
})

test('a resource that hears the end as a Cancelled may look at it, and should pass it on', (t) => {
  const log: unknown[] = []
  virtual({}, () =>
    nursery(function* () {
      yield* resource<void>(function* (provide) {
        try {
          yield* provide()
        } catch (error) {
          log.push(error instanceof Cancelled)
          throw error
        }
      })
    }),
  )
  t.deepEqual(log, [true])
})

test('with every seed: users out first, then resources, last first', (t) => {
  for (let seed = 0; seed < 30; seed++) {
    const log: unknown[] = []
    virtual({ seed }, () =>
      moveOn(10, () =>
        nursery(function* (n) {
          yield* thing(log, 'a')
          yield* thing(log, 'b')
          yield* thing(log, 'c')
          for (let i = 0; i < 3; i++) {
            yield* n.spawn(function* () {
              try {
                yield* sleep(1000)
              } finally {
                yield* checkpoint()
                log.push('user out')
              }
            })
          }
          yield* sleep(1000)
        }),
      ),
    )
    const expected = ['user out', 'user out', 'user out', 'c closed at 10', 'b closed at 10', 'a closed at 10']
    t.deepEqual(log.slice(3), expected, `seed ${seed}`)
  }
})
