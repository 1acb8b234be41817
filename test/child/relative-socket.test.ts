/**
 * A current directory is that of the whole process, so what a change of it does is tried in one of its own.
 */
import test from 'ava'
import { execute } from './child-kit.js'

test('the file of a Unix socket at a relative path goes with it, whatever the current directory is by then', async (t) => {
  if (process.platform === 'win32') {
    t.log('skipped: there are no such files on Windows')
    return t.pass()
  }
  const { stdout, stderr } = await execute('relative-socket')
  t.is(stderr, '')
  t.deepEqual(stdout.split('\n'), ['datagrams listener other', 'other'])
})
