/**
 * How processes end: exit codes, what is printed, what keeps a process alive and what does not, and that nothing that goes
 * wrong inside the kernel's turn is swallowed. Each case is a process of its own (programs/exits.ts).
 */

import test from 'ava'
import { covers } from '../covers.js'
import { execute } from './child-kit.js'

const CASES: readonly (readonly [program: string, code: number, stdout: string | RegExp, stderr: RegExp])[] = [
  ['success', 0, 'done', /^$/],
  ['failure', 1, '', /Error: the reason/],
  ['blocking failure', 1, '', /Error: the reason/],
  ['idle kernel', 0, 'undefined', /^$/],
  ['idle server', 0, 'served', /^$/],
  ['exit inside a task', 7, '', /^$/],
  ['unsettled', 1, '', /^drupe: Cannot go on: .*suspended until host code calls back.*\n[\s\S]*\nDeadlockError: /],
  [
    'a caught deadlock',
    0,
    'clean\nDRUPE_DEADLOCK',
    /^drupe: Cannot go on: 2 .*get from the queue jobs[\s\S]*in task 2 \(worker\)/,
  ],
  ['a signal that never comes', 0, 'clean\nDRUPE_DEADLOCK', /suspended until host code calls back/],
  ['a spawned task that waits', 0, '', /^drupe: Cannot go on: 1 .*\(waiter\).*get from the queue jobs.*kernel\.hold/],
  ['a daemon that waits', 0, '', /^$/],
  ['waiting for ever on purpose', 0, 'clean\nDRUPE_TASK_CANCELLED', /^$/],
  ['a kernel that is held', 0, 'still here', /^$/],
  ['failure of a spawned task', 1, '', /nobody joined[\s\S]*\n {4}in task 1 \(anonymous\)/],
  [
    'two failures in a spawned task',
    1,
    '',
    /Error: the first[\s\S]*\n {4}in task 2 \(anonymous\)[\s\S]*drupe\.suppressed[\s\S]*Error: the second/,
  ],
  ['failure of a spawned task while the kernel closes', 0, 'done\nunhandled: Error: from the cleanup', /^$/],
  ['failure of a joined task', 0, 'caught somebody joined', /^$/],
  ['failure after a joiner gave up', 1, '', /nobody joined any more/],
  ['failure in a collecting nursery that nobody looked at', 1, '', /nobody looked[\s\S]*\n {4}in task \d+ \(/],
  ['failure in a collecting nursery that somebody looked at', 0, 'Error: somebody looked', /^$/],
  ['work keeps the process', 0, 'worked', /^$/],
  ['host callbacks keep the process', 0, 'called back', /^$/],
  ['broken instrument', 0, 'unhandled: Error: broken instrument\nunharmed, broken whole whole whole', /^$/],
  ['broken getter of an instrument', 0, /unharmed/, /^$/],
  ['broken abort', 0, 'unhandled: Error: broken abort\ncancelled', /^$/],
  ['host code that throws after a wait', 0, 'uncaught: from a microtask\nuncaught: from a tick\nalive', /^$/],
  ['exception in a turn', 3, 'uncaught: from the turn', /^$/],
  [
    'closing with a read under way behind a shield',
    0,
    /^Cannot close: 1 task\(s\) would not leave: .*stubborn.*accept/,
    /^$/,
  ],
  [
    'closing with a read under way behind a shield, as a guest',
    0,
    /^Cannot close: 1 task\(s\) would not leave: .*stubborn.*accept/,
    /^$/,
  ],
  [
    'closing with a wait for signals behind a shield',
    0,
    /^Cannot close: 1 task\(s\) would not leave: .*stubborn/,
    /^$/,
  ],
]

/** What peers' tests say the same. */
const COVERED: Readonly<Record<string, readonly string[]>> = {
  'exception in a turn': ['trio guest_mode: guest_mode_internal_errors'],
  'broken getter of an instrument': ['trio instrumentation: instrument_that_raises_on_getattr'],
  'broken instrument': ['trio instrumentation: instruments_crash'],
  'failure of a spawned task while the kernel closes': ['trio run: system_task_crash_plus_Cancelled'],
  'two failures in a spawned task': ['trio run: system_task_crash_ExceptionGroup'],
  'failure of a spawned task': ['trio run: system_task_crash'],
  unsettled: ['trio guest_mode: guest_warns_if_abandoned'],
  'broken abort': ['trio run: broken_abort', 'effection run: handles errors in exiting suspend points'],
  'exit inside a task': ['curio kernel: kernel_exit'],
}

for (const [program, code, stdout, stderr] of CASES) {
  test(`${program}: exit code ${code}`, async (t) => {
    covers(t, ...(COVERED[program] ?? []))
    const ending = await execute('exits', program)
    t.is(ending.signal, null)
    t.regex(ending.stderr, stderr)
    if (typeof stdout === 'string') t.is(ending.stdout, stdout)
    else t.regex(ending.stdout, stdout)
    t.is(ending.code, code)
  })
}
