/**
 * Things of another kernel: whatever takes a task, a scope, a nursery or a waker refuses one that is not of its own kernel.
 *
 * The type checker lists all that takes such a thing. Each has a row in the table, so a new one without a row fails.
 */
import test from 'ava'
import {
  Kernel,
  KernelStateError,
  type Nursery,
  nursery,
  type Operation,
  type Scope,
  scope,
  sleep,
  type Task,
} from 'drupe'
import type { Waker } from 'drupe/lowlevel'
import { VirtualDriver } from 'drupe/testing'
import { give, thrown } from '../kit.js'
import { takersOfOwned } from './program.js'

interface Theirs {
  readonly task: Task
  readonly scope: Scope
  readonly nursery: Nursery
  readonly waker: Waker
}

type Attempt = (theirs: Theirs, mine: Kernel) => unknown

/** Runs an operation in our kernel. */
const inside =
  (make: (theirs: Theirs) => Operation<unknown>): Attempt =>
  (theirs, mine) =>
    mine.runSync(() => make(theirs))

const TABLE: Readonly<Record<string, Attempt>> = {
  'Kernel.cancel': ({ task }, mine) => mine.cancel(task),
  'Task.join': inside(({ task }) => task.join()),
  'Task.wait': inside(({ task }) => task.wait()),
  'Task.cancel': inside(({ task }) => task.cancel()),
  'Scope.cancel': inside(({ scope }) => scope.cancel()),
  'Scope.setDeadline': inside(({ scope }) => scope.setDeadline(0)),
  'Scope.setShield': inside(({ scope }) => scope.setShield(true)),
  'Nursery.cancel': inside(({ nursery }) => nursery.cancel()),
  'Nursery.setDeadline': inside(({ nursery }) => nursery.setDeadline(0)),
  'Nursery.setShield': inside(({ nursery }) => nursery.setShield(true)),
  'Nursery.spawn': inside(({ nursery }) => nursery.spawn(give(1))),
  'Nursery.start': inside(({ nursery }) => nursery.start(give(1))),
  'Nursery.next': inside(({ nursery }) => nursery.next()),
  'Waker.wait': inside(({ waker }) => waker.wait()),
}

/** Not tried: with the reason. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'Resumer.fail': 'as Resumer.wake',
  'Resumer.wake': 'wakes a task in the kernel that it is of: test/traps/sync/shared.test.ts',
  'HostKernel.cancel': 'the shape of Kernel.cancel',
}

test('everything that takes a thing of one kernel has a row in the table', (t) => {
  const rows = [...Object.keys(TABLE), ...Object.keys(ELSEWHERE)]
  t.deepEqual(takersOfOwned(), rows.sort())
})

for (const [name, attempt] of Object.entries(TABLE)) {
  test(`${name} refuses a thing of another kernel, which takes no notice`, async (t) => {
    const kernel = new Kernel()
    const mine = new Kernel({ driver: new VirtualDriver() })
    let things: Omit<Theirs, 'waker'> | undefined
    const task = kernel.spawn(() =>
      scope({ name: 'a scope of theirs' }, function* (scope): Operation<string> {
        yield* nursery(
          function* (nursery) {
            things = { task, scope, nursery }
            yield* sleep(50)
          },
          { completions: true },
        )
        return 'undisturbed'
      }),
    )
    const waker = kernel.waker()
    await kernel.run(sleep(0))
    const error = thrown(() => attempt({ ...(things as Omit<Theirs, 'waker'>), waker }, mine))
    t.true(error instanceof KernelStateError, String(error))
    t.regex((error as Error).message, /^Cannot .*: it belongs to another kernel$/)
    mine.closeSync()
    t.is(await kernel.run(() => task.join()), 'undisturbed')
    await kernel.close()
  })
}
