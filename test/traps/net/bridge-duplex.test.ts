/**
 * The two sides of a bridge end together: what becomes of the host's end when the task leaves, and of the stream when the host's
 * end is destroyed; and neither side runs ahead of the other.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import {
  type ByteStream,
  type HostDuplex,
  moveOn,
  nursery,
  type Operation,
  once,
  sleep,
  spawn,
  suspend,
  toDuplex,
  toWebStreams,
  until,
  use,
} from 'drupe'
import { memoryStreams, waitAllBlocked } from 'drupe/testing'
import { thrown, thrownBy } from '../../kit.js'
import { PATIENCE_MS } from '../../patience.js'
import { HOSTS, hosted, tcp } from './bridge-kit.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (content: Uint8Array | null): string | null => content && new TextDecoder().decode(content)
const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code
const messageOf = (error: unknown): string => (error as Error).message

/** The events of a Duplex, in their order. */
function eventsOf(duplex: HostDuplex): string[] {
  const log: string[] = []
  duplex.on('error', (error) => log.push(`error ${codeOf(error)}`))
  for (const name of ['end', 'finish', 'close']) duplex.on(name, () => log.push(name))
  return log
}

const closed = (duplex: { closed: boolean; on(name: 'close', listener: () => void): unknown }): Operation<void> =>
  until(new Promise<void>((resolve) => (duplex.closed ? resolve() : void duplex.on('close', resolve))))

test('a Duplex that its task has left is destroyed, and the peer reads an end', (t) =>
  hosted(function* () {
    const [a, b] = memoryStreams()
    let log: string[] = []
    const duplex = yield* use(
      () => toDuplex(a),
      function* (duplex) {
        log = eventsOf(duplex)
        duplex.write('all')
        t.is(text(yield* b.readExactly(3)), 'all')
        return duplex
      },
    )
    t.true(duplex.destroyed)
    t.true(a.closed)
    t.is(yield* b.read(), null)
    yield* closed(duplex)
    t.deepEqual(log, ['close'])
  }))

test('a Duplex whose task was cancelled is destroyed with an error that says so, even if nobody listens', (t) =>
  hosted(function* () {
    const [a, b] = memoryStreams()
    const [c, d] = memoryStreams()
    let log: string[] = []
    let quiet: HostDuplex | null = null
    yield* moveOn(5, function* () {
      yield* nursery(function* () {
        const duplex = yield* toDuplex(a)
        quiet = yield* toDuplex(c)
        log = eventsOf(duplex)
        duplex.on('error', (error) => t.regex(messageOf(error), /the task that made it was cancelled/))
        yield* suspend()
      })
    })
    t.deepEqual([yield* b.read(), yield* d.read()], [null, null])
    yield* closed(quiet as unknown as HostDuplex)
    t.deepEqual(log, ['error DRUPE_CLOSED', 'close'])
  }))

test('cleanup of a cancelled task can still use the Duplex', (t) =>
  hosted(function* () {
    const [a, b] = memoryStreams()
    yield* moveOn(2, function* () {
      yield* nursery(function* () {
        const duplex = yield* toDuplex(a)
        try {
          yield* suspend()
        } finally {
          yield* until(new Promise((resolve) => duplex.write('goodbye', resolve)))
        }
      })
    })
    t.is(text(yield* b.readAll()), 'goodbye')
  }))

test('a Duplex without a grace ends all the same', (t) =>
  hosted(function* () {
    const [a] = memoryStreams()
    yield* nursery(
      function* (n) {
        yield* toDuplex(a)
        yield* n.cancel()
        yield* sleep(1)
      },
      { grace: 0 },
    )
    t.true(a.closed)
  }))

test('host code that destroys the Duplex closes the stream, and close comes when that is done', (t) =>
  hosted(function* () {
    const [a, b] = memoryStreams()
    const duplex = yield* toDuplex(a)
    const log = eventsOf(duplex)
    duplex.on('close', () => t.true(a.closed))
    // In the middle of a write that has no room.
    duplex.write(new Uint8Array(1 << 20))
    duplex.read()
    yield* waitAllBlocked()
    duplex.destroy(Object.assign(new Error('enough'), { code: 'ENOUGH' }))
    t.is((yield* b.readAll()).length, 65_536)
    yield* closed(duplex)
    t.deepEqual(log, ['error ENOUGH', 'close'])
  }))

