/**
 * Main programs, and what they do about signals; the first argument says which.
 */
import { writeSync } from 'node:fs'
import {
  type CatchableSignal,
  type Cursor,
  each,
  exec,
  main,
  moveOn,
  nursery,
  type Operation,
  run,
  runSync,
  signals,
  sleep,
  spawn,
  startProcess,
  subscribe,
  suspend,
} from 'drupe'
import { fail, thrownBy } from '../../kit.js'

const say = (text: unknown): void => void writeSync(1, `${text}\n`)
const raise = (signal: CatchableSignal): void => void process.kill(process.pid, signal)

/** Signals arrive with a later turn of the host's loop. */
const soon = (): Operation<void> => sleep(20)

function* tidy(ms: number): Operation<void> {
  say('ready')
  try {
    yield* suspend(() => {})
  } finally {
    yield* sleep(ms)
    say('clean')
  }
}

const MAINS: Readonly<Record<string, () => unknown>> = {
  success: () => main(() => sleep(1)),
  'a code of its own': () =>
    main(function* () {
      process.exitCode = 9
    }),
  failure: () =>
    main(function* root() {
      yield* spawn(function* worker() {
        yield* sleep(1)
        throw new Error('the reason')
      })
      yield* sleep(60_000)
    }),
  'failure in the cleanup': () =>
    main(function* () {
      say('ready')
      try {
        yield* suspend()
      } finally {
        yield* fail(new Error('the cleanup'))
      }
    }),
  'much output': () =>
    main(function* () {
      process.stdout.write('x'.repeat(1_000_000))
      process.stderr.write('y'.repeat(1_000_000))
    }),
  'something open': () =>
    main(function* () {
      setInterval(() => {}, 1000)
    }),
  waits: () => main(() => tidy(5)),
  'waits long': () => main(() => tidy(60_000)),
  'short grace': () => main(() => tidy(60_000), { grace: 10 }),
  'has a child': () =>
    main(function* () {
      const child = yield* startProcess('sh', ['-c', 'trap "" TERM; echo; while :; do sleep 0.01; done'])
      yield* child.stdout.readLine()
      say(child.pid)
      yield* suspend()
    }),
  'other signals': () => main(() => tidy(1), { signals: ['SIGUSR2'] }),
  'a reload beside it': () =>
    main(function* () {
      // Before it says that it is ready, so that no signal comes too early.
      const cursor = yield* subscribe(signals('SIGHUP'))
      yield* spawn(function* () {
        for (let next = yield* cursor.next(); next.done !== true; next = yield* cursor.next()) say(next.value)
      })
      yield* tidy(1)
    }),
  'SIGTERM for itself': () =>
    main(function* () {
      const cursor = yield* subscribe(signals('SIGTERM'))
      raise('SIGTERM')
      say((yield* cursor.next()).value)
      // Nobody takes this one: it is for main when the source is closed.
      raise('SIGTERM')
      yield* soon()
      try {
        yield* cursor.close()
        yield* sleep(60_000)
      } finally {
        say('cancelled')
      }
    }),
  subscription: () =>
    main(function* () {
      const log: unknown[] = []
      yield* nursery(function* () {
        const cursor = yield* subscribe(signals('SIGHUP', 'SIGUSR2', 'SIGHUP'))
        log.push(process.listenerCount('SIGHUP'))
        raise('SIGUSR2')
        yield* soon()
        raise('SIGHUP')
        raise('SIGUSR2')
        yield* soon()
        for (let i = 0; i < 2; i++) log.push((yield* cursor.next()).value)
        // Nobody is woken for one that was taken, and one that comes for a cancelled wait stays.
        log.push(yield* moveOn(5, () => cursor.next(), 'none'))
        raise('SIGHUP')
        log.push((yield* cursor.next()).value)
        yield* cursor.close()
        log.push((yield* cursor.next()).done)
      })
      log.push(process.listenerCount('SIGHUP'), process.listenerCount('SIGUSR2'))
      say(JSON.stringify(log))
    }),
  'two subscriptions': () =>
    main(function* () {
      const one = yield* subscribe(signals('SIGUSR2'))
      const two = yield* subscribe(signals('SIGUSR2'))
      raise('SIGUSR2')
      say([(yield* one.next()).value, (yield* two.next()).value])
    }),
  'many subscriptions': () =>
    main(function* () {
      const cursors: Cursor<unknown>[] = []
      for (let i = 0; i < 1000; i++) {
        // Other code may remove what listens.
        if (i === 500) process.removeAllListeners('SIGUSR2')
        cursors.push(yield* subscribe(signals('SIGUSR2')))
      }
      raise('SIGUSR2')
      let told = 0
      for (const cursor of cursors) if ((yield* cursor.next()).value === 'SIGUSR2') told++
      const listening = process.listenerCount('SIGUSR2')
      for (const cursor of cursors) yield* cursor.close()
      say([told, listening, process.listenerCount('SIGUSR2')])
    }),
  'one that nobody took': () =>
    run(function* () {
      yield* nursery(function* () {
        yield* subscribe(signals('SIGTERM'))
        raise('SIGTERM')
        say('leaving')
      })
      yield* sleep(60_000)
    }),
  'two waits for one signal': () =>
    main(function* () {
      const cursor = yield* subscribe(signals('SIGUSR2'))
      const first = yield* spawn(() => cursor.next())
      const second = yield* spawn(() => cursor.next())
      yield* soon()
      raise('SIGUSR2')
      yield* sleep(5)
      yield* first.cancel()
      raise('SIGUSR2')
      say((yield* second.join()).value)
    }),
  'blocking run': () => {
    const error = runSync(() => thrownBy(each(signals('SIGUSR2'), () => sleep(0)))) as Error
    say(error.message)
    say(process.listenerCount('SIGUSR2'))
  },
  'a signal to a blocking run': () => {
    say('ready')
    runSync(() => sleep(60_000))
  },
  'a program with main in a pipe that is closed': () =>
    main(function* () {
      yield* exec('true')
      process.stdout.on('error', () => {})
      process.stdout.write('x'.repeat(1_000_000))
    }),
}

await MAINS[process.argv[2] as string]?.()
