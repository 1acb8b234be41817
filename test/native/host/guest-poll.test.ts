/** Life on the host's loop and at the edges of a process: each scenario of child.ts in a process of its own. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { PATIENCE_MS } from '../../patience.js'

/** What each scenario must print. */
const EXPECTED: Readonly<Record<string, string>> = {
  'data, alarm and wake call the turn': 'data alarm wake calm',
  'another thread wakes a guest': 'woken',
  'a guest that is not held lets the process end': 'ends',
  'a guest that is held keeps the process until it is let go': 'alarm',
  'the host has its pass between two turns': 'turn host turn',
  'an exception in a turn is uncaught, not swallowed': 'from the turn',
  'promises and next ticks of a turn run when nothing else happens': 'tick promise',
  'an exception in a next tick of a turn is uncaught, and others run': 'immediate one tick turn two, true',
  'nothing is called after close': 'turns 0',
  'a guest survives the garbage collector': 'still there',
  'workers may end without closing': 'exit 7, throw 1, terminate 1',
  'a closed driver has left no fd behind': 'leaked 0',
  'accept without fds left fails with EMFILE and works again later': 'EMFILE EMFILE true',
  'memory of an operation under way survives the garbage collector': '8 of 8',
  'a closed driver keeps neither its memory nor its kernel': '0 kernels, 0 MB',
}

/** The same, for what only one driver does. */
const OF_ONE: readonly [driver: string, scenario: string, line: string | RegExp][] = [
  [
    'epoll',
    'fds that a failing constructor had opened are closed again',
    // Which call meets the limit depends on how many descriptors Node itself has open.
    /^Cannot (timerfd_create|pipe|epoll_create): too many open files(, this process may have 64 \(RLIMIT_NOFILE\))? \(EMFILE\); 0$/,
  ],
  [
    'io_uring',
    'fds that a failing constructor had opened are closed again',
    // Which call meets the limit depends on how many descriptors Node itself has open.
    /^Cannot (eventfd|io_uring_setup): too many open files(, this process may have 64 \(RLIMIT_NOFILE\))? \(EMFILE\); 0$/,
  ],
  [
    '',
    'with few descriptors left the driver is one that fits, or none, and nothing leaks',
    'EMFILE EMFILE EMFILE EMFILE epoll io_uring io_uring',
  ],
  [
    '',
    'a system that forbids io_uring gets epoll, with a note',
    'epoll: there is no io_uring here: operation not permitted (io_uring_setup: EPERM)',
  ],
]

const run = promisify(execFile)
const child = fileURLToPath(new URL('../child.js', import.meta.url))

function check(driver: string, scenario: string, line: string | RegExp): void {
  if (process.platform !== 'linux') return
  test(`${driver === '' ? '' : `${driver}: `}${scenario}`, async (t) => {
    const script = 'ulimit -n 64; exec "$0" --expose-gc "$@"'
    const env = { ...process.env, DRUPE_DRIVER: driver }
    const options = { timeout: PATIENCE_MS, env }
    const { stdout, stderr } = await run('sh', ['-c', script, process.execPath, child, scenario], options)
    t.is(stderr, '')
    if (typeof line === 'string') t.is(stdout.trim(), line)
    else t.regex(stdout.trim(), line)
  })
}

for (const [scenario, line] of Object.entries(EXPECTED)) {
  for (const driver of ['epoll', 'io_uring']) check(driver, scenario, line)
}
for (const [driver, scenario, line] of OF_ONE) check(driver, scenario, line)
