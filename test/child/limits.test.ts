/**
 * Limits of the process, reported as what they are: a child with few descriptors, in which every call that opens something
 * fails with the name of the limit and its value.
 */
import test from 'ava'
import { Child } from './child-kit.js'

const SAYS = 'too many open files, this process may have 128 (RLIMIT_NOFILE) (EMFILE)'

test('without descriptors every call that opens something names the limit and its value', async (t) => {
  if (process.platform === 'win32') {
    t.log('skipped: there is no ulimit on Windows')
    return t.pass()
  }
  const { stdout, stderr } = await new Child('limits', [], '-n 128').end()
  t.is(stderr, '')
  t.deepEqual(stdout.split('\n'), [
    `open: SystemError EMFILE Cannot open /dev/null: ${SAYS}`,
    `listen: SystemError EMFILE Cannot socket: ${SAYS}`,
    `connect: SystemError EMFILE Cannot socket: ${SAYS}`,
    `udp: SystemError EMFILE Cannot socket: ${SAYS}`,
    `socketPair: SystemError EMFILE Cannot socketpair: ${SAYS}`,
    `exec: SystemError EMFILE Cannot spawn true: ${SAYS}`,
    `thread: SystemError EMFILE Cannot start a thread: ${SAYS}`,
    `fork: SystemError EMFILE Cannot socketpair: ${SAYS}`,
    `accept: SystemError EMFILE Cannot accept: ${SAYS}`,
    'well again',
  ])
})
