/**
 * `main` and `signals`: exit codes, what is printed, and what signals do. Each case is a process of its own
 * (programs/mains.ts).
 */
import test, { type ExecutionContext } from 'ava'
import { main, signals } from 'drupe'
import { covers } from '../covers.js'
import { thrown } from '../kit.js'
import { runs } from '../modes/processes.js'
import { Child, execute } from './child-kit.js'

function lacks(t: ExecutionContext): boolean {
  if (process.platform !== 'win32') return false
  t.log('skipped: Windows has no signals to send')
  t.pass()
  return true
}

for (const [name, code, stdout, stderr] of [
  ['success', 0, '', /^$/],
  ['a code of its own', 9, '', /^$/],
  ['failure', 1, '', /^Error: the reason\n(.*\n)*? {4}at worker .*mains(.*\n)*? {4}in task \d+ \(worker\)\s*$/],
  ['something open', 0, '', /^$/],
] as const) {
  test(`main, ${name}: code ${code}`, async (t) => {
    covers(t, 'uvloop runner: uvloop_run_1')
    const ending = await execute('mains', name)
    t.regex(ending.stderr, stderr)
    t.deepEqual([ending.code, ending.stdout], [code, stdout])
    t.is(ending.stderr.match(/Error: /g)?.length ?? 0, code === 1 ? 1 : 0, 'an error is printed once')
  })
}

test('main: much output has left when the process ends', async (t) => {
  const { code, stdout, stderr } = await execute('mains', 'much output')
  t.deepEqual([code, stdout.length, stderr.length], [0, 1_000_000, 1_000_000])
})

test('main: output that nobody reads does not keep the process', async (t) => {
  const child = new Child('mains', ['a program with main in a pipe that is closed'])
  child.process.stdout?.destroy()
  t.is((await child.end()).code, 0)
})

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`main: ${signal} cancels it, it cleans up, and its code is ${code}`, async (t) => {
    covers(t, 'uvloop signals: signals_sigint_pycode_stop, signals_sigint_uvcode, signals_sigint_pycode_continue')
    if (lacks(t)) return
    const child = new Child('mains', ['waits'])
    await child.line()
    t.deepEqual(await child.kill(signal), { code, signal: null, stdout: 'ready\nclean', stderr: '' })
  })
}

test('main: a second signal ends it at once', async (t) => {
  if (lacks(t)) return
  const child = new Child('mains', ['waits long'])
  await child.line()
  child.process.kill('SIGTERM')
  // Signals of two kinds keep no order; the second is sent until it is felt.
  const again = setInterval(() => child.process.kill('SIGINT'), 20)
  const { code, stdout } = await child.end()
  clearInterval(again)
  t.true(code === 130 || code === 143)
  t.is(stdout, 'ready')
})

test('main: cleanup has the grace and no longer', async (t) => {
  if (lacks(t)) return
  const child = new Child('mains', ['short grace'])
  await child.line()
  const { code, stdout } = await child.kill('SIGTERM')
  t.deepEqual([code, stdout], [143, 'ready'])
})

test('main: a failure of the cleanup is told, and is the code', async (t) => {
  if (lacks(t)) return
  const child = new Child('mains', ['failure in the cleanup'])
  await child.line()
  const { code, stderr } = await child.kill('SIGINT')
  t.is(code, 1)
  t.regex(stderr, /^Error: the cleanup\n/)
})

test('main: a second signal takes the child processes along', async (t) => {
  if (lacks(t)) return
  const child = new Child('mains', ['has a child'])
  const pid = Number(await child.line())
  t.true(runs(pid))
  const again = setInterval(() => child.process.kill('SIGTERM'), 20)
  await child.end()
  clearInterval(again)
  for (let i = 0; i < 500 && runs(pid); i++) await new Promise((resolve) => setTimeout(resolve, 10))
  t.false(runs(pid))
})

