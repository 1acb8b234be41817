/**
 * Fairness: who gets the next step, and that nobody can keep the others from theirs.
 *
 * A pass runs the tasks that were ready when it began; traps that need not wait are answered in place, up to a budget.
 */

import test from 'ava'
import { checkpoint, clock, current, moveOn, nursery, type Operation, scope, sleep, spawn } from 'drupe'
import { park, WaitQueue, wake } from 'drupe/lowlevel'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { give } from '../../kit.js'

test('tasks take turns, in the order in which they were spawned', (t) => {
  covers(t, 'trio run: basic_interleave')
  const record = virtual({}, function* () {
    const record: string[] = []
    yield* nursery(function* (n) {
      for (const name of 'abc') {
        yield* n.spawn(function* () {
          for (let i = 0; i < 3; i++) {
            record.push(name + i)
            yield* checkpoint()
          }
        })
      }
    })
    return record
  })
  t.deepEqual(record, ['a0', 'b0', 'c0', 'a1', 'b1', 'c1', 'a2', 'b2', 'c2'])
})

test('a spawned task does not run before its parent waits', (t) => {
  const log = virtual({}, function* () {
    const log: string[] = []
    yield* spawn(function* () {
      log.push('child')
      yield* checkpoint()
    })
    yield* clock()
    yield* current()
    log.push('parent')
    yield* checkpoint()
    log.push('parent again')
    return log
  })
  t.deepEqual(log, ['parent', 'child', 'parent again'])
})

test('two tasks that wake each other for ever let a timer through', (t) => {
  covers(t, 'curio kernel: ping_pong_starvation')
  const rounds = virtual({}, function* () {
    const [ping, pong] = [new WaitQueue('ping'), new WaitQueue('pong')]
    let rounds = 0
    const player = (mine: WaitQueue, theirs: WaitQueue) =>
      function* (): Operation<void> {
        while (rounds < 1_000_000) {
          rounds++
          yield* wake(theirs)
          yield* park(mine)
        }
      }
    yield* moveOn(0, function* () {
      yield* nursery(function* (n) {
        yield* n.spawn(player(ping, pong))
        yield* n.spawn(player(pong, ping))
      })
    })
    return rounds
  })
  t.true(rounds < 1000, `${rounds} rounds before the timer was seen`)
})

test('sleep(0) in a loop lets the others run', (t) => {
  covers(t, 'curio kernel: sleep_0_starvation')
  const rounds = virtual({}, function* () {
    let over = false
    let rounds = 0
    const lazy = yield* spawn(function* () {
      while (!over && rounds < 1_000_000) {
        rounds++
        yield* sleep(0)
      }
    })
    for (let i = 0; i < 100; i++) yield* sleep(0)
    over = true
    yield* lazy.join()
    return rounds
  })
  t.true(rounds >= 50 && rounds < 1000, `${rounds} rounds`)
})

test('a loop of sleep(0) hears of its cancel', (t) => {
  covers(t, 'curio kernel: sleep_0_starvation')
  const state = virtual({}, function* () {
    const lazy = yield* spawn(function* () {
      for (let i = 0; i < 1_000_000; i++) yield* sleep(0)
    })
    yield* sleep(0)
    yield* lazy.cancel()
    return lazy.state
  })
  t.is(state, 'cancelled')
})

test('a task that only asks what is answered in place starves nobody', (t) => {
  const asked = virtual({}, function* () {
    let over = false
    let asked = 0
    const greedy = yield* spawn(function* () {
      while (!over && asked < 10_000_000) {
        yield* clock()
        asked++
      }
    })
    for (let i = 0; i < 10; i++) yield* checkpoint()
    over = true
    yield* greedy.join()
    return asked
  })
  t.true(asked > 10 && asked < 100_000, `${asked} traps in 10 passes`)
})

test('a task that only asks what is answered in place does not keep a deadline from coming', (t) => {
  const asked = virtual({}, function* () {
    let asked = 0
    const late = { now: false }
    yield* spawn(function* () {
      yield* sleep(0)
      late.now = true
    })
    while (!late.now && asked < 10_000_000) {
      yield* clock()
      asked++
    }
    return asked
  })
  t.true(asked < 1_000_000, `${asked} traps before a due timer was seen`)
})

test('waking oneself up and spawning without end starve nobody', (t) => {
  const spawned = virtual({}, function* () {
    let over = false
    let spawned = 0
    const breeder = yield* spawn(function* () {
      while (!over && spawned < 100_000) {
        spawned++
        yield* spawn(give(spawned))
      }
    })
    for (let i = 0; i < 5; i++) yield* checkpoint()
    over = true
    yield* breeder.join()
    return spawned
  })
  t.true(spawned < 10_000, `${spawned} children in 5 passes`)
})

test('checkpoints are fair: everybody gets as many as everybody else', (t) => {
  const counts = virtual({}, function* () {
    const counts = new Array<number>(20).fill(0)
    yield* scope({}, function* (s) {
      yield* nursery(function* (n) {
        for (const i of counts.keys()) {
          yield* n.spawn(function* () {
            for (;;) {
              yield* checkpoint()
              counts[i] = (counts[i] as number) + 1
            }
          })
        }
        for (let i = 0; i < 1000; i++) yield* checkpoint()
        yield* s.cancel()
      })
    })
    return counts
  })
  t.is(Math.max(...counts) - Math.min(...counts), 0)
  t.true((counts[0] as number) >= 999)
})

test('a pass runs those who were ready when it began, and nobody twice', (t) => {
  const log = virtual({}, function* () {
    const log: string[] = []
    const queue = new WaitQueue()
    const waiter = function* (): Operation<void> {
      yield* park(queue)
      log.push('woken')
    }
    yield* spawn(waiter)
    yield* spawn(function* () {
      yield* checkpoint()
      yield* wake(queue)
      log.push('waker')
    })
    yield* spawn(function* () {
      yield* checkpoint()
      log.push('third')
    })
    yield* sleep(1)
    return log
  })
  t.deepEqual(log, ['waker', 'third', 'woken'])
})

test('a checkpoint that nobody else needs costs no time', (t) => {
  const end = virtual({}, function* () {
    for (let i = 0; i < 10_000; i++) yield* checkpoint()
    return yield* clock()
  })
  t.is(end, 0)
})

test('timers that are due together run in the order in which they were set', (t) => {
  const order = virtual({}, function* () {
    const order: number[] = []
    yield* nursery(function* (n) {
      for (let i = 0; i < 50; i++) {
        yield* n.spawn(function* () {
          yield* sleep(10)
          order.push(i)
        })
      }
    })
    return order
  })
  t.deepEqual(
    order,
    Array.from({ length: 50 }, (_, i) => i),
  )
})

test('a task that is woken twice and cancelled at once runs once for all of it', (t) => {
  const log = virtual({}, function* () {
    const log: unknown[] = []
    const queue = new WaitQueue()
    const sleeper = yield* spawn(function* () {
      log.push(yield* park(queue))
      try {
        yield* sleep(100)
        log.push('slept')
      } catch (error) {
        log.push((error as Error).name)
        throw error
      }
    })
    yield* checkpoint()
    log.push(yield* wake(queue, 1, 'woken'), yield* wake(queue, 1, 'again'))
    yield* sleeper.cancel('enough', { wait: false })
    yield* sleep(200)
    log.push(sleeper.state)
    return log
  })
  t.deepEqual(log, [1, 0, 'woken', 'Cancelled', 'cancelled'])
})
