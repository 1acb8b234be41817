/**
 * Tracebacks: a mistake is an error that names the task and shows the line, however deep in `yield*` that is.
 */
import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import {
  BrokenError,
  ClosedError,
  connect,
  DeadlockError,
  ForgottenYieldError,
  Kernel,
  Lock,
  type Nursery,
  nursery,
  type Operation,
  Queue,
  run,
  type SystemError,
  sleep,
  spawn,
  suspend,
  TimeoutError,
  timeout,
  until,
} from 'drupe'
import { park, WaitQueue } from 'drupe/lowlevel'
import { SimNetwork, VirtualDriver, virtual } from 'drupe/testing'
import { thrown, thrownBy } from '../../kit.js'

const compiled = new URL(import.meta.url)
const written = new URL('../../../../test/kernel/watch/traceback.test.ts', import.meta.url)

/** `file:line` of this marker, as a stack writes it with and without source maps. */
function linesOf(marker: string): string[] {
  return [compiled, written].map((url) => {
    const lines = readFileSync(url, 'utf8').split('\n')
    const index = lines.findIndex((line) => line.endsWith(`// ${marker}`))
    return `${url.pathname.split('/').at(-1)}:${index + 1}:`
  })
}

/** The error's stack shows this task, and in it these marked lines in this order, and none of the package's between them. */
function shows(t: ExecutionContext, error: unknown, task: RegExp, ...markers: string[]): void {
  const stack = String((error as Error).stack).split('\n')
  const start = stack.findIndex((line) => /^ {4}in /.test(line) && task.test(line))
  t.not(start, -1, stack.join('\n'))
  for (const [i, marker] of markers.entries()) {
    const frame = stack[start + 1 + i] ?? ''
    t.true(
      linesOf(marker).some((line) => frame.includes(line)),
      `${marker} is not line ${i} in\n${stack.join('\n')}`,
    )
  }
}

/** Three more generators around an operation. */
function* deep<T>(op: () => Operation<T>): Operation<T> {
  function* inner(): Operation<T> {
    return yield* op() // inner
  }
  function* middle(): Operation<T> {
    return yield* inner() // middle
  }
  return yield* middle() // deep
}

/** Runs an operation as a task of this name, in both modes, and gives what it throws. */
function failing(t: ExecutionContext, body: () => Operation<unknown>, check: (error: Error) => void): void {
  for (const debug of [false, true]) {
    t.log(debug ? 'debug mode' : 'normal mode')
    virtual({ debug }, function* main() {
      yield* nursery(
        function* (n) {
          const task = yield* n.spawn(body, { name: 'culprit' })
          check((yield* thrownBy(task.join())) as Error)
        },
        { onError: 'collect' },
      )
    })
  }
}

test('a lock released by a stranger', (t) => {
  const lock = new Lock({ name: 'db' })
  failing(
    t,
    function* () {
      yield* deep(function* release() {
        yield* lock.release() // release
      })
    },
    (error) => {
      t.regex(
        error.message,
        /^Cannot release the lock db: task \d+ \(culprit\) does not hold the lock db; nobody does$/,
      )
      shows(t, error, /task \d+ \(culprit\)/, 'release', 'inner', 'middle', 'deep')
    },
  )
})

test('a task leaked past its nursery', (t) => {
  let gone: Nursery | undefined
  failing(
    t,
    function* () {
      yield* nursery(function* (n) {
        gone = n
        yield* sleep(1)
      })
      yield* deep(function* leak() {
        yield* (gone as Nursery).spawn(sleep(1), { name: 'late' }) // leak
      })
    },
    (error) => {
      t.true(error instanceof ClosedError)
      t.regex(
        error.message,
        /^Cannot spawn late from task (\d+) \(culprit\): the nursery of task \1 \(culprit\) has ended$/,
      )
      shows(t, error, /task \d+ \(culprit\)/, 'leak', 'inner')
    },
  )
})

test('a spawn into the nursery of a task that has ended names that task', (t) => {
  virtual({}, function* main() {
    let gone: Nursery | undefined
    yield* (yield* spawn(function* owner() {
      yield* nursery(function* (n) {
        gone = n
      })
    })).join()
    const error = (yield* thrownBy((gone as Nursery).spawn(sleep(1)))) as Error
    t.is(error.message, 'Cannot spawn sleep from task 1 (main): task 2 (owner) has ended')
  })
})

test('a queue closed while full', (t) => {
  failing(
    t,
    function* () {
      const queue = new Queue<number>(1, { name: 'jobs' })
      yield* queue.put(1)
      yield* spawn(
        function* closer() {
          yield* sleep(1)
          yield* queue.shutdown()
        },
        { daemon: true },
      )
      yield* deep(function* put() {
        yield* queue.put(2) // put
      })
    },
    (error) => {
      t.true(error instanceof ClosedError)
      t.regex(
        error.message,
        /^Cannot put task \d+ \(culprit\)'s item into the queue jobs: task \d+ \(closer\) has shut it down; it was full \(1\)$/,
      )
      shows(t, error, /task \d+ \(culprit\)/, 'put', 'inner', 'middle', 'deep')
    },
  )
})

test('a forgotten yield*: in debug mode with its line', (t) => {
  const error = thrown(() =>
    virtual({ debug: true }, function* () {
      yield* sleep(1)
      yield* (yield* spawn(function* careless() {
        yield* deep(function* forget() {
          sleep(50) // forget
        })
      })).join()
    }),
  ) as Error
  t.true(error instanceof ForgottenYieldError)
  t.regex(error.message, /^Cannot finish task 2 \(careless\): sleep\(\) was called and never run/)
  t.true(
    linesOf('forget').some((line) => String(error.stack).includes(line)),
    error.stack,
  )
})

