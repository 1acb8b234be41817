/**
 * Programs that start processes in numbers, beside others' and where descriptors are few; the first argument says which.
 * They print what is left over.
 */
import { spawn as hostSpawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { isMainThread, Worker } from 'node:worker_threads'
import { exec, Kernel, map, moveOn, type Operation, run, runSync, sleep, startProcess, until, use } from 'drupe'
import { EpollDriver } from '../../../native/linux/epoll.js'
import { thrownBy } from '../../kit.js'
import { openDescriptors } from '../../open-descriptors.js'
import { zombies } from '../../zombies.js'

const say = (value: unknown): void => console.log(JSON.stringify(value))

function* leavesNothing(op: () => Operation<unknown>): Operation<readonly number[]> {
  yield* exec('true')
  const before = openDescriptors()
  yield* op()
  // As before the count: the kqueue of the tests lets go of what is closed when it makes the next one.
  yield* exec('true')
  return [zombies(), openDescriptors() - before]
}

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

/** epoll without the call that gives descriptors for processes. */
class OldEpoll extends EpollDriver {
  protected override exitDescriptor(): number {
    return -38
  }
}

function* inTurn(n: number): Operation<void> {
  for (let i = 0; i < n; i++) yield* exec('true')
}

const together = (n: number): Operation<unknown> => map(count(n), () => exec('true'), { concurrency: 64 })

/** With so many descriptors left, what happens to a start. */
function* squeezed(): Operation<unknown> {
  const results: string[] = []
  yield* exec('true')
  const before = openDescriptors()
  for (let left = 0; left < 12; left++) {
    const taken: number[] = []
    try {
      for (;;) taken.push(openSync('/dev/null', 'r'))
    } catch {
      for (let i = 0; i < left; i++) closeSync(taken.pop() as number)
    }
    let result: string
    try {
      const { code } = yield* exec('cat', [], { input: new Uint8Array(1) })
      result = `code ${code}`
    } catch (error) {
      result = (error as { code: string }).code
    }
    for (const fd of taken) closeSync(fd)
    if (results.at(-1) !== result) results.push(result)
  }
  return [results, openDescriptors() - before, zombies()]
}

const CASES: Readonly<Record<string, () => unknown>> = {
  'one after the other': async () => say(await run(() => leavesNothing(() => inTurn(1000)))),
  '64 at a time': async () => say(await run(() => leavesNothing(() => together(1000)))),
  'in a blocking run': () => say(runSync(() => leavesNothing(() => together(200)))),
  'without pidfd': async () => {
    const kernel = new Kernel({ driver: new OldEpoll() })
    say(await kernel.run(() => leavesNothing(() => together(100))))
    await kernel.close()
    say(runSync(() => leavesNothing(() => inTurn(20)), { driver: new OldEpoll() }))
  },
  "beside the host's": async () => {
    const hosts = Promise.all(
      count(40).map(async (i) => {
        const [code] = await once(hostSpawn('sh', ['-c', `exit ${i}`]), 'exit')
        return code === i
      }),
    )
    const ours = await run(() =>
      map(count(40), function* (i) {
        const { code } = yield* exec('sh', ['-c', `sleep 0.0${i % 9}; exit ${i}`], { ok: false })
        return code === i
      }),
    )
    say([(await hosts).every(Boolean), ours.every(Boolean), zombies()])
  },
  'few descriptors': async () => say(await run(squeezed)),
  'a detached one is reaped when it ends': async () =>
    say(
      await run(function* () {
        const stdio = { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' } as const
        yield* use(startProcess('sleep', ['0.01'], { ...stdio, detached: true }), () => sleep(0))
        for (let i = 0; i < 100 && zombies() === 0; i++) yield* sleep(5)
        yield* exec('true')
        return zombies()
      }),
    ),
  'exit with one running': () => {
    void run(function* () {
      const child = yield* startProcess('sh', ['-c', 'trap "" TERM; sleep 1000 & echo $!; wait; wait'])
      say([child.pid, Number(yield* child.stdout.readLine())])
      process.exit(0)
    })
  },
  'crash with one running': () => {
    void run(function* () {
      const child = yield* startProcess('sleep', ['1000'])
      say([child.pid])
      setTimeout(() => {
        throw new Error('the crash')
      }, 1)
      yield* child.wait()
    })
  },
  'in a worker': async () => {
    if (!isMainThread) return
    const worker = new Worker(new URL(import.meta.url), { argv: ['worker'] })
    worker.on('message', say)
    await once(worker, 'exit')
    say(zombies())
  },
  worker: async () => {
    const { parentPort } = await import('node:worker_threads')
    const result = await run(function* () {
      const left = yield* leavesNothing(() => together(100))
      const error = yield* thrownBy(exec('no-such-program'))
      yield* moveOn(10, () => exec('sleep', ['1000']))
      return [left, (error as { code: string }).code]
    })
    parentPort?.postMessage(result)
    await run(() => until(Promise.resolve()))
  },
}

await CASES[process.argv[2] as string]?.()
