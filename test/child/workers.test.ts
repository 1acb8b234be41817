/**
 * Kernels in worker threads: they work, end, are terminated with everything under way, and get
 * notifications of other threads.
 */

import test from 'ava'
import { covers } from '../covers.js'
import { execute } from './child-kit.js'

const CASES: Readonly<Record<string, string>> = {
  'a worker works and ends': 'guest 0\nblocking 0',
  'a worker with a live kernel exits, throws, or is terminated while it waits':
    'live and exit 7\nlive and throw 1\nterminated three',
  'ten workers at once': '0 0 0 0 0 0 0 0 0 0',
  'notifications reach a guest': '10000 notifications in as many wake-ups or fewer',
  'notifications reach a blocking run': '1 notifications in as many wake-ups or fewer',
  'a notification that came before anybody waited is heard': '3 notifications in as many wake-ups or fewer',
  'two tasks cannot wait at one waker': 'DRUPE_BUSY',
  'a cancelled wait hears later notifications': '2',
}

/** What peers' tests say the same. */
const COVERED: Readonly<Record<string, readonly string[]>> = {
  'notifications reach a guest': ['trio run: TrioToken_run_sync_soon_threaded_stress_test'],
}

for (const [program, stdout] of Object.entries(CASES)) {
  test(program, async (t) => {
    covers(t, ...(COVERED[program] ?? []))
    const ending = await execute('workers', program)
    t.is(ending.stderr, '')
    t.is(ending.stdout, stdout)
    t.deepEqual([ending.code, ending.signal], [0, null])
  })
}