test('a stream that a task closes takes its Duplex with it, and no error ends the process', (t) =>
  hosted(function* () {
    const [a] = memoryStreams()
    const duplex = yield* toDuplex(a)
    duplex.resume()
    yield* waitAllBlocked()
    yield* a.close()
    yield* closed(duplex)
    t.is(codeOf(duplex.errored), 'DRUPE_CLOSED')
  }))

test('both sides ended: the Duplex closes by itself', (t) =>
  hosted(function* () {
    const [a, b] = memoryStreams()
    const duplex = yield* toDuplex(a, { allowHalfOpen: true })
    const log = eventsOf(duplex)
    duplex.resume()
    yield* b.end()
    yield* once(duplex, 'end')
    yield* sleep(1)
    t.deepEqual([log, duplex.writable, duplex.readyState], [['end'], true, 'writeOnly'])
    duplex.end('last')
    t.is(text(yield* b.readAll()), 'last')
    yield* closed(duplex)
    t.deepEqual(log, ['end', 'finish', 'close'])
    t.true(a.closed)
  }))

test('unless it may be half open, a Duplex ends when its peer does', (t) =>
  hosted(function* () {
    const [a, b] = memoryStreams()
    const duplex = yield* toDuplex(a)
    duplex.resume()
    yield* b.end()
    t.is(yield* b.read(), null)
    yield* closed(duplex)
  }))

/** Waits until a number has reached one, however busy the machine is, and for what would come too much. */
function* settled(number: () => number, atLeast: number): Operation<void> {
  while (number() < atLeast) yield* sleep(1)
  yield* sleep(5)
}

test('a host that does not read reads nothing of the stream, and one that has enough no more', (t) =>
  hosted(function* () {
    const [a, b] = memoryStreams({ capacity: 1000, chunk: 1000 })
    const duplex = yield* toDuplex(a)
    let sent = 0
    const writing = yield* spawn(function* () {
      for (;;) {
        yield* b.write(new Uint8Array(1000))
        sent += 1000
      }
    })
    yield* waitAllBlocked()
    t.is(sent, 1000)
    duplex.on('readable', () => {})
    const full = duplex.readableHighWaterMark
    yield* settled(() => sent, full)
    t.true(sent <= full + 3000, `${sent}`)
    t.is(duplex.bytesRead, duplex.readableLength)
    // One read gives all that there is, or the first piece of it: that differs by version.
    while (duplex.read() !== null);
    yield* settled(() => sent, 2 * full)
    t.true(sent <= 3 * full, `${sent} of ${full}`)
    yield* writing.cancel()
  }))

test('a peer that does not read holds the host’s writes back', (t) =>
  hosted(function* () {
    const [a, b] = memoryStreams({ capacity: 1000 })
    const duplex = yield* toDuplex(a)
    let done = 0
    const more = [1, 2, 3].map(() => duplex.write(new Uint8Array(70_000), () => done++))
    t.deepEqual(more, [false, false, false])
    yield* waitAllBlocked()
    t.is(done, 0)
    t.is((yield* b.readExactly(210_000)).length, 210_000)
    if (duplex.writableNeedDrain) yield* once(duplex, 'drain')
    t.is(done, 3)
    t.is(duplex.bytesWritten, 210_000)
  }))

test('pieces that were written together leave together', (t) =>
  hosted(function* () {
    const [a, b] = memoryStreams()
    const duplex = yield* toDuplex(a)
    duplex.cork()
    for (const word of ['one ', 'two ', 'three']) duplex.write(word)
    duplex.uncork()
    t.is(text(yield* b.read()), 'one two three')
  }))

