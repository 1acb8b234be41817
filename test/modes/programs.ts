/**
 * Scenarios of processes that need no shell: what is started is Node itself, so they run wherever a driver starts processes.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  all,
  type ExecOptions,
  type ExecResult,
  type Exit,
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
import { runs } from './processes.js'
import type { Scenario } from './scenarios.js'

const FOR_EVER = 'setInterval(() => {}, 1000)'
const CAT = 'process.stdin.pipe(process.stdout)'

const node = (script: string, options?: ExecOptions, ...args: string[]): Operation<ExecResult> =>
  exec(process.execPath, ['-e', script, '--', ...args], options)

const started = (script: string, options?: ProcessOptions): Operation<Process> =>
  startProcess(process.execPath, ['-e', script], options)

const exitOf = (script: string, options: ProcessOptions): Operation<Exit> =>
  use(started(script, options), (child) => child.wait())

/** What an error says, shortly. */
function* complaint(op: Operation<unknown>): Operation<unknown> {
  const error = yield* thrownBy(op)
  return error instanceof SystemError ? [error.syscall, error.path, error.code] : error
}

/** Until a number is nobody's: Windows takes a moment. */
function* gone(pid: number): Operation<boolean> {
  for (let i = 0; i < 500 && runs(pid); i++) yield* sleep(10)
  return !runs(pid)
}

const ARGUMENTS = [
  ...['a b', '', 'x"y', '"', '""', 'c:\\d\\', 'e f\\', 'g h\\\\', '\\"', '\\\\"i j\\\\"', '\\', ' ', 'k\tl', 'm\nn'],
  ...['%PATH%', '$PATH', "'", '^&|<>', '*', 'ü€😀', '--x=y z'],
]

