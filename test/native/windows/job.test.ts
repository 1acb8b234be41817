/**
 * A process and its job against a Windows that does what Wine does not: it sends Ctrl-Break, and tells of an end before it
 * has come. It runs everywhere.
 */
import test from 'ava'
import { STATUS_CONTROL_C_EXIT } from '../../../native/windows/constants.js'
import { Job } from '../../../native/windows/job.js'
import type { Windows } from '../../../native/windows/kernel32.js'
import type { ProcessFunctions } from '../../../native/windows/process-calls.js'

const WAIT_TIMEOUT = 258

/** A process that has ended with this code as soon as `over`, or when somebody waits for it. */
function running(code: number, console: boolean) {
  const memory = new Map<number, Uint32Array>()
  const state = { over: false, waits: [] as number[], closed: [] as number[], sent: [] as number[][], forgotten: false }
  const windows = {
    addressOf(view: Uint32Array) {
      memory.set(1, view)
      return 1
    },
    closeHandle: (handle: number) => state.closed.push(handle),
    lastError: () => 5,
  }
  const calls = {
    waitFor(_process: number, ms: number) {
      state.waits.push(ms)
      if (ms > 0) state.over = true
      return state.over ? 0 : WAIT_TIMEOUT
    },
    exitCode: (_process: number, at: number) => memory.get(at)?.set([code]),
    terminateJob: () => 1,
    sendConsoleEvent(...operands: number[]) {
      state.sent.push(operands)
      return console ? 1 : 0
    },
  }
  const forget = (): void => void (state.forgotten = true)
  const job = new Job(windows as unknown as Windows, calls as unknown as ProcessFunctions, 10, 11, 7, 4, forget)
  return { job, state }
}

test('the news of an end may come before the end: it is waited for then, and not before', (t) => {
  const { job, state } = running(3, true)
  let told = 0
  job.news = () => void told++
  t.is(job.exit, null)
  t.false(job.isReadable)
  job.ended()
  t.is(told, 1)
  t.deepEqual(job.exit, { code: 3, signal: null })
  t.is(state.waits[0], 0)
  t.true((state.waits.at(-1) as number) > 0)
})

test('an end that nobody tells of is told by who sees it', (t) => {
  const { job, state } = running(1, true)
  let told = 0
  job.news = () => void told++
  t.is(job.ending(), null)
  state.over = true
  t.deepEqual(job.ending(), { code: 1, signal: null })
  t.deepEqual(job.ending(), { code: 1, signal: null })
  t.is(told, 1)
})

test('who ends by Ctrl-Break has ended by SIGTERM, if it was asked to leave', (t) => {
  for (const [asks, code, gives] of [
    [true, STATUS_CONTROL_C_EXIT, { code: null, signal: 'SIGTERM' }],
    [true, 0, { code: 0, signal: null }],
    [false, STATUS_CONTROL_C_EXIT, { code: STATUS_CONTROL_C_EXIT, signal: null }],
  ] as const) {
    const { job, state } = running(code, true)
    if (asks) t.true(job.askToLeave())
    if (asks) t.deepEqual(state.sent, [[1, 7]])
    job.ended()
    t.deepEqual(job.exit, gives)
  }
})

test('without a console nobody is asked', (t) => {
  const { job } = running(STATUS_CONTROL_C_EXIT, false)
  t.false(job.askToLeave())
})

test('what is ended from here has ended by that signal, unless it was quicker', (t) => {
  for (const [code, gives] of [
    [1, { code: null, signal: 'SIGINT' }],
    [4, { code: 4, signal: null }],
  ] as const) {
    const { job } = running(code, true)
    t.is(job.terminate('SIGINT'), 0)
    t.is(job.terminate('SIGKILL'), 0)
    job.ended()
    t.deepEqual(job.exit, gives)
  }
})

test('a job is closed once, and what is known of its process stays known', (t) => {
  const { job, state } = running(0, true)
  job.ended()
  t.deepEqual(job.exit, { code: 0, signal: null })
  job.close()
  job.close()
  t.deepEqual(state.closed, [10, 11])
  t.true(state.forgotten)
  t.deepEqual(job.exit, { code: 0, signal: null })
  t.false(job.lives)
})