test('main: other signals on request, and those that are not asked for do what they do', async (t) => {
  covers(t, 'uvloop signals: signals_and_custom_handler_1')
  if (lacks(t)) return
  const child = new Child('mains', ['other signals'])
  await child.line()
  t.is((await child.kill('SIGUSR2')).code, 140)
  const other = new Child('mains', ['other signals'])
  await other.line()
  t.is((await other.kill('SIGTERM')).signal, 'SIGTERM')
})

test('main is cancelled by no signal that a source is open for, and by what that leaves behind', async (t) => {
  if (lacks(t)) return
  const child = new Child('mains', ['SIGTERM for itself'])
  t.is(await child.line(), 'SIGTERM')
  t.is(await child.line(2), 'cancelled')
  t.is((await child.end()).code, 143)
})

test('signals beside main: a program can have some for itself', async (t) => {
  covers(t, 'uvloop signals: signals_coro_callback, signals_sigint_and_custom_handler')
  if (lacks(t)) return
  const child = new Child('mains', ['a reload beside it'])
  await child.line()
  child.process.kill('SIGHUP')
  t.is(await child.line(2), 'SIGHUP')
  t.is((await child.kill('SIGTERM')).code, 143)
})

test('signals: each is told once, in its order, and nothing is left of the subscription', async (t) => {
  covers(
    t,
    'trio signals: open_signal_receiver, open_signal_receiver_no_starvation, open_signal_receiver_restore_handler_after_duplicate_signal',
  )
  if (lacks(t)) return
  const { stdout } = await execute('mains', 'subscription')
  t.deepEqual(JSON.parse(stdout), [1, 'SIGUSR2', 'SIGHUP', 'none', 'SIGHUP', true, 0, 0])
})

test('signals: two subscriptions are told both, and two waits of one are told one after the other', async (t) => {
  if (lacks(t)) return
  t.is((await execute('mains', 'two subscriptions')).stdout, 'SIGUSR2,SIGUSR2')
  t.is((await execute('mains', 'two waits for one signal')).stdout, 'SIGUSR2')
})

test('signals: any number of subscriptions are one listener to the host, which warns of many', async (t) => {
  if (lacks(t)) return
  const { stdout, stderr } = await execute('mains', 'many subscriptions')
  t.deepEqual([stdout, stderr], ['1000,1,0', ''])
})

test('signals: one that nobody took does what it does otherwise', async (t) => {
  covers(t, 'trio signals: catch_signals_race_condition_on_exit')
  if (lacks(t)) return
  const { signal, stdout } = await execute('mains', 'one that nobody took')
  t.deepEqual([signal, stdout], ['SIGTERM', 'leaving'])
})

test('signals in a blocking run: an error in words, and no listener is left', async (t) => {
  if (lacks(t)) return
  const why = "it comes through the host's loop; use run, not runSync"
  t.is((await execute('mains', 'blocking run')).stdout, `Cannot wait for a signal: ${why}\n0`)
  const child = new Child('mains', ['a signal to a blocking run'])
  await child.line()
  t.is((await child.kill('SIGINT')).signal, 'SIGINT')
})

test('in a worker there are no signals and is no main', async (t) => {
  covers(t, 'trio signals: catch_signals_wrong_thread', 'uvloop signals: signals_fork_in_thread')
  const { code, message } = thrown(() => signals('SIGHUP').open()) as { code: string; message: string }
  t.is(code, 'DRUPE_UNSUPPORTED')
  t.regex(message, /this is a worker/)
  await t.throwsAsync(
    main(() => {
      throw new Error('not reached')
    }),
    { message: /this is a worker/ },
  )
})

test('signals: none, or one that there is not, or that nobody can catch', (t) => {
  covers(
    t,
    'trio signals: open_signal_receiver_empty_fail, open_signal_receiver_restore_handler_after_one_bad_signal',
    'uvloop signals: signals_invalid_signal, signals_no_SIGCHLD',
  )
  t.throws(() => signals(), { instanceOf: TypeError })
  for (const name of ['SIGKILL', 'SIGSTOP', 'SIGCHLD', 'INT']) {
    t.throws(() => signals('SIGHUP', name as never), { instanceOf: RangeError })
  }
  t.is(process.listenerCount('SIGHUP'), 0)
})
