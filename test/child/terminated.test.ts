/**
 * Worker threads that are ended from outside, at work and at rest: they end, nothing of theirs is left, and the process lives.
 */
import test from 'ava'
import { execute } from './child-kit.js'

const JOBS = ['idle guest', 'idle blocking run', 'busy guest', 'busy blocking run', 'stuck guest']

/** When; what is said; the exit code. */
const CASES: readonly (readonly [when: string, lines: readonly string[], code: number])[] = [
  ['in the middle of work', ['20 ended'], 0],
  ['in a wait', ['idle guest: ended', 'idle blocking run: ended'], 0],
  [
    'with something open',
    ['idle guest', ...JOBS].map((job) => `${job}: ${job.startsWith('busy') ? '' : 'nothing left, '}ECONNREFUSED`),
    0,
  ],
  ['the process exits', [''], 5],
  ['the process throws', [''], 1],
]

for (const driver of process.platform === 'linux' ? ['io_uring', 'epoll'] : []) {
  for (const [when, lines, code] of CASES) {
    test(`${driver}: workers are ended: ${when}`, async (t) => {
      const ending = await execute('terminated', when, driver)
      t.deepEqual([ending.code, ending.signal], [code, null], ending.stderr)
      t.deepEqual(ending.stdout.split('\n'), lines)
    })
  }
}
