/**
 * Programs that are started where descriptors are few, and what works then all the same; the first argument says which.
 */
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  connect,
  fork,
  Kernel,
  mkdir,
  nursery,
  type Operation,
  open,
  remove,
  run,
  scope,
  sleep,
  tempDir,
  use,
} from 'drupe'
import { thrown, thrownBy } from '../../kit.js'

const DEPTH = 500
const say = (value: unknown): void => console.log(JSON.stringify(value))

/** With no descriptor left. */
function* squeezed<T>(op: () => Operation<T>): Operation<T> {
  const taken: number[] = []
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'))
  } catch {
    // These were all.
  }
  try {
    return yield* op()
  } finally {
    for (const fd of taken) closeSync(fd)
  }
}

/** The processes that this one has started. */
function children(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
        return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]) === process.pid
      } catch {
        return false
      }
    })
}

const folder = mkdtempSync(join(tmpdir(), 'drupe-'))
const CASES: Readonly<Record<string, () => Operation<void>>> = {
  *'a deep tree is removed'() {
    const deep = Array.from({ length: DEPTH }, () => 'd').join('/')
    yield* mkdir(`${folder}/${deep}`, { recursive: true })
    yield* remove(`${folder}/d`, { recursive: true })
    say(existsSync(`${folder}/d`))
  },
  *'an open file is written'() {
    yield* use(open(`${folder}/file`, 'w'), (file) => squeezed(() => file.write('content')))
    say(readFileSync(`${folder}/file`, 'utf8'))
  },
  *'a temporary directory is removed'() {
    let path = ''
    yield* squeezed(() =>
      nursery(function* () {
        path = yield* tempDir(`${folder}/`)
      }),
    )
    say([path !== '', existsSync(path)])
  },
  *'errors say what is missing'() {
    const error = yield* thrownBy(squeezed(() => connect({ host: 'localhost', port: 9 })))
    const { code, message } = error as NodeJS.ErrnoException
    say([code, /undefined/.test(message)])
    for (const driver of ['', 'epoll', 'io_uring']) {
      process.env['DRUPE_DRIVER'] = driver
      const refused = yield* squeezed(function* () {
        return thrown(() => new Kernel()) as NodeJS.ErrnoException
      })
      say([refused.constructor.name, refused.code])
    }
  },
  *'a process that is stopped while it starts is ended'() {
    yield* scope({ grace: 20 }, (own) =>
      nursery(function* (n) {
        yield* n.spawn(() => fork(new URL('data:text/javascript,export default () => 1')))
        let pids: number[] = []
        for (; pids.length === 0; pids = children()) yield* sleep(1)
        for (const pid of pids) process.kill(pid, 'SIGSTOP')
        yield* own.cancel()
      }),
    )
    say(children())
  },
}

try {
  await run(CASES[process.argv[2] as string] as () => Operation<void>)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
