/**
 * A service that is asked to leave, in the ways the first argument says; its cleanup waits before it says goodbye. What a
 * program does about signals and exit codes is its own affair: this is how it is done.
 */
import { constants } from 'node:os'
import { Kernel, type Operation, run, sleep, spawn, suspend } from 'drupe'

const say = (line: string): void => console.log(line)

function* service(): Operation<void> {
  say('started')
  try {
    yield* process.argv[2] === 'suspended' ? suspend(() => {}) : sleep(100_000_000)
  } finally {
    yield* sleep(5)
    say('gracefully stopped')
  }
}

/** Serves until a signal closes the kernel; the exit code says which, as a shell does. */
function untilSignal(): void {
  const kernel = new Kernel()
  // What keeps the process while the service only waits for a callback.
  const alive = setInterval(() => {}, 60_000)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, async () => {
      await kernel.close()
      clearInterval(alive)
      process.exitCode = 128 + constants.signals[signal]
    })
  }
  kernel.spawn(service)
}

/** Runs for a moment beside the service, and ends. */
function beside(end: () => Operation<void>): Promise<void> {
  return run(function* () {
    yield* spawn(service, { daemon: true })
    yield* sleep(10)
    yield* end()
  })
}

const PROGRAMS: Readonly<Record<string, () => unknown>> = {
  sleeping: untilSignal,
  suspended: untilSignal,
  returning: () => beside(function* () {}),
  async exiting() {
    await beside(function* () {})
    say('Ok, computer.')
    process.exit(0)
  },
  async failing() {
    await beside(function* () {})
    console.error('It all went horribly wrong')
    process.exit(23)
  },
  throwing: () =>
    beside(function* () {
      throw new Error('moo')
    }),
}

await PROGRAMS[process.argv[2] ?? '']?.()
