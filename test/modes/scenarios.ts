/**
 * Scenarios without I/O that must come out the same in every mode: blocking, as a guest of the host's loop, on virtual time.
 *
 * Times are short, and what is compared is order and outcome, never duration, because two of the modes run on a real clock.
 */
import {
  checkpoint,
  clock,
  current,
  moveOn,
  nursery,
  type Op,
  type Operation,
  scope,
  shield,
  sleep,
  spawn,
  suppressed,
  TimeoutError,
  timeout,
} from 'drupe'
import { park, WaitQueue, wake } from 'drupe/lowlevel'
import { fail, give, thrownBy } from '../kit.js'

/** What it is about, what to run, and what must come out. */
export interface Scenario {
  readonly name: string
  readonly op: Op<unknown>
  readonly gives: unknown
  /** Platforms that have nothing of the kind. */
  readonly lacking?: readonly NodeJS.Platform[]
  /** Tests of peers that say the same (covers.ts). */
  readonly peers?: readonly string[]
}

export const SCENARIOS: readonly Scenario[] = [
  { name: 'an operation that never waits', op: () => give(42), gives: 42 },
  {
    name: 'sleeps end in the order of their ends',
    *op() {
      const order: number[] = []
      yield* nursery(function* (n) {
        for (const ms of [30, 10, 20]) {
          yield* n.spawn(function* () {
            yield* sleep(ms)
            order.push(ms)
          })
        }
      })
      return order
    },
    gives: [10, 20, 30],
  },
  {
    name: 'a sleep is never too short, and the clock never goes backwards',
    peers: ['trio run: timekeeping'],
    *op() {
      let last = yield* clock()
      for (const ms of [0, 0.5, 1, 3, 0.1]) {
        yield* sleep(ms)
        const now = yield* clock()
        if (now < last + ms) return `slept ${now - last} of ${ms} ms`
        last = now
      }
      return 'never'
    },
    gives: 'never',
  },
  {
    name: 'spawn, join, and the parent that waits for its children',
    *op() {
      const log: string[] = []
      const task = yield* spawn(function* () {
        yield* spawn(function* () {
          yield* sleep(5)
          log.push('grandchild')
        })
        return 'child'
      })
      log.push(yield* task.join())
      return log
    },
    gives: ['grandchild', 'child'],
  },
  {
    name: 'two tasks hand over to each other a thousand times',
    *op() {
      const [ping, pong] = [new WaitQueue('ping'), new WaitQueue('pong')]
      let rounds = 0
      const player = (mine: WaitQueue, theirs: WaitQueue) =>
        function* (): Operation<void> {
          for (let i = 0; i < 1000; i++) {
            yield* park(mine)
            rounds++
            yield* wake(theirs)
          }
        }
      yield* spawn(player(ping, pong))
      yield* spawn(player(pong, ping))
      yield* checkpoint()
      yield* wake(ping)
      while (rounds < 2000) yield* checkpoint()
      return rounds
    },
    gives: 2000,
  },
  {
    name: 'a timeout throws, cleans up first, and blames the right scope',
    *op() {
      const log: string[] = []
      const error = yield* thrownBy(
        timeout(200_000, () =>
          timeout(5, function* () {
            try {
              yield* sleep(100_000)
            } finally {
              yield* sleep(2)
              log.push('clean')
            }
          }),
        ),
      )
      log.push(error instanceof TimeoutError ? `${error.ms}` : String(error))
      return log
    },
    gives: ['clean', '5'],
  },
  {
    name: 'moveOn, shield and a scope that is cancelled by hand',
    *op() {
      const log: unknown[] = []
      log.push(
        yield* moveOn(
          5,
          function* () {
            yield* shield(function* () {
              yield* sleep(15)
              log.push('whole')
            })
            yield* sleep(100_000)
          },
          'moved on',
        ),
      )
      log.push(
        yield* scope({}, function* (s) {
          yield* spawn(() => s.cancel())
          yield* sleep(100_000)
          return 'never'
        }),
      )
      return log
    },
    gives: ['whole', 'moved on', undefined],
  },
  {
    name: 'a cancel reaches grandchildren, and waits for them',
    *op() {
      const log: string[] = []
      const generation = (n: number): (() => Operation<void>) =>
        function* () {
          try {
            if (n > 0) yield* spawn(generation(n - 1))
            yield* sleep(100_000)
          } finally {
            yield* sleep(n)
            log.push('clean')
          }
        }
      const task = yield* spawn(generation(3))
      yield* sleep(2)
      yield* task.cancel()
      return [...log, task.state]
    },
    gives: ['clean', 'clean', 'clean', 'clean', 'cancelled'],
  },
  {
    name: 'a failure cancels the siblings and leaves unchanged, later ones suppressed',
    *op() {
      const boom = new Error('boom')
      const error = yield* thrownBy(() =>
        nursery(function* (n) {
          yield* n.spawn(() => fail(boom))
          yield* n.spawn(() => fail('later'))
          yield* n.spawn(sleep(100_000))
        }),
      )
      return [error === boom, suppressed(error)]
    },
    gives: [true, ['later']],
  },
  {
    name: 'a daemon goes when all else is done',
    *op() {
      const log: string[] = []
      const parent = yield* spawn(function* () {
        yield* spawn(
          function* () {
            try {
              yield* sleep(100_000)
            } finally {
              log.push('daemon left')
            }
          },
          { daemon: true },
        )
        yield* sleep(2)
      })
      yield* parent.join()
      return log
    },
    gives: ['daemon left'],
  },
  {
    name: 'ten thousand tasks',
    *op() {
      let sum = 0
      yield* nursery(function* (n) {
        for (let i = 0; i < 10_000; i++) {
          yield* n.spawn(function* () {
            yield* i % 2 === 0 ? checkpoint() : sleep(i % 7)
            sum += i
          })
        }
      })
      return sum
    },
    gives: 49_995_000,
  },
  {
    name: 'a task that is busy does not stop the timers of the others',
    *op() {
      let over = false
      yield* spawn(function* () {
        yield* sleep(1)
        over = true
      })
      // On virtual time only waiting moves the clock.
      for (let rounds = 0; !over; rounds++) yield* rounds % 1000 === 999 ? sleep(0.1) : checkpoint()
      return over
    },
    gives: true,
  },
  {
    name: 'a park with a timeout, woken in time and not',
    *op() {
      const queue = new WaitQueue()
      yield* spawn(function* () {
        yield* sleep(1)
        yield* wake(queue, 1, 'woken')
      })
      const first = yield* park(queue, { timeout: 100_000 })
      const second = (yield* thrownBy(park(queue, { timeout: 1 }))) as TimeoutError
      return [first, second.name, second.ms, queue.length]
    },
    gives: ['woken', 'TimeoutError', 1, 0],
  },
  {
    name: 'a bad yield is the business of the task that did it',
    *op() {
      const odd = yield* spawn(function* () {
        try {
          yield 5 as never
        } catch (error) {
          return (error as Error).name
        }
        return 'nothing'
      })
      return [yield* odd.join(), (yield* current()).parent]
    },
    gives: ['TypeError', null],
  },
]
