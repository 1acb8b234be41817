/**
 * A process supervisor: keeps two programs running, and takes them along when it ends.
 *
 * Start it: `npm run example -- supervisor`. Each program is a task with its process in a block of
 * its own, so a restart leaves nothing of the last one. Ctrl-C cancels all of it: the programs get
 * SIGTERM, their time, and SIGKILL. Try a program that ignores SIGTERM: `trap '' TERM`.
 */
import { main, moveOn, nursery, type Operation, type Process, sleep, startProcess, use } from 'drupe'

const PROGRAMS = {
  clock: ['sh', '-c', 'while :; do date +%S; sleep 0.2; done'],
  flaky: ['sh', '-c', 'echo "working"; sleep 0.1; exit 3'],
} as const

function* show(name: string, { stdout }: Process): Operation<void> {
  for (let line = yield* stdout.readLine(); line !== null; line = yield* stdout.readLine()) {
    console.log(`${name}: ${line}`)
  }
}

function* supervise(name: string, [command, ...args]: readonly [string, ...string[]]): Operation<never> {
  for (let pause = 50; ; pause = Math.min(pause * 2, 10_000)) {
    const { code, signal } = yield* use(startProcess(command, args, { stderr: 'stdout' }), function* (child) {
      yield* show(name, child)
      return yield* child.wait()
    })
    console.log(`${name} ended with ${signal ?? `code ${code}`}; again in ${pause} ms`)
    yield* sleep(pause)
  }
}

await main(() =>
  // A second is enough for an example; without it, it goes on until Ctrl-C.
  moveOn(1000, () =>
    nursery(function* supervisor(n) {
      for (const [name, program] of Object.entries(PROGRAMS)) yield* n.spawn(() => supervise(name, program))
    }),
  ),
)
