/**
 * The attack, kept: `npm run torture -- [NAME | all] [SECONDS] [--driver NAME] [--mode guest|blocking] [--seed N]`.
 * Without a driver it is those of Linux; `--driver kqueue` needs DRUPE_KQUEUE_LIB.
 *
 * Each program runs in a process of its own, on each driver and in each mode, for so many seconds; a line of figures each.
 * Without a name it lists the programs. `ci` runs a short selection of them all. Exit code 1 if anything fell: a wrong
 * byte, an error of an undocumented kind, something left over, a process that crashed or hung.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

interface Program {
  readonly about: string
  /** Seconds in the selection for CI; 0: not in it. */
  readonly ciSeconds: number
  /** What stands before the command; undefined if this machine cannot. */
  readonly before?: (driver: string, log: string) => readonly string[] | undefined
  readonly modes?: readonly string[]
  readonly program?: string
  /** The environment besides. */
  readonly env?: Readonly<Record<string, string>>
}

const FILE_BYTES = 200_000
const DISK_BYTES = 400_000
const DRIVERS = ['io_uring', 'epoll']
const MODES = ['guest', 'blocking']
/**
 * Errors that a call may give at any time without having done anything, by driver; from which call on, and how often. The
 * first calls are those of the process's own start, which does not bear it.
 */
const INJECTED: Readonly<Record<string, readonly string[]>> = {
  io_uring: [
    'io_uring_enter:error=EINTR:when=3+7',
    'io_uring_enter:error=EAGAIN:when=5+11',
    'io_uring_enter:error=EBUSY:when=7+13',
  ],
  epoll: ['recvfrom,sendto,sendmsg,accept4,epoll_wait,read,write:error=EINTR:when=600+7'],
  kqueue: ['recvfrom,sendto,sendmsg,accept4,epoll_wait,read,write:error=EINTR:when=600+7'],
}

const PROGRAMS: Readonly<Record<string, Program>> = {
  integrity: { about: 'random pieces both ways, every byte compared', ciSeconds: 3 },
  collect: { about: 'the same with a collection every 2 ms and poisoned memory', ciSeconds: 3 },
  chaos: { about: 'close, end, cancel and timeout at random moments', ciSeconds: 3 },
  churn: { about: 'connect, echo, close', ciSeconds: 2 },
  inject: {
    about: 'the traffic of integrity, with errors injected into system calls (strace)',
    ciSeconds: 2,
    program: 'integrity',
    before: injector,
  },
  disk: {
    about: `random writes to files that hold at most ${FILE_BYTES} bytes`,
    ciSeconds: 2,
    before: () => (has('prlimit') ? ['prlimit', `--fsize=${FILE_BYTES}`] : undefined),
    env: { TORTURE_FILE_BYTES: String(FILE_BYTES) },
  },
  hostile: {
    about: 'peers that flood, stall, trickle and reset beside one that behaves',
    ciSeconds: 3,
    modes: ['guest'],
  },
  tls: { about: 'TLS with peers that cut off, stall, send garbage, or trust nobody', ciSeconds: 3 },
  children: { about: 'programs that are killed, stopped, cancelled, left with full pipes', ciSeconds: 2 },
  remotes: { about: 'threads that exit and spin, processes that are killed and stopped', ciSeconds: 3 },
  scarce: {
    about: 'every call that opens something where there are no descriptors left',
    ciSeconds: 1,
    before: () => (has('prlimit') ? ['prlimit', '--nofile=128:128'] : undefined),
  },
  full: {
    about: `writing, copying and programs' output where files hold at most ${FILE_BYTES} bytes`,
    ciSeconds: 1,
    before: () => (has('prlimit') ? ['prlimit', `--fsize=${FILE_BYTES}`] : undefined),
    env: { TORTURE_FILE_BYTES: String(FILE_BYTES) },
  },
  tmpfs: {
    about: 'the same on a disk that is full',
    ciSeconds: 1,
    program: 'full',
    before: smallDisk,
    env: { TORTURE_FILE_BYTES: String(DISK_BYTES) },
  },
  folders: { about: 'directories that change while they are read, watched, removed', ciSeconds: 2 },
  burst: { about: 'a thousand signals at a time', ciSeconds: 1 },
  // Not in CI: Node itself ends at times when a worker that is out of memory is terminated (IsolatePlatformDelegate).
  workers: { about: 'worker threads terminated at random moments', ciSeconds: 0, modes: ['guest'] },
  crowd: {
    about: '12,000 peers with 3 bytes each: memory',
    ciSeconds: 1,
    modes: ['guest'],
  },
}

function has(command: string): boolean {
  try {
    execFileSync('which', [command])
    return true
  } catch {
    return false
  }
}

