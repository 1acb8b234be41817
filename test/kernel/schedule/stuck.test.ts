/**
 * A guest whose host has no work left: the error names the tasks that wait, and runs that are
 * awaited reject with it.
 */
import test from 'ava'
import { DeadlockError, Kernel, KernelStateError, Queue, sleep } from 'drupe'
import { HostDriver } from 'drupe/lowlevel'
import { thrown } from '../../kit.js'

/** A host that says when it has no work left. */
function idleHost(): {
  readonly beforeExit: (callBack: () => void) => () => void
  readonly idle: () => void
  readonly size: () => number
} {
  const callBacks = new Set<() => void>()
  return {
    beforeExit(callBack) {
      callBacks.add(callBack)
      return () => void callBacks.delete(callBack)
    },
    idle: () => {
      for (const callBack of callBacks) callBack()
    },
    size: () => callBacks.size,
  }
}

/** What is printed while a body runs. */
async function printed(body: () => Promise<void>): Promise<string[]> {
  const { warn } = console
  const lines: string[] = []
  console.warn = (line: string) => void lines.push(line)
  try {
    await body()
  } finally {
    console.warn = warn
  }
  return lines
}

test.serial(
  'a run that waits when the host has no work left is rejected, and the tasks are printed once',
  async (t) => {
    const { beforeExit, idle, size } = idleHost()
    const kernel = new Kernel({ driver: new HostDriver(), beforeExit })
    const jobs = new Queue<number>(1, { name: 'jobs' })
    const lines = await printed(async () => {
      const first = kernel.run(() => jobs.get(), { name: 'first' })
      await kernel.run(sleep(1))
      idle()
      const error = await t.throwsAsync(first, { instanceOf: DeadlockError })
      t.regex(error?.message ?? '', /task 1 \(first\): get from the queue jobs/)
      const second = kernel.run(() => jobs.get(), { name: 'second' })
      await kernel.run(sleep(1))
      idle()
      await t.throwsAsync(second, { instanceOf: DeadlockError })
    })
    t.is(lines.length, 1)
    t.regex(lines[0] ?? '', /^drupe: Cannot go on: 1 task\(s\) .*first.*kernel\.hold\(\)/)
    t.is(kernel.statistics.tasks, 2, 'the tasks are as they were, and closing cancels them')
    await kernel.close()
    t.is(size(), 0)
  },
)

test.serial('where nobody waits, or only daemons of the host, an idle host is nobody’s trouble', async (t) => {
  const { beforeExit, idle } = idleHost()
  const kernel = new Kernel({ driver: new HostDriver(), beforeExit })
  const lines = await printed(async () => {
    kernel.spawn(() => new Queue(1).get(), { daemon: true })
    await kernel.run(sleep(1))
    idle()
  })
  t.deepEqual(lines, [])
  await kernel.close()
})

test('a closed kernel holds nothing, and says so', async (t) => {
  const kernel = new Kernel({ driver: new HostDriver() })
  const release = kernel.hold()
  await kernel.close()
  release()
  release()
  t.true(thrown(() => kernel.hold()) instanceof KernelStateError)
})
