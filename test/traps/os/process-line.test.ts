/**
 * The line to a process where there are no pairs of sockets: who has its name and not its key comes to nothing.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import {
  AuthenticationError,
  connect,
  connectMessages,
  moveOn,
  type Operation,
  type ProcessOptions,
  run,
  sleep,
  spawn,
  use,
} from 'drupe'
import { lineToStarter, openPipe, type ProcessLine } from '../../../traps/os/process-line.js'
import { thrownBy } from '../../kit.js'
import { HELLO_BYTES } from './message-kit.js'

/** A name for a line, which on Windows is a pipe and elsewhere a Unix socket. */
async function withLine(body: (line: ProcessLine, path: string) => Operation<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'drupe-line-'))
  const path = process.platform === 'win32' ? `\\\\.\\pipe\\drupe-test-${process.pid}` : join(folder, 'line')
  try {
    await run(function* () {
      const line = yield* openPipe(path)
      try {
        yield* body(line, path)
      } finally {
        yield* line.close()
      }
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What the program would find in its environment. */
function* becomeTheProgram(line: ProcessLine): Operation<void> {
  const { env, stdin } = yield* line.start(function* (options: ProcessOptions) {
    return options
  })
  if (stdin !== 'ignore') throw new Error('it has an input')
  process.env['DRUPE_LINE'] = env?.['DRUPE_LINE']
}

test.serial('the program that has the key has the line, whoever came before', async (t) => {
  await withLine(function* (line, path) {
    yield* becomeTheProgram(line)
    const connecting = yield* spawn(() => line.connected())
    const silent = yield* connect({ path })
    const liar = yield* thrownBy(use(connectMessages({ path, key: 'a key of somebody else' }), () => sleep(0)))
    t.true(liar instanceof AuthenticationError, String(liar))
    const theirs = yield* lineToStarter()
    t.is(process.env['DRUPE_LINE'], undefined, 'it is not for what the program starts')
    const own = yield* connecting.join()
    yield* own.write('there\n')
    t.is(yield* theirs.readLine(), 'there')
    yield* theirs.write('and back\n')
    t.is(yield* own.readLine(), 'and back')
    t.is((yield* silent.readAll()).length, HELLO_BYTES, 'nothing but a hello was said to it')
    yield* silent.close()
    yield* theirs.close()
  })
})

test.serial('a line that nobody comes to is closed, and so is one that is waited for no longer', async (t) => {
  await withLine(function* (line, path) {
    const stranger = yield* connect({ path })
    t.is(yield* moveOn(20, line.connected(), 'nobody'), 'nobody')
    yield* line.close()
    t.true((yield* stranger.readAll()).length <= HELLO_BYTES)
    yield* stranger.close()
    yield* thrownBy(connect({ path }))
  })
})
