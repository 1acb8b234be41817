/**
 * How a service leaves: by a signal, at its end, with an exit code of its own, by an error. Its cleanup is always complete.
 */

import test from 'ava'
import { covers } from '../covers.js'
import { Child, execute } from './child-kit.js'

const STOPPED = 'started\ngracefully stopped'

for (const [signal, code, peer] of [
  ['SIGINT', 130, 'effection main: gracefully shuts down on SIGINT'],
  ['SIGTERM', 143, 'effection main: gracefully shuts down on SIGTERM'],
] as const) {
  test(`a service that closes its kernel on ${signal} cleans up before the process ends`, async (t) => {
    covers(t, peer)
    const child = new Child('shutdown', ['sleeping'])
    await child.line()
    const ending = await child.kill(signal)
    t.is(ending.stdout, STOPPED)
    t.is(ending.signal, null)
    t.is(ending.code, code)
  })
}

test('a service that waits for nothing but a callback cleans up on SIGINT, too', async (t) => {
  covers(t, 'effection main: works even if suspend is the only operation')
  const child = new Child('shutdown', ['suspended'])
  await child.line()
  const ending = await child.kill('SIGINT')
  t.is(ending.stdout, STOPPED)
  t.is(ending.code, 130)
})

test('an operation that returns ends its daemons, and the process with code 0', async (t) => {
  covers(t, 'effection main: exits gracefully with 0 on implicit exit')
  const ending = await execute('shutdown', 'returning')
  t.is(ending.stdout, STOPPED)
  t.is(ending.code, 0)
})

test('an exit after the run finds everything cleaned up', async (t) => {
  covers(t, 'effection main: exits gracefully on explicit exit()')
  const ending = await execute('shutdown', 'exiting')
  t.is(ending.stdout, `${STOPPED}\nOk, computer.`)
  t.is(ending.code, 0)
})

test('an exit with a code of its own after the run finds everything cleaned up', async (t) => {
  covers(t, 'effection main: exits gracefully on explicit exit failure exit()')
  const ending = await execute('shutdown', 'failing')
  t.is(ending.stdout, STOPPED)
  t.regex(ending.stderr, /It all went horribly wrong/)
  t.is(ending.code, 23)
})

test('an error ends the process with code 1, after the cleanup', async (t) => {
  covers(t, 'effection main: error exits gracefully on unexpected errors')
  const ending = await execute('shutdown', 'throwing')
  t.is(ending.stdout, STOPPED)
  t.regex(ending.stderr, /Error: moo/)
  t.is(ending.code, 1)
})
