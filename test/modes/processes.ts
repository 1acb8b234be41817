/**
 * Scenarios of processes, for every mode that has I/O.
 */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  all,
  exec,
  map,
  moveOn,
  nursery,
  type Operation,
  open,
  type Process,
  ProcessError,
  type ProcessOptions,
  SystemError,
  scope,
  sleep,
  spawn,
  startProcess,
  use,
} from 'drupe'
import { thrown, thrownBy } from '../kit.js'
import { bytes, text } from './net-kit.js'
import type { Scenario } from './scenarios.js'

/** Is there such a process? One that has ended and was not reaped counts. */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Does it run? An orphan that has ended may wait for its new parent. */
export function runs(pid: number): boolean {
  // Wine shows Linux's /proc, whose numbers are others.
  if (process.platform !== 'linux') return exists(pid)
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

const shell = (script: string, options?: ProcessOptions): Operation<Process> =>
  startProcess('sh', ['-c', script], options)

/** What an error says, shortly. */
function* complaint(op: Operation<unknown>): Operation<unknown> {
  const error = yield* thrownBy(op)
  return error instanceof SystemError ? [error.syscall, error.path, error.code] : error
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'a program runs to its end, and its output, its error output and its code come back',
    peers: ['trio subprocess: basic, run', 'uvloop process: communicate, process_streams_basic_1'],
    *op() {
      const { code, signal, stdout, stderr } = yield* exec('sh', ['-c', 'echo out; echo bad >&2; exit 3'], {
        ok: false,
      })
      return [code, signal, text(stdout), text(stderr)]
    },
    gives: [3, null, 'out\n', 'bad\n'],
  },
  {
    name: 'much input and much output move at the same time',
    peers: [
      'trio subprocess: pipes',
      'uvloop process: communicate_large_stdout_1000000, communicate_large_stdout_65536, communicate_large_stdout_65537',
      'uvloop process: write_huge_stdin_219263, write_huge_stdin_219264, write_huge_stdin_8192, write_huge_stdin_8193',
    ],
    *op() {
      const sizes = [0, 1, 8192, 8193, 65_536, 65_537, 219_263, 1_000_000]
      const whole = new Uint8Array(1_000_000).map((_, i) => i % 251)
      return yield* map(sizes, function* (size) {
        const { stdout } = yield* exec('cat', [], {
          input: [whole.subarray(0, size >> 1), whole.subarray(size >> 1, size)],
        })
        return Buffer.compare(stdout, whole.subarray(0, size))
      })
    },
    gives: [0, 0, 0, 0, 0, 0, 0, 0],
  },
  {
    name: 'a program that fails is an error, unless that is asked for',
    peers: ['trio subprocess: run_check'],
    *op() {
      const error = (yield* thrownBy(exec('sh', ['-c', 'echo out; echo why >&2; exit 7']))) as ProcessError
      const killed = (yield* thrownBy(exec('sh', ['-c', 'kill -9 $$']))) as ProcessError
      const facts = [error.code, error.exitCode, error.signal, text(error.stdout), text(error.stderr), error.message]
      return [error instanceof ProcessError, ...facts, killed.exitCode, killed.signal, killed.message]
    },
    gives: [
      true,
      'DRUPE_PROCESS',
      7,
      null,
      'out\n',
      'why\n',
      'Cannot run sh: it ended with code 7: why',
      null,
      'SIGKILL',
      'Cannot run sh: it was ended by SIGKILL',
    ],
  },
  {
    name: 'a program that does not read all of its input is no error',
    peers: ['trio subprocess: run_with_broken_pipe'],
    *op() {
      const { code } = yield* exec('true', [], { input: new Uint8Array(1_000_000) })
      return code
    },
    gives: 0,
  },
  {
    name: 'a program that writes more than is allowed is ended',
    *op() {
      const error = (yield* thrownBy(exec('yes', [], { maxBytes: 1000 }))) as { code: string; maxBytes: number }
      return [error.code, error.maxBytes]
    },
    gives: ['DRUPE_TOO_LARGE', 1000],
  },
  {
    name: 'a time limit of exec ends the program',
    *op() {
      const error = (yield* thrownBy(exec('sleep', ['1000'], { timeout: 30 }))) as Error
      return error.message
    },
    gives: 'Cannot run sleep: not done within 30 ms',
  },
  {
    name: 'a program is asked and answers, line by line, until its input ends',
    peers: ['trio subprocess: interactive', 'uvloop process: process_delayed_stdio__paused__stdin_pipe'],
    op: () =>
      use(startProcess('cat'), function* (cat) {
        const answers = []
        for (const line of ['one', 'two', 'three']) {
          yield* cat.stdin.write(bytes(`${line}\n`))
          answers.push(yield* cat.stdout.readLine())
        }
        yield* cat.stdin.end()
        answers.push(cat.stdin.closed, yield* cat.stdout.readLine(), (yield* cat.wait()).code)
        return answers
      }),
    gives: ['one', 'two', 'three', true, null, 0],
  },
  {
    name: 'both outputs can be one',
    peers: ['trio subprocess: stderr_stdout', 'uvloop process: process_streams_stderr_to_stdout'],
    op: () =>
      use(shell('echo 1; echo 2 >&2; echo 3', { stderr: 'stdout' }), function* (process) {
        return text(yield* process.stdout.readAll())
      }),
    gives: '1\n2\n3\n',
  },
  {
    name: 'any number of tasks wait for one process, and one that is cancelled hands its place on',
    peers: ['trio subprocess: multi_wait, multi_wait_no_pidfd', 'uvloop process: cancel_process_wait'],
    op: () =>
      use(shell('read x; exit 5', { stdout: 'ignore', stderr: 'ignore' }), function* (process) {
        const first = yield* spawn(() => process.wait())
        const others = []
        for (let i = 0; i < 5; i++) others.push(yield* spawn(() => process.wait()))
        yield* sleep(1)
        yield* first.cancel()
        const late = yield* moveOn(1, () => process.wait(), 'late')
        yield* process.stdin.close()
        const codes = []
        for (const task of others) codes.push((yield* task.join()).code)
        return [late, codes, (yield* process.wait()).code, process.exited]
      }),
    gives: ['late', [5, 5, 5, 5, 5], 5, { code: 5, signal: null }],
  },
  {
    name: 'exited looks, and knows the end without a wait',
    peers: ['trio subprocess: auto_update_returncode'],
    op: () =>
      use(shell('read x', { stdout: 'ignore', stderr: 'ignore' }), function* (process) {
        const before = process.exited
        yield* process.stdin.close()
        while (process.exited === null) yield* sleep(1)
        return [before, process.exited.code, yield* process.kill()]
      }),
    gives: [null, 1, false],
  },
  {
    name: 'a process is sent signals, and says which one ended it',
    peers: [
      'trio subprocess: signals, one_signal',
      'uvloop process: kill, terminate, send_signal, process_send_signal_1',
    ],
    op: () =>
      map(['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGUSR1'] as const, (signal) =>
        use(startProcess('sleep', ['1000']), function* (process) {
          const sent = yield* process.kill(signal)
          return [sent, (yield* process.wait()).signal]
        }),
      ),
    gives: [
      [true, 'SIGTERM'],
      [true, 'SIGKILL'],
      [true, 'SIGINT'],
      [true, 'SIGUSR1'],
    ],
  },
  {
    name: 'a program that catches a signal decides what it means',
    op: () =>
      use(shell('trap "echo caught; exit 9" USR1; echo ready; while :; do sleep 0.01; done'), function* (process) {
        yield* process.stdout.readLine()
        yield* process.kill('SIGUSR1')
        return [yield* process.stdout.readLine(), (yield* process.wait()).code]
      }),
    gives: ['caught', 9],
  },
  {
    name: 'what cannot be started is an error where it was started',
    peers: ['trio subprocess: errors', 'uvloop process: process_executable_1, process_cwd_2'],
    op: () =>
      map(
        [
          exec('no-such-program'),
          exec('/no/such/program'),
          exec(''),
          exec('/'),
          exec('/etc/passwd'),
          exec('ls', [], { cwd: '/no/such/folder' }),
          exec('ls', [], { cwd: '/etc/passwd' }),
          exec('ls', ['x'.repeat(4_000_000)]),
          exec('ls', [], { env: { PATH: '/no/such/folder' } }),
          startProcess('true', [], { stdout: 9999 }),
        ],
        (op) => complaint(op),
      ),
    gives: [
      ['spawn', 'no-such-program', 'ENOENT'],
      ['spawn', '/no/such/program', 'ENOENT'],
      ['spawn', '', 'ENOENT'],
      ['spawn', '/', 'EACCES'],
      ['spawn', '/etc/passwd', 'EACCES'],
      ['chdir', '/no/such/folder', 'ENOENT'],
      ['chdir', '/etc/passwd', 'ENOTDIR'],
      ['spawn', 'ls', 'E2BIG'],
      ['spawn', 'ls', 'ENOENT'],
      ['spawn', 'true', 'EBADF'],
    ],
  },
  {
    name: 'where it begins, and in which environment',
    peers: ['uvloop process: process_cwd_1, process_env_1, process_env_2, process_executable_2'],
    *op() {
      const { stdout: place } = yield* exec('pwd', [], { cwd: '/' })
      const PATH = process.env['PATH']
      const { stdout: env } = yield* exec('env', [], { env: { PATH, DRUPE_X: 'a=b ü', DRUPE_Y: undefined } })
      const { stdout: own } = yield* exec('sh', ['-c', 'test "$PATH" = "$0"', PATH as string])
      const relative = yield* exec('./sh', ['-c', 'echo $0'], { cwd: '/bin' })
      const lines = text(env)
        .split('\n')
        .filter((line) => line.startsWith('DRUPE'))
      return [text(place), lines, own.length, text(relative.stdout)]
    },
    gives: ['/\n', ['DRUPE_X=a=b ü'], 0, './sh\n'],
  },
  {
    name: 'streams can be files and descriptors, nothing at all, and no pipe is no stream',
    peers: [
      'uvloop process: process_streams_redirect, process_streams_devnull, stdin_stdout_file, stdin_stderr_file, stdin_stdout_pipe',
      'uvloop process: process_delayed_stdio__not_paused__no_stdin, process_delayed_stdio__paused__no_stdin',
    ],
    *op() {
      const folder = mkdtempSync(join(tmpdir(), 'drupe-'))
      const path = join(folder, 'file')
      const fd = openSync(path, 'w+')
      try {
        const options = { stdin: 'ignore', stdout: { fd }, stderr: fd } as const
        const refused = yield* use(shell('cat; echo 1; echo 2 >&2', options), function* (child) {
          yield* child.wait()
          return thrown(() => child.stdout) as { code: string }
        })
        return [refused.code, readFileSync(path, 'utf8')]
      } finally {
        closeSync(fd)
        rmSync(folder, { recursive: true })
      }
    },
    gives: ['DRUPE_UNSUPPORTED', '1\n2\n'],
  },
  {
    name: 'a program writes to a file that is open here, where it is told to by the file itself',
    *op() {
      const folder = mkdtempSync(join(tmpdir(), 'drupe-'))
      try {
        yield* use(open(join(folder, 'file'), 'w+'), function* (file) {
          yield* use(shell('echo out; echo bad >&2', { stdin: 'ignore', stdout: file, stderr: 'stdout' }), (child) =>
            child.wait(),
          )
        })
        return readFileSync(join(folder, 'file'), 'utf8')
      } finally {
        rmSync(folder, { recursive: true })
      }
    },
    gives: 'out\nbad\n',
  },
  {
    lacking: ['win32', 'darwin', 'freebsd'],
    name: 'a program inherits its three streams and no other descriptor',
    peers: ['uvloop process: stdin_not_inheritable', 'trio subprocess: for_leaking_fds'],
    *op() {
      const open = openSync('/dev/null', 'r')
      try {
        return yield* use(startProcess('cat', []), function* () {
          const { stdout } = yield* exec('ls', ['/proc/self/fd'], { input: bytes('') })
          // The last one is the folder that it reads.
          return text(stdout)
        })
      } finally {
        closeSync(open)
      }
    },
    gives: '0\n1\n2\n3\n',
  },
  {
    name: 'at the end of its scope a program is asked to leave, and awaited',
    peers: ['uvloop process: close_gets_process_closed'],
    *op() {
      let pid = 0
      const script = 'trap "sleep 0.05; exit 0" TERM; echo ready; while :; do sleep 0.01; done'
      let process: Process | null = null
      yield* nursery(function* () {
        process = yield* shell(script)
        pid = process.pid
        yield* process.stdout.readLine()
      })
      const { exited } = process as unknown as Process
      return [exited, exists(pid)]
    },
    gives: [{ code: 0, signal: null }, false],
  },
  {
    name: 'cancelled, a program that ignores SIGTERM is killed after the grace, and its scope awaits that',
    peers: [
      'trio subprocess: warn_on_cancel_SIGKILL_escalation, custom_deliver_cancel',
      'uvloop process: cancel_post_init, cancel_make_subprocess_transport_exec',
    ],
    *op() {
      let process: Process | null = null
      yield* scope({}, (outer) =>
        use(shell('trap "" TERM; echo ready; while :; do sleep 0.01; done', { grace: 50 }), function* (child) {
          process = child
          yield* child.stdout.readLine()
          yield* outer.cancel()
          yield* sleep(1000)
        }),
      )
      const { exited, pid } = process as unknown as Process
      return [exited, exists(pid)]
    },
    gives: [{ code: null, signal: 'SIGKILL' }, false],
  },
  {
    name: 'where the grace of the cancelled scope is none, the program is killed at once',
    *op() {
      let process: Process | null = null
      yield* scope({ grace: 0 }, (outer) =>
        use(shell('trap "" TERM; echo ready; while :; do sleep 0.01; done'), function* (child) {
          process = child
          yield* child.stdout.readLine()
          yield* outer.cancel()
          yield* sleep(1000)
        }),
      )
      return (process as unknown as Process).exited
    },
    gives: { code: null, signal: 'SIGKILL' },
  },
  {
    name: 'what the program has started goes with it, although it holds the pipes',
    *op() {
      const pids: number[] = []
      yield* moveOn(60_000, () =>
        use(
          shell('sleep 1000 & echo $!; (trap "" TERM; sleep 1000 & echo $!; wait; wait) & wait', { grace: 30 }),
          function* (child) {
            pids.push(child.pid)
            for (let i = 0; i < 2; i++) pids.push(Number(yield* child.stdout.readLine()))
          },
        ),
      )
      return pids.map(runs)
    },
    gives: [false, false, false],
  },
  {
    name: 'cancelled, a tree of grandchildren is gone, those that are stopped and those that ignore SIGTERM with it',
    *op() {
      const pids: number[] = []
      // Each shell waits for the next one; the deepest has three of its kind.
      const deepest = 'sleep 1000 & echo $!; (trap "" TERM; echo $BASHPID; while :; do sleep 1; done) & kill -STOP $$'
      const middle = `echo $$; (trap "" TERM HUP; echo $BASHPID; sleep 1000; :) & bash -c '${deepest}' & wait; wait`
      const script = `echo $$; bash -c "$0" & sleep 1000 & echo $!; wait; wait`
      yield* scope({ grace: 100 }, (outer) =>
        use(startProcess('bash', ['-c', script, middle], { grace: 50 }), function* (child) {
          for (let i = 0; i < 6; i++) pids.push(Number(yield* child.stdout.readLine()))
          yield* outer.cancel()
          yield* sleep(1000)
        }),
      )
      return [new Set(pids).size, pids.filter(runs)]
    },
    gives: [6, []],
  },
  {
    name: 'what outlives its leader gets its time, and ends with the scope',
    *op() {
      let pid = 0
      const script = '(trap "sleep 0.05; echo clean; exit" TERM; echo $$; while :; do sleep 0.01; done) & sleep 0.1'
      const seen = yield* use(shell(script), function* (child) {
        yield* child.stdout.readLine()
        pid = child.pid
        const { code } = yield* child.wait()
        return code
      })
      return [seen, exists(-pid) && process.platform !== 'linux']
    },
    gives: [0, false],
  },
  {
    name: 'a stopped program leaves within the grace, by its own way',
    *op() {
      let child: Process | null = null
      yield* use(shell('trap "exit 4" TERM; echo ready; while :; do sleep 0.01; done'), function* (process) {
        child = process
        yield* process.stdout.readLine()
        yield* process.kill('SIGSTOP')
        yield* sleep(5)
      })
      return (child as unknown as Process).exited
    },
    gives: { code: 4, signal: null },
  },
  {
    name: 'a detached program outlives its scope',
    peers: ['uvloop process: start_new_session'],
    *op() {
      let pid = 0
      yield* use(
        startProcess('sleep', ['1000'], { detached: true, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' }),
        function* (child) {
          pid = child.pid
          yield* sleep(1)
        },
      )
      const alive = exists(pid)
      process.kill(pid, 'SIGKILL')
      return alive
    },
    gives: true,
  },
  {
    name: 'a program in our own group is sent signals alone',
    op: () =>
      use(startProcess('sleep', ['1000'], { group: false }), function* (child) {
        yield* child.kill('SIGINT')
        return yield* child.wait()
      }),
    gives: { code: null, signal: 'SIGINT' },
  },
  {
    name: 'a cancel at whatever moment leaves nothing behind',
    peers: ['uvloop process: process_double_close, subprocess_fd_leak_1, subprocess_fd_leak_2'],
    *op() {
      const ends = new Set<number>()
      for (let ms = 0; ms < 12; ms += 0.5) {
        yield* moveOn(ms, () =>
          nursery(function* () {
            const process = yield* startProcess('sleep', ['0.002'])
            ends.add(process.pid)
            yield* all([process.stdout.readAll(), process.stderr.readAll(), process.wait()])
          }),
        )
      }
      yield* thrownBy(exec('no-such-program'))
      return [...ends].filter(exists)
    },
    gives: [],
  },
]

export const PROCESS_SCENARIOS: readonly Scenario[] = SCENARIOS.map((scenario) => ({ lacking: ['win32'], ...scenario }))
