/**
 * Whose a file is when it was written whole. Who writes is root first and somebody else then, so it is a process of its own.
 */
import test from 'ava'
import { Child } from './child-kit.js'

test('a file that is written whole keeps its owner and group, or else the rights that it gave them', async (t) => {
  if (process.getuid?.() !== 0) {
    t.log('skipped: only root has files of others')
    return t.pass()
  }
  const { code, stdout, stderr } = await new Child('owners').end()
  t.deepEqual([code, stderr], [0, ''])
  t.deepEqual(stdout.trim().split('\n'), [
    // Root, and what is its writer's own: all of it.
    '1000 1001 4750 new',
    '1000 1000 4750 new',
    // The owner cannot be kept: no program may run as the writer by it.
    '1000 1001 754 new',
    // Nor the group: the one that it has now may do what others may.
    '1000 1000 722 new',
    'group neither own root',
  ])
})