test('a Duplex is idle for so long, and says so', (t) =>
  hosted(function* () {
    const [a] = memoryStreams()
    const duplex = yield* toDuplex(a)
    t.is(messageOf(thrown(() => duplex.setTimeout(-1))).slice(0, 37), 'Cannot set the timeout: ms must be a ')
    duplex.setTimeout(3)
    yield* once(duplex, 'timeout')
    t.is(duplex.timeout, 3)
    let called = 0
    const count = (): number => called++
    duplex.setTimeout(0, count)
    duplex.setTimeout(1, count)
    duplex.setTimeout(1)
    yield* once(duplex, 'timeout')
    t.is(called, 1)
  }))

test('a task that is cancelled while it asks for a Duplex has its stream closed', (t) =>
  hosted(function* () {
    for (const make of [toDuplex, toWebStreams] as readonly ((stream: ByteStream) => Operation<unknown>)[]) {
      const [a, b] = memoryStreams()
      const task = yield* spawn(() => make(a))
      yield* task.cancel()
      t.true(a.closed || task.state === 'cancelled')
      yield* nursery(function* (n) {
        yield* n.cancel()
        yield* make(b)
      })
      t.true(b.closed)
    }
  }))

test('what host code throws while it takes bytes is its own: the host reports it, and the stream goes on', async (t) => {
  const code = `
    import { run, sleep, toDuplex } from 'drupe'
    import { memoryStreams } from 'drupe/testing'
    process.on('uncaughtException', ({ message }) => console.log('uncaught', message))
    await run(function* () {
      const [a, b] = memoryStreams()
      const duplex = yield* toDuplex(a)
      duplex.on('data', (data) => {
        if (String(data) === 'bad') throw new Error('a bug')
        duplex.write('good', () => { throw new Error('another') })
      })
      yield* b.write(Buffer.from('bad'))
      yield* sleep(1)
      yield* b.write(Buffer.from('x'))
      console.log(String(Buffer.from(yield* b.readExactly(4))))
    })`
  const root = fileURLToPath(new URL('../../../../', import.meta.url))
  const flags = ['--input-type=module', '--eval', code]
  const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: root, timeout: PATIENCE_MS })
  t.deepEqual(stdout.trim().split('\n').sort(), ['good', 'uncaught a bug', 'uncaught another'])
})

test('ten thousand Duplexes come and go', (t) =>
  hosted(function* () {
    for (let i = 0; i < 100; i++) {
      yield* nursery(function* () {
        for (let k = 0; k < 100; k++) {
          const [a] = memoryStreams()
          const duplex = yield* toDuplex(a)
          if (k % 3 === 0) duplex.destroy()
          if (k % 3 === 1) duplex.resume()
        }
      })
    }
    t.pass()
  }))

for (const host of HOSTS) {
  test(`${host.name}: a connection that breaks is an error of the Duplex and of web streams`, (t) =>
    host.run(function* () {
      for (const kind of ['duplex', 'web'] as const) {
        const [client, server] = yield* tcp()
        // Closing with unread bytes makes the system answer with a reset.
        yield* client.write(bytes('never read'))
        yield* sleep(5)
        const code = yield* nursery(function* () {
          if (kind === 'web') {
            const { readable } = yield* toWebStreams(client)
            const reader = readable.getReader()
            yield* server.close()
            return codeOf(
              yield* thrownBy(function* () {
                for (;;) yield* until(reader.read())
              }),
            )
          }
          const duplex = yield* toDuplex(client)
          const failed = once<[Error]>(duplex, 'error')
          duplex.resume()
          yield* server.close()
          const [error] = yield* failed
          return codeOf(error)
        })
        t.is(code, 'ECONNRESET', kind)
      }
    }))

  test(`${host.name}: a Duplex knows its addresses`, (t) =>
    host.run(function* () {
      const [client, server] = yield* tcp()
      const [one, other] = [yield* toDuplex(client), yield* toDuplex(server)]
      t.deepEqual([one.localPort, one.remotePort], [other.remotePort, other.localPort])
      t.deepEqual(one.address(), { address: '127.0.0.1', family: 'IPv4', port: one.localPort })
      t.is(one.remoteFamily, 'IPv4')
    }))
}