export const PROGRAM_SCENARIOS: readonly Scenario[] = [
  {
    name: 'a program without a shell: its output, its error output and its code',
    peers: ['trio subprocess: basic, run', 'uvloop process: communicate, process_streams_basic_1'],
    *op() {
      const script = 'console.log("out"); console.error("bad"); process.exitCode = 3'
      const { code, signal, stdout, stderr } = yield* node(script, { ok: false })
      return [code, signal, text(stdout), text(stderr)]
    },
    gives: [3, null, 'out\n', 'bad\n'],
  },
  {
    name: 'arguments arrive as they were given',
    *op() {
      const { stdout } = yield* node('process.stdout.write(JSON.stringify(process.argv.slice(1)))', {}, ...ARGUMENTS)
      return JSON.parse(text(stdout))
    },
    gives: ARGUMENTS,
  },
  {
    name: 'much goes through a program without a shell, in both directions',
    *op() {
      const sizes = [0, 1, 65_536, 65_537, 1_000_000]
      const whole = new Uint8Array(1_000_000).map((_, i) => i % 251)
      return yield* map(sizes, function* (size) {
        const input = [whole.subarray(0, size >> 1), whole.subarray(size >> 1, size)]
        const { stdout } = yield* node(CAT, { input })
        return Buffer.compare(stdout, whole.subarray(0, size))
      })
    },
    gives: [0, 0, 0, 0, 0],
  },
  {
    name: 'a failure of a program without a shell is an error',
    *op() {
      const error = (yield* thrownBy(node('console.error("why"); process.exitCode = 7'))) as ProcessError
      return [error instanceof ProcessError, error.exitCode, error.signal, text(error.stderr)]
    },
    gives: [true, 7, null, 'why\n'],
  },
  {
    name: 'input that is not read, output that is too much, and time that is over',
    *op() {
      const { code } = yield* node('process.exit(0)', { input: new Uint8Array(1_000_000) })
      const large = (yield* thrownBy(node('console.log("x".repeat(2000))', { maxBytes: 1000 }))) as { code: string }
      const late = (yield* thrownBy(node(FOR_EVER, { timeout: 30 }))) as { code: string }
      return [code, large.code, late.code]
    },
    gives: [0, 'DRUPE_TOO_LARGE', 'DRUPE_TIMEOUT'],
  },
  {
    name: 'a program without a shell is asked and answers, until its input ends',
    op: () =>
      use(started(CAT), function* (cat) {
        const answers = []
        for (const line of ['one', 'two', 'three']) {
          yield* cat.stdin.write(bytes(`${line}\n`))
          answers.push(yield* cat.stdout.readLine())
        }
        yield* cat.stdin.end()
        answers.push(yield* cat.stdout.readLine(), (yield* cat.wait()).code)
        return answers
      }),
    gives: ['one', 'two', 'three', null, 0],
  },
  {
    name: 'both outputs of a program without a shell are one',
    op: () =>
      use(started('console.log(1); console.error(2); console.log(3)', { stderr: 'stdout' }), function* (process) {
        return text(yield* process.stdout.readAll())
      }),
    gives: '1\n2\n3\n',
  },
  {
    name: 'any number of tasks wait for a program without a shell, and exited looks',
    op: () =>
      use(started('process.stdin.on("end", () => process.exit(5)).resume()'), function* (process) {
        const first = yield* spawn(() => process.wait())
        const others = []
        for (let i = 0; i < 3; i++) others.push(yield* spawn(() => process.wait()))
        yield* sleep(1)
        yield* first.cancel()
        const before = process.exited
        yield* process.stdin.close()
        const codes = []
        for (const task of others) codes.push((yield* task.join()).code)
        return [before, codes, process.exited, yield* process.kill()]
      }),
    gives: [null, [5, 5, 5], { code: 5, signal: null }, false],
  },
  {
    name: 'signals that end a program are how it ended',
    op: () =>
      map(['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGQUIT'] as const, (signal) =>
        use(started(FOR_EVER), function* (process) {
          const sent = yield* process.kill(signal)
          return [sent, (yield* process.wait()).signal]
        }),
      ),
    gives: ['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGQUIT'].map((signal) => [true, signal]),
  },
  {
    name: 'what cannot be started without a shell is an error where it was started',
    *op() {
      const folder = mkdtempSync(join(tmpdir(), 'drupe-'))
      const file = join(folder, 'file')
      writeFileSync(file, '')
      const none = join(folder, 'none')
      try {
        const ops = [
          exec('no-such-program'),
          exec('/no/such/program'),
          exec(''),
          node('', { cwd: none }),
          node('', { cwd: file }),
          exec('node', [], { env: { PATH: none } }),
          startProcess(process.execPath, [], { stdout: 9999 }),
        ]
        const complaints = (yield* map(ops, (op) => complaint(op))) as string[][]
        return complaints.map(([syscall, , code]) => `${syscall} ${code}`)
      } finally {
        rmSync(folder, { recursive: true })
      }
    },
    gives: [
      'spawn ENOENT',
      'spawn ENOENT',
      'spawn ENOENT',
      'chdir ENOENT',
      'chdir ENOTDIR',
      'spawn ENOENT',
      'spawn EBADF',
    ],
  },
  {
    name: 'where a program without a shell begins, and in which environment',
    *op() {
      const folder = mkdtempSync(join(tmpdir(), 'drupe-'))
      const script =
        'process.stdout.write(JSON.stringify([process.cwd(), process.env.A_ü, process.env.B, process.env.C]))'
      try {
        const env = { ...process.env, A_ü: 'a=b ü', B: undefined, C: '' }
        const { stdout } = yield* node(script, { cwd: folder, env })
        const [place, ...values] = JSON.parse(text(stdout)) as string[]
        return [place?.endsWith(folder.slice(-6)), ...values]
      } finally {
        rmSync(folder, { recursive: true })
      }
    },
    gives: [true, 'a=b ü', null, ''],
  },
  {
    name: 'streams of a program without a shell are files, or nothing at all',
    *op() {
      const folder = mkdtempSync(join(tmpdir(), 'drupe-'))
      const path = join(folder, 'file')
      writeFileSync(join(folder, 'input'), 'read')
      try {
        const refused = yield* nursery(function* () {
          const stdin = yield* open(join(folder, 'input'), 'r')
          const stdout = yield* open(path, 'w')
          const child = yield* started(CAT, { stdin, stdout, stderr: 'ignore' })
          yield* child.wait()
          yield* exitOf('process.stdout.write(",written")', { stdin: 'ignore', stdout, stderr: stdout })
          yield* stdin.close()
          yield* stdout.close()
          return thrown(() => child.stdout) as { code: string }
        })
        const silent = yield* exitOf('console.log(1)', { stdin: 'ignore', stdout: 'ignore' })
        return [refused.code, readFileSync(path, 'utf8'), silent.code]
      } finally {
        rmSync(folder, { recursive: true })
      }
    },
    gives: ['DRUPE_UNSUPPORTED', 'read,written', 0],
  },
  {
    name: 'cancelled, a program without a shell is gone when its scope ends',
    *op() {
      let child: Process | null = null
      yield* scope({}, (outer) =>
        use(started(`console.log("ready"); ${FOR_EVER}`, { grace: 10_000 }), function* (process) {
          child = process
          yield* process.stdout.readLine()
          yield* outer.cancel()
          yield* sleep(1000)
        }),
      )
      const { exited, pid } = child as unknown as Process
      return [exited, yield* gone(pid)]
    },
    gives: [{ code: null, signal: 'SIGTERM' }, true],
  },
  {
    name: 'what a program without a shell has started goes with it, and holds nobody with its pipes',
    *op() {
      const script = `
        const { pid } = require('node:child_process').spawn(process.execPath, ['-e', '${FOR_EVER}'], { stdio: 'inherit' })
        console.log(pid)
        ${FOR_EVER}`
      const pids: number[] = []
      yield* use(started(script), function* (child) {
        pids.push(child.pid, Number(yield* child.stdout.readLine()))
      })
      return yield* map(pids, gone)
    },
    gives: [true, true],
  },
  {
    name: 'what outlives a program without a shell ends with its scope',
    *op() {
      const script = `
        const options = { stdio: 'ignore' }
        const child = require('node:child_process').spawn(process.execPath, ['-e', '${FOR_EVER}'], options)
        console.log(child.pid)
        child.on('spawn', () => process.kill(process.pid, 'SIGKILL'))`
      let pid = 0
      yield* use(started(script), function* (child) {
        pid = Number(yield* child.stdout.readLine())
        yield* child.wait()
      })
      return yield* gone(pid)
    },
    gives: true,
  },
  {
    name: 'a detached program without a shell outlives its scope',
    *op() {
      const silent = { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' } as const
      const pid = yield* use(started(FOR_EVER, { ...silent, detached: true }), function* (child) {
        yield* sleep(1)
        return child.pid
      })
      yield* sleep(20)
      const alive = runs(pid)
      process.kill(pid, 'SIGKILL')
      return [alive, yield* gone(pid)]
    },
    gives: [true, true],
  },
  {
    name: 'a program without a shell in our own group is ended alone',
    op: () =>
      use(started(FOR_EVER, { group: false }), function* (child) {
        yield* child.kill('SIGINT')
        return yield* child.wait()
      }),
    gives: { code: null, signal: 'SIGINT' },
  },
  {
    name: 'programs without a shell, 24 of them, 8 at a time',
    *op() {
      const codes = Array.from({ length: 24 }, (_, i) => i)
      const results = yield* map(codes, (code) => node(`process.exit(${code})`, { ok: false }), { concurrency: 8 })
      return results.every(({ code }, i) => code === i)
    },
    gives: true,
  },
  {
    name: 'a cancel of a program without a shell, at whatever moment, leaves nothing behind',
    *op() {
      const pids = new Set<number>()
      for (const ms of [0, 0.5, 1, 2, 5, 20, 60, 200]) {
        yield* moveOn(ms, () =>
          nursery(function* () {
            const child = yield* started('setTimeout(() => {}, 20)')
            pids.add(child.pid)
            yield* all([child.stdout.readAll(), child.stderr.readAll(), child.wait()])
          }),
        )
      }
      return (yield* map([...pids], gone)).every(Boolean)
    },
    gives: true,
  },
]