test('a forgotten star: always with its task, in debug mode with the line that made what was yielded', (t) => {
  for (const debug of [false, true]) {
    const error = thrown(() =>
      virtual({ debug }, function* () {
        yield* spawn(
          () =>
            deep(function* () {
              yield sleep(1) as never // star
            }),
          { name: 'culprit' },
        )
      }),
    ) as Error
    t.regex(error.message, /yielded by task 2 \(culprit\): write "yield\* …" \(with the star\)/)
    shows(t, error, /task 2 \(culprit\)/, ...(debug ? ['star'] : []))
  }
})

test('what cannot be run', (t) => {
  failing(
    t,
    () =>
      deep(function* mistaken() {
        yield* spawn((() => {}) as unknown as () => Operation<void>) // mistaken
      }),
    (error) => {
      t.true(error instanceof TypeError)
      shows(t, error, /task \d+ \(culprit\)/, 'mistaken', 'inner')
    },
  )
})

test('what the system refuses', (t) => {
  const error = thrown(() =>
    virtual({ network: new SimNetwork() }, function* main() {
      yield* deep(function* dial() {
        yield* connect({ host: '127.0.0.1', port: 9 }) // dial
      })
    }),
  ) as SystemError
  t.is(error.code, 'ECONNREFUSED')
  shows(t, error, /task 1 \(main\)/, 'dial', 'inner', 'middle', 'deep')
})

test('a deadlock shows every waiting task, and wakes none', (t) => {
  const kernel = new Kernel({ driver: new VirtualDriver() })
  const queue = new WaitQueue('door')
  const log: string[] = []
  const error = thrown(() =>
    kernel.runSync(function* main() {
      yield* spawn(function* guest() {
        try {
          yield* deep(function* wait() {
            yield* park(queue) // wait
          })
        } finally {
          log.push('cleaned up')
        }
      })
      yield* nursery(function* (n) {
        yield* n.spawn(function* host() {
          yield* suspend(() => {}) // host
        })
      }) // nursery
    }),
  ) as Error
  t.true(error instanceof DeadlockError)
  shows(t, error, /task 2 \(guest\)/, 'wait', 'inner', 'middle', 'deep')
  shows(t, error, /task 3 \(host\)/, 'host')
  shows(t, error, /task 1 \(main\)/)
  t.deepEqual(log, [])
  t.is(queue.length, 1)
  kernel.closeSync()
  t.deepEqual(log, ['cleaned up'])
})

test('an error has the lines of the task where it happened, and of no other on its way', (t) => {
  const lock = new Lock()
  const error = virtual({}, function* main() {
    return (yield* thrownBy(
      nursery(function* (n) {
        const culprit = yield* n.spawn(function* culprit() {
          yield* lock.release() // first
        })
        yield* n.spawn(() => culprit.join())
      }),
    )) as Error
  })
  shows(t, error, /culprit/, 'first')
  t.is(error.stack?.match(/\n {4}in task/g)?.length, 1)
})

test('what a task throws itself keeps its stack', (t) => {
  virtual({}, function* main() {
    for (const own of [new BrokenError('go on', 'I say so'), new TypeError('mine'), new Error('plain')]) {
      const before = own.stack
      function* child(): Operation<never> {
        throw own
      }
      t.is(yield* thrownBy(nursery((n) => n.spawn(child))), own)
      t.is(yield* thrownBy(nursery(child)), own)
      t.is(own.stack, before)
    }
  })
})

test('everyday answers go without: a timeout, a cancel, and errors of others', async (t) => {
  const plain = new Error('plain')
  for (const op of [
    park(new WaitQueue(), { timeout: 1 }),
    timeout(1, sleep(5)),
    until(Promise.reject(plain)),
  ] as readonly Operation<unknown>[]) {
    const error = (await run(() => thrownBy(op))) as Error
    t.true(error === plain || error instanceof TimeoutError)
    t.notRegex(String(error.stack), /\n {4}in task/)
  }
})

test('debug mode shows where a wait has run out of time', (t) => {
  const jobs = new Queue<string>(1, { name: 'jobs' })
  function* worker(): Operation<void> {
    yield* deep(function* take() {
      yield* jobs.get({ timeout: 5 }) // take
    })
  }
  const debug = thrown(() => virtual({ debug: true }, worker))
  t.is((debug as Error).message, 'Cannot get from the queue jobs: not done within 5 ms')
  shows(t, debug, /task 1 \(worker\)/, 'take', 'inner', 'middle', 'deep')
  t.notRegex(String((thrown(() => virtual({}, worker)) as Error).stack), /\n {4}in task/)
})

test('in debug mode a failure that leaves the kernel names the task where it began', (t) => {
  const failure = (debug: boolean): string | undefined => {
    const error = thrown(() =>
      virtual({ debug }, function* main() {
        yield* nursery(function* (n) {
          yield* n.spawn(function* worker() {
            yield* sleep(1)
            throw new Error('plain')
          })
        })
      }),
    )
    return (error as Error).stack
  }
  t.regex(failure(true) ?? '', /\n {4}in task 2 \(worker\)$/)
  t.notRegex(failure(false) ?? '', /\n {4}in task/)
})

test('errors that are frozen, or have no stack, pass as they are', async (t) => {
  for (const odd of [
    Object.freeze(new TypeError('frozen')),
    Object.assign(new TypeError('bare'), { stack: undefined }),
  ]) {
    t.is(await run(() => thrownBy(until(Promise.reject(odd)))), odd)
  }
})
