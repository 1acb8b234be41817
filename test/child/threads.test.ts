/**
 * Servers in several threads: connections go to all of them, and whatever ends one of them ends them all, in order.
 */
import test from 'ava'
import { execute } from './child-kit.js'

const CLOSED = 'ClosedError DRUPE_CLOSED: Cannot accept: it was closed while this task waited'
const EXITED = 'BrokenError DRUPE_BROKEN: Cannot go on serving: server thread has ended by itself, with exit code'
const DEAF = 'it did not hear for 800 ms and was terminated'

const TERMINATED = [`KernelStateError DRUPE_KERNEL_STATE: Cannot end server thread: ${DEAF}`, 'true', 'null']

/** Each program with what it says, line by line. */
const CASES: Readonly<Record<string, readonly string[]>> = {
  'connections come to every thread': ['3 threads, this one among them: true', 'true'],
  'no connection is refused or lost while the threads start': ['all served'],
  'cancelled, every thread lets its handlers clean up': ['3 cleaned up', 'true', 'null', 'null', 'null'],
  'its listener closed, every thread finishes what it has': ['finished', 'finished', CLOSED, '2 finished', 'true'],
  'cancelled while the threads start': ['free'],
  'a module that is not there': ['Error ERR_MODULE_NOT_FOUND', 'true'],
  'a module without a handler': ['TypeError undefined: Cannot serve with …: its default export is no function', 'true'],
  'a module that throws in workers only': ['RangeError E_NOT_HERE: not here', 'true'],
  'a module that exits in workers only': [`${EXITED} 4`, 'true'],
  'a worker throws': ['RangeError E_ON_PURPOSE: thrown on purpose', 'closed', '1 cleaned up', 'true'],
  'a worker exits in a handler': [`${EXITED} 3`, 'closed', '1 cleaned up', 'true'],
  'a handler that fails in a worker is told to the module, and the server goes on': ['null', '1 failed'],
  'two servers at once': ['hello', 'hello', 'true', 'true'],
  'nothing is left of a server: no thread, no descriptor': ['nothing'],
  'one thread and a module': ['thread 0; 0 more'],
  'what cannot be': [
    "TypeError: Cannot serve in 2 threads: a function cannot be sent there; export it from a module and give new URL('./module.js', import.meta.url)",
    'RangeError: Cannot serve: threads must be a whole number, 1 or more, not 0',
    'RangeError: Cannot serve: threads must be a whole number, 1 or more, not 1.5',
    'TypeError: Cannot serve: handler must be a function that returns an operation, or the URL of a module, not "./handler.js"',
    'TypeError: Cannot serve in 2 threads: the listener was opened without reusePort: true',
    'DataCloneError: () => { } could not be cloned.',
  ],
  'a simulated network': ['UnsupportedError: Cannot serve in 2 threads: the simulated driver knows no other threads'],
  'a driver without threads': [
    'UnsupportedError: Cannot socket: the host driver cannot; it has a clock and nothing else; drupe/testing has networks and streams for virtual time',
  ],
  'a blocking run': ['DeadlockError', 'true'],
  'a part of a bigger program': ['true'],
  'a kernel that is closed': ['1 cleaned up', 'true'],
}

for (const [program, lines] of Object.entries(CASES)) {
  test(`threads: ${program}`, async (t) => {
    const ending = await execute('threads', program)
    t.is(ending.stderr, '')
    t.deepEqual(ending.stdout.split('\n'), lines)
    t.deepEqual([ending.code, ending.signal], [0, null])
  })
}

/** In newer Nodes a worker without memory may abort the process, or collect garbage for ever, without Drupe, too. */
const SURVIVES_FULL_HEAP = Number.parseInt(process.versions.node, 10) < 24

/** Where workers do not end by themselves, the drivers have their own ways. */
const ENDED: Readonly<Record<string, readonly string[]>> = {
  'a worker that waits in its thread is terminated, and its port is free': TERMINATED,
  'a worker that computes for ever is terminated, and its port is free': TERMINATED,
  'a worker has no more memory': [
    'Error ERR_WORKER_OUT_OF_MEMORY: Worker terminated due to reaching memory limit: JS heap out of memory',
    'closed',
    '1 cleaned up',
    'true',
  ],
}

for (const driver of process.platform === 'linux' ? ['io_uring', 'epoll'] : []) {
  for (const [program, lines] of Object.entries(ENDED)) {
    test(`${driver}: threads: ${program}`, async (t) => {
      if (program.includes('memory') && !SURVIVES_FULL_HEAP) {
        t.log('skipped: this Node does not survive a worker without memory')
        t.pass()
        return
      }
      const ending = await execute('threads', program, driver)
      t.deepEqual([ending.code, ending.signal], [0, null], ending.stderr)
      t.deepEqual(ending.stdout.split('\n'), lines)
    })
  }
}

const EXITS: Readonly<Record<string, number>> = {
  'the process exits while the threads work': 5,
  'the process throws while the threads work': 1,
  'the process exits while the threads start': 6,
}

for (const [program, code] of Object.entries(EXITS)) {
  test(`threads: ${program}, and has its own exit code`, async (t) => {
    const ending = await execute('threads', program)
    t.deepEqual([ending.code, ending.signal], [code, null], ending.stderr)
    t.notRegex(ending.stderr, /FATAL/)
  })
}