function injector(driver: string, log: string): readonly string[] | undefined {
  if (!has('strace')) return undefined
  const faults = (INJECTED[driver] ?? []).flatMap((fault) => ['-e', `inject=${fault}`])
  const calls = (INJECTED[driver] ?? []).map((fault) => fault.split(':')[0]).join(',')
  return ['strace', '-f', '-qq', '-o', log, '-e', `trace=${calls}`, ...faults]
}

/** A file system of the process's own; not everybody may have one. */
function smallDisk(_driver: string, log: string): readonly string[] | undefined {
  const mount = `mount -t tmpfs -o size=${DISK_BYTES} drupe "$TORTURE_TMPFS"`
  const prefix = [
    'unshare',
    '--mount',
    'sh',
    '-c',
    `export TORTURE_TMPFS='${dirname(log)}'; ${mount} && exec "$0" "$@"`,
  ]
  try {
    const [command, ...args] = [...prefix, 'true']
    execFileSync(command as string, args, { stdio: 'ignore' })
    return prefix
  } catch {
    return undefined
  }
}

interface Outcome {
  readonly line: string
  readonly fell: boolean
}

async function execute(name: string, driver: string, mode: string, seconds: number, seed: number): Promise<Outcome> {
  const { before, program = name, env } = PROGRAMS[name] as Program
  const scratch = mkdtempSync(join(tmpdir(), 'drupe-torture-'))
  const log = join(scratch, 'strace')
  const prefix = before === undefined ? [] : before(driver, log)
  if (prefix === undefined) return { line: 'skipped: a tool that it needs is not installed', fell: false }
  const child = fileURLToPath(new URL('./child.js', import.meta.url))
  const [command, ...args] = [...prefix, process.execPath, child, program, String(seconds), String(seed)]
  const variables = { ...process.env, DRUPE_DRIVER: driver, TORTURE_MODE: mode, ...env }
  const running = spawn(command as string, args, {
    env: variables,
    timeout: (seconds * 4 + 60) * 1000,
    killSignal: 'SIGKILL',
  })
  let output = ''
  let complaints = ''
  running.stdout.on('data', (chunk) => void (output += chunk))
  running.stderr.on('data', (chunk) => void (complaints += complaints.length < 4000 ? chunk : ''))
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    running.on('close', (...ending) => resolve(ending)),
  )
  const figures = output.trim() === '' ? {} : (JSON.parse(output) as Record<string, number>)
  if (name === 'inject') figures['injected'] = readFileSync(log, 'utf8').split('(INJECTED)').length - 1
  rmSync(scratch, { recursive: true })
  const counted = Object.entries(figures).map(([figure, count]) => `${count.toLocaleString('en')} ${figure}`)
  const ended = code === 0 ? [] : [signal === null ? `exit code ${code}` : `ended by ${signal}`, `seed ${seed}`]
  const line = [...counted, ...ended].join(', ')
  return { line: code === 0 ? line : `${line}\n${complaints}`, fell: code !== 0 }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { driver: { type: 'string' }, mode: { type: 'string' }, seed: { type: 'string', default: '1' } },
})
const [name, seconds = '60'] = positionals
if (name === undefined) {
  console.log('npm run torture -- NAME|all|ci [SECONDS] [--driver NAME] [--mode guest|blocking] [--seed N]\n')
  for (const [known, { about }] of Object.entries(PROGRAMS)) console.log(`  ${known.padEnd(11)}${about}`)
} else if (name !== 'all' && name !== 'ci' && !Object.hasOwn(PROGRAMS, name)) {
  console.error(`Cannot run "${name}": there is no such program, only all, ci, ${Object.keys(PROGRAMS).join(', ')}`)
  process.exitCode = 2
} else {
  const all = Object.keys(PROGRAMS)
  console.log(`seed ${values.seed}`)
  const inCi = all.filter((one) => PROGRAMS[one]?.ciSeconds !== 0)
  const chosen = name === 'all' ? all : name === 'ci' ? inCi : [name]
  let passed = 0
  let failed = 0
  for (const one of chosen) {
    const { ciSeconds, modes = MODES } = PROGRAMS[one] as Program
    const on = async (driver: string): Promise<void> => {
      for (const mode of values.mode === undefined ? modes : [values.mode]) {
        const time = name === 'ci' ? ciSeconds : Number(seconds)
        const { line, fell } = await execute(one, driver, mode, time, Number(values.seed))
        console.log(`${fell ? 'FELL' : 'held'} ${one} ${driver} ${mode}: ${line}`)
        if (fell) failed++
        else passed++
      }
    }
    // Side by side: each has processes of its own, and most of them use one core.
    await Promise.all((values.driver === undefined ? DRIVERS : [values.driver]).map(on))
  }
  console.log(`${passed} passed, ${failed} failed`)
  if (failed > 0) process.exitCode = 1
}
