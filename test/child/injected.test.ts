/**
 * System calls that fail now and then, by strace, beneath a server and its clients: what passes is not noticed, what is one
 * connection's trouble costs that connection, and no descriptor stays open.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { PATIENCE_MS } from '../patience.js'

const program = fileURLToPath(new URL('./programs/churn.js', import.meta.url))
const isThere = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0

const ALL = /^200 answered, 0 failed, 0 left$/
const SOME = /^1\d\d answered, \d+ failed, 0 left$/

/** A driver, what fails with which error at which calls, and what must come out. */
const CASES: readonly [driver: string, call: string, error: string, when: string, line: RegExp][] = [
  ['io_uring', 'io_uring_enter', 'ENOMEM', '10+3', ALL],
  ['io_uring', 'io_uring_enter', 'EAGAIN', '10+2', ALL],
  ['io_uring', 'setsockopt', 'EINVAL', '20+7', SOME],
  ['epoll', 'setsockopt', 'EINVAL', '20+7', SOME],
  ['epoll', 'accept4', 'EPERM', '5+5', ALL],
  ['epoll', 'accept4', 'ECONNABORTED', '5+5', ALL],
  ['epoll', 'accept4', 'ENOMEM', '50', ALL],
  ['epoll', 'epoll_wait', 'EINTR', '20+3', ALL],
]

if (process.platform === 'linux')
  for (const [driver, call, error, when, line] of CASES)
    test(`${driver}: ${call} that fails with ${error} now and then leaves a server whole`, (t) => {
      if (!isThere) {
        t.log('skipped: there is no strace here, or it may not trace')
        t.pass()
        return
      }
      const inject = `inject=${call}:error=${error}:when=${when}`
      const args = ['-f', '-o', '/dev/null', '-e', `trace=${call}`, '-e', inject, process.execPath, program]
      const env = { ...process.env, DRUPE_DRIVER: driver }
      const { stdout } = spawnSync('strace', args, { env, encoding: 'utf8', timeout: PATIENCE_MS })
      t.regex(stdout.trim(), line)
    })
