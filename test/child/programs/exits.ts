/**
 * Small programs that end in different ways; the first argument says which. What is asserted is their exit code and output.
 */
import {
  checkpoint,
  each,
  Kernel,
  moveOn,
  nursery,
  type Operation,
  once,
  Queue,
  run,
  runSync,
  serve,
  shield,
  signals,
  sleep,
  spawn,
  suspend,
  until,
} from 'drupe'
import { chooseDriver, type Driver } from 'drupe/lowlevel'
import { waitAllBlocked } from 'drupe/testing'
import { fail, give, thrown } from '../../kit.js'
import { connectTo, echo, listenLocally } from '../../modes/net-kit.js'

const say = (line: unknown): void => console.log(String(line))

/** Shows what would be unhandled, and goes on. */
function showUnhandled(): void {
  process.on('unhandledRejection', (error) => say(`unhandled: ${error}`))
}

/** Says when its cleanup, which waits, is done. */
function* tidy(op: Operation<unknown>): Operation<void> {
  try {
    yield* op
  } finally {
    yield* sleep(1)
    say('clean')
  }
}

async function showEnd(op: () => Operation<unknown>): Promise<void> {
  try {
    say(await run(op))
  } catch (error) {
    say((error as { code: string }).code)
  }
}

const PROGRAMS: Readonly<Record<string, () => unknown>> = {
  async success() {
    say(
      await run(function* () {
        yield* sleep(5)
        return 'done'
      }),
    )
  },

  async failure() {
    await run(function* () {
      yield* sleep(5)
      throw new Error('the reason')
    })
  },

  'blocking failure'() {
    runSync(() => fail(new Error('the reason')))
  },

  async 'idle kernel'() {
    const kernel = new Kernel()
    say(await kernel.run(() => checkpoint()))
    // Not closed, and nothing under way: that must not keep the process.
  },

  async 'idle server'() {
    const kernel = new Kernel()
    await kernel.run(function* () {
      const listener = yield* listenLocally()
      const server = yield* spawn(serve(listener, echo))
      const stream = yield* connectTo(listener)
      yield* stream.close()
      yield* server.cancel()
    })
    say('served')
  },

  async 'exit inside a task'() {
    await run(function* () {
      yield* sleep(5)
      try {
        process.exit(7)
      } finally {
        say('never: an exit is the end')
      }
    })
  },

  async unsettled() {
    await run(() => suspend(() => {}))
  },

  async 'a caught deadlock'() {
    const jobs = new Queue<void>(1, { name: 'jobs' })
    await showEnd(function* () {
      yield* spawn(function* worker() {
        yield* jobs.get()
      })
      yield* tidy(jobs.get())
    })
  },

  async 'a signal that never comes'() {
    await showEnd(() => tidy(once(process, 'SIGTERM')))
  },

  'a spawned task that waits'() {
    new Kernel().spawn(function* waiter() {
      yield* new Queue<void>(1, { name: 'jobs' }).get()
    })
  },

  'a daemon that waits'() {
    new Kernel().spawn(() => new Queue<void>(1).get(), { daemon: true })
  },

  async 'waiting for ever on purpose'() {
    // Does not keep the process: only the tasks do.
    setTimeout(() => void kernel.close(), 50).unref()
    const kernel = new Kernel()
    try {
      await kernel.run(function* () {
        yield* spawn(sleep(Number.POSITIVE_INFINITY))
        yield* tidy(suspend())
      })
    } catch (error) {
      say((error as { code: string }).code)
    }
  },

  'a kernel that is held'() {
    const release = new Kernel().hold()
    setTimeout(() => {
      say('still here')
      release()
    }, 50).unref()
  },

  'failure of a spawned task'() {
    new Kernel().spawn(() => fail(new Error('nobody joined')))
  },

  'two failures in a spawned task'() {
    new Kernel().spawn(() =>
      nursery(function* (n) {
        for (const name of ['first', 'second']) yield* n.spawn(() => fail(new Error(`the ${name}`)))
      }),
    )
  },

  async 'failure of a spawned task while the kernel closes'() {
    showUnhandled()
    const kernel = new Kernel()
    kernel.spawn(() =>
      nursery(function* (n) {
        yield* n.spawn(sleep(100_000))
        yield* n.spawn(function* () {
          try {
            yield* sleep(100_000)
          } finally {
            yield* fail(new Error('from the cleanup'))
          }
        })
      }),
    )
    say(await kernel.run(() => waitAllBlocked()).then(() => 'done'))
    await kernel.close()
    await new Promise((resolve) => setImmediate(resolve))
  },

  'failure of a joined task'() {
    const kernel = new Kernel()
    const task = kernel.spawn(function* () {
      yield* sleep(5)
      throw new Error('somebody joined')
    })
    kernel.run(() => task.join()).catch((error) => say(`caught ${error.message}`))
  },

  'failure after a joiner gave up'() {
    const kernel = new Kernel()
    const task = kernel.spawn(function* () {
      yield* sleep(20)
      throw new Error('nobody joined any more')
    })
    kernel.run(() => moveOn(1, task.join()))
  },

  'failure in a collecting nursery that nobody looked at'() {
    return run(() =>
      nursery(
        function* (n) {
          yield* n.spawn(() => fail(new Error('nobody looked')))
        },
        { onError: 'collect' },
      ),
    )
  },

  async 'failure in a collecting nursery that somebody looked at'() {
    const error = await run(() =>
      nursery(
        function* (n) {
          yield* n.spawn(() => fail(new Error('somebody looked')))
          return (yield* n.next())?.error
        },
        { onError: 'collect' },
      ),
    )
    say(error)
  },

  'work keeps the process'() {
    const kernel = new Kernel()
    kernel.spawn(function* () {
      yield* sleep(50)
      say('worked')
    })
  },

  async 'host callbacks keep the process'() {
    await run(() => until(new Promise((resolve) => setTimeout(resolve, 20))))
    say('called back')
  },

  async 'broken instrument'() {
    showUnhandled()
    const log: string[] = []
    const broken = {
      beforeStep() {
        log.push('broken')
        throw new Error('broken instrument')
      },
    }
    const whole = { beforeStep: () => void log.push('whole') }
    const result = await run(
      function* () {
        yield* sleep(1)
        yield* checkpoint()
        return 'unharmed'
      },
      { instruments: [broken, whole] },
    )
    await new Promise((resolve) => setImmediate(resolve))
    say(`${result}, ${log.join(' ')}`)
  },

  async 'broken getter of an instrument'() {
    showUnhandled()
    const broken = {
      get exit(): never {
        throw new Error('broken getter')
      },
    }
    say(await run(() => moveOn(1, sleep(100), 'unharmed'), { instruments: [broken] }))
    await new Promise((resolve) => setImmediate(resolve))
  },

  async 'broken abort'() {
    showUnhandled()
    const result = await run(function* () {
      const task = yield* spawn(
        suspend(() => () => {
          throw new Error('broken abort')
        }),
      )
      yield* checkpoint()
      yield* task.cancel()
      return task.state
    })
    await new Promise((resolve) => setImmediate(resolve))
    say(result)
  },

  async 'host code that throws after a wait'() {
    process.on('uncaughtException', (error) => say(`uncaught: ${error.message}`))
    await run(() => sleep(5))
    queueMicrotask(() => {
      throw new Error('from a microtask')
    })
    process.nextTick(() => {
      throw new Error('from a tick')
    })
    await run(() => sleep(5))
    say('alive')
  },

  'exception in a turn'() {
    process.on('uncaughtException', (error) => {
      say(`uncaught: ${error.message}`)
      process.exit(3)
    })
    const driver = chooseDriver() as Driver
    const poll = driver.poll.bind(driver)
    let polls = 0
    driver.poll = (wait) => {
      if (++polls === 3) throw new Error('from the turn')
      return poll(wait)
    }
    new Kernel({ driver }).spawn(function* () {
      for (;;) yield* sleep(1)
    })
  },

  'closing with a read under way behind a shield'() {
    const kernel = new Kernel({ grace: 20 })
    const stubborn = function* stubborn() {
      const listener = yield* listenLocally()
      yield* shield(listener.accept())
    }
    kernel.runSync(function* () {
      kernel.spawn(stubborn)
      yield* sleep(5)
    })
    say((thrown(() => kernel.closeSync()) as Error).message)
  },

  async 'closing with a read under way behind a shield, as a guest'() {
    const kernel = new Kernel({ grace: 20 })
    kernel.spawn(function* stubborn() {
      const listener = yield* listenLocally()
      yield* shield(listener.accept())
    })
    await new Promise((resolve) => setTimeout(resolve, 5))
    await kernel.close().catch((error) => say(error.message))
  },

  async 'closing with a wait for signals behind a shield'() {
    const kernel = new Kernel({ grace: 20 })
    kernel.spawn(function* stubborn() {
      yield* shield(() => each(signals('SIGHUP'), () => give(true)))
    })
    await kernel.run(sleep(1))
    await kernel.close().catch((error) => say(error.message))
  },
}

await PROGRAMS[process.argv[2] ?? '']?.()
