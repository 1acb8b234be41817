/**
 * Several processes that start on the path of a stale Unix socket at once: one listens, and it is that one that is
 * reached. A server that is killed leaves a file that the next one replaces.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { Child } from './child-kit.js'

const STARTERS = 4
const ROUNDS = 5

const tell = (child: Child): boolean | undefined => child.process.stdin?.write('\n')

test('of several processes that start at once on the file of one that was killed, one listens and is reached', async (t) => {
  if (process.platform !== 'linux' || process.env['DRUPE_DRIVER'] === 'host') {
    t.log('skipped: there is no native driver')
    return t.pass()
  }
  const directory = mkdtempSync(join(tmpdir(), 'drupe-'))
  const path = join(directory, 'socket')
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const children = Array.from({ length: STARTERS }, () => new Child('starter', [path]))
      await Promise.all(children.map((child) => child.line(1)))
      for (const child of children) tell(child)
      const outcomes = await Promise.all(children.map((child) => child.line(2)))
      t.deepEqual(outcomes.toSorted(), [...new Array<string>(STARTERS - 1).fill('EADDRINUSE'), 'up'])
      for (const child of children) tell(child)
      const reached = await Promise.all(children.map((child) => child.line(3)))
      t.deepEqual(new Set(reached), new Set(['reached']))
      const up = outcomes.indexOf('up')
      // The last round closes, the others leave a stale file to the next.
      const isLast = round === ROUNDS - 1
      if (!isLast) await children[up]?.kill('SIGKILL')
      for (const child of children) child.process.stdin?.end('\n')
      const endings = await Promise.all(children.map((child) => child.end()))
      t.is(endings.filter(({ code }) => code === 0).length, isLast ? STARTERS : STARTERS - 1)
      t.is(existsSync(path), !isLast)
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
})
