/**
 * Order and seeds: without a seed first come is first served; a seed shuffles each pass, in the same way every time.
 *
 * What a program may rely on must hold under every seed, so the invariants at the end run under many.
 */
import test from 'ava'
import { checkpoint, nursery, sleep, spawn, timeout } from 'drupe'
import { park, WaitQueue, wake } from 'drupe/lowlevel'
import { type VirtualOptions, virtual } from 'drupe/testing'
import { thrownBy } from '../../kit.js'

/** Ten tasks, each with ten steps: the order of all steps. */
function schedule(options: VirtualOptions): string {
  return virtual(options, function* () {
    const order: string[] = []
    yield* nursery(function* (n) {
      for (const name of 'abcdefghij') {
        yield* n.spawn(function* () {
          for (let i = 0; i < 10; i++) {
            order.push(name)
            if (i % 3 === 0) yield* sleep(i)
            else yield* checkpoint()
          }
        })
      }
    })
    return order.join('')
  })
}

test('without a seed the order is that of arrival, every time', (t) => {
  t.is(schedule({}), schedule({}))
  t.true(schedule({}).startsWith('abcdefghijabcdefghij'))
})

test('the same seed gives the same order', (t) => {
  for (const seed of [0, 1, 2, 12345, -1, 2 ** 31]) t.is(schedule({ seed }), schedule({ seed }), `seed ${seed}`)
})

test('different seeds give different orders', (t) => {
  const orders = new Set(Array.from({ length: 100 }, (_, seed) => schedule({ seed })))
  t.true(orders.size >= 99, `${orders.size} orders from 100 seeds`)
  t.false(orders.has(schedule({})))
})

test('a seed changes the order within a pass, never the number of steps', (t) => {
  const sorted = (text: string): string => [...text].sort().join('')
  for (let seed = 0; seed < 20; seed++) t.is(sorted(schedule({ seed })), sorted(schedule({})), `seed ${seed}`)
})

test('under any seed everybody gets one step a pass', (t) => {
  for (let seed = 0; seed < 50; seed++) {
    const order = virtual({ seed }, function* () {
      const order: string[] = []
      yield* nursery(function* (n) {
        for (const name of 'abcde') {
          yield* n.spawn(function* () {
            for (let i = 0; i < 5; i++) {
              order.push(name)
              yield* checkpoint()
            }
          })
        }
      })
      return order
    })
    for (let pass = 0; pass < 5; pass++) {
      t.deepEqual(order.slice(pass * 5, pass * 5 + 5).sort(), [...'abcde'], `seed ${seed}, pass ${pass}`)
    }
  }
})

test('under any seed a queue wakes those first who have waited for longest', (t) => {
  for (let seed = 0; seed < 50; seed++) {
    const order = virtual({ seed }, function* () {
      const queue = new WaitQueue()
      const [came, went]: [number[], number[]] = [[], []]
      yield* nursery(function* (n) {
        for (let i = 0; i < 8; i++) {
          yield* n.spawn(function* () {
            came.push(i)
            yield* park(queue)
            went.push(i)
          })
        }
        yield* sleep(1)
        for (let i = 0; i < 8; i++) {
          yield* wake(queue)
          yield* sleep(1)
        }
      })
      return { came, went }
    })
    t.deepEqual(order.went, order.came, `seed ${seed}`)
  }
})

test('under any seed a cancelled task cleans up exactly once and its result is never both', (t) => {
  for (let seed = 0; seed < 200; seed++) {
    const log = virtual({ seed }, function* () {
      const queue = new WaitQueue()
      const log: string[] = []
      const task = yield* spawn(function* () {
        try {
          yield* park(queue)
          log.push('woken')
          yield* sleep(1)
        } finally {
          yield* sleep(1)
          log.push('clean')
        }
      })
      yield* checkpoint()
      yield* nursery(function* (n) {
        yield* n.spawn(() => wake(queue))
        yield* n.spawn(() => task.cancel())
        yield* n.spawn(() => wake(queue))
      })
      log.push(task.state)
      return log
    })
    t.is(log.filter((line) => line === 'clean').length, 1, `seed ${seed}`)
    t.is(log.at(-1), 'cancelled', `seed ${seed}`)
  }
})

test('under any seed a timeout beside a wake-up is one or the other', (t) => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 100; seed++) {
    const outcome = virtual({ seed }, function* () {
      const queue = new WaitQueue()
      const waiter = yield* spawn(function* () {
        const error = yield* thrownBy(function* () {
          throw yield* timeout(5, park(queue))
        })
        return error === 'woken' ? 'woken' : (error as Error).name
      })
      yield* sleep(5)
      const woken = yield* wake(queue, 1, 'woken')
      return `${yield* waiter.join()} ${woken} ${queue.length}`
    })
    seen.add(outcome)
  }
  for (const outcome of seen) t.true(['woken 1 0', 'TimeoutError 0 0'].includes(outcome), outcome)
})
