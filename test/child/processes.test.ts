/**
 * Processes in numbers: no zombie and no descriptor is left, beside the host's own processes, where descriptors are few, and
 * when this process ends before them. Each case is a process of its own (programs/processes.ts).
 */
import test, { type ExecutionContext } from 'ava'
import { covers } from '../covers.js'
import { runs } from '../modes/processes.js'
import { PATIENCE_MS } from '../patience.js'
import { Child, execute } from './child-kit.js'

const isLinux = process.platform === 'linux'

function lacks(t: ExecutionContext): boolean {
  if (isLinux) return false
  t.log('skipped: it looks into /proc')
  t.pass()
  return true
}

/** What the program printed, line by line. */
const lines = (text: string): unknown[] => text.split('\n').map((line) => JSON.parse(line))

for (const [name, gives, peers = []] of [
  ['one after the other', [[0, 0]]],
  ['64 at a time', [[0, 0]]],
  ['in a blocking run', [[0, 0]]],
  [
    'without pidfd',
    [
      [0, 0],
      [0, 0],
    ],
    ['trio subprocess: basic_no_pidfd'],
  ],
  ["beside the host's", [[true, true, 0]], ['trio subprocess: subprocess_pidfd_unnotified']],
  ['a detached one is reaped when it ends', [0]],
  ['in a worker', [[[0, 0], 'ENOENT'], 0]],
] as const) {
  test(`processes, ${name}: nothing is left`, async (t) => {
    covers(t, ...peers)
    if (lacks(t)) return
    const { stdout, stderr } = await execute('processes', name)
    t.is(stderr, '')
    t.deepEqual(lines(stdout), gives as unknown)
  })
}

test('where descriptors are few, a start says EMFILE or works, and leaves nothing', async (t) => {
  if (lacks(t)) return
  const { stdout, stderr } = await new Child('processes', ['few descriptors'], '-n 300').end()
  t.is(stderr, '')
  t.deepEqual(lines(stdout), [[['EMFILE', 'code 0'], 0, 0]])
})

/** An orphan belongs to process 1 by now, which takes its time. */
async function gone(pid: number): Promise<boolean> {
  const until = Date.now() + PATIENCE_MS
  while (runs(pid) && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 5))
  return !runs(pid)
}

for (const name of ['exit', 'crash']) {
  test(`an ${name} of this process takes the programs along that it has started`, async (t) => {
    if (lacks(t)) return
    const { stdout } = await execute('processes', `${name} with one running`)
    for (const pid of JSON.parse(stdout) as number[]) t.true(await gone(pid))
  })
}

for (const [name, gives] of [
  ['nothing is left', 0],
  ['nothing is left, blocking', 0],
  ['in a worker', 0],
  ['fork', 0],
  ['fork, blocking', 0],
  ['an exit takes programs along', true],
  ['a crash takes programs along', true],
] as const) {
  test(`programs without a shell: ${name}`, async (t) => {
    if (lacks(t)) return
    const { stdout, stderr } = await execute('starts', name)
    t.is(stderr, '')
    t.deepEqual(lines(stdout), [gives])
  })
}
