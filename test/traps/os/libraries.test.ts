/** Libraries that people call: zlib and SQLite as Debian has them. Each test says so where its library is missing. */
import { arena, foreign, foreignCallback, nursery, type Operation, run, spawn, use } from '../../../index.js'
import { type C, checks, counting } from './foreign-kit.js'

const zlib = checks('zlib', 'libz.so.1')
const sqlite = checks('SQLite', 'libsqlite3.so.0')

zlib('bytes are compressed on another thread, and come back', async (t, { koffi }, z) => {
  const compress = z.func('compress', 'int', ['void *', 'void *', 'void *', 'ulong'])
  const uncompress = z.func('uncompress', 'int', ['void *', 'void *', 'void *', 'ulong'])
  const text = new TextEncoder().encode('structured concurrency '.repeat(10_000))
  await run(() =>
    use(arena(koffi), function* (memory) {
      const packed = memory.bytes(text.length)
      const length = memory.allocate<number>('ulong')
      length.write(text.length)
      t.is(yield* foreign(compress, packed, length, text, text.length), 0)
      t.true(length.read() < text.length / 100)
      const back = new Uint8Array(text.length)
      const packedBytes = length.read()
      length.write(back.length)
      t.is(yield* foreign(uncompress, back, length, packed, packedBytes), 0)
      t.deepEqual(back, text)
    }),
  )
})

zlib('a struct of its own, in memory that it keeps between calls', async (t, c, z) => {
  const { koffi, given } = counting(c.koffi)
  const Z = c.koffi.struct({
    ...{ nextIn: 'void *', availableIn: 'uint', totalIn: 'ulong', nextOut: 'void *', availableOut: 'uint' },
    ...{
      totalOut: 'ulong',
      message: 'const char *',
      state: 'void *',
      alloc: 'void *',
      free: 'void *',
      opaque: 'void *',
    },
    ...{ dataType: 'int', adler: 'ulong', reserved: 'ulong' },
  })
  const begin = z.func('inflateInit_', 'int', ['void *', 'const char *', 'int'])
  const inflate = z.func('inflate', 'int', ['void *', 'int'])
  const end = z.func('inflateEnd', 'int', ['void *'])
  interface ZStream {
    totalOut: number
    message: string | null
  }
  await run(() =>
    use(arena(koffi), function* (memory) {
      const stream = memory.allocate<ZStream | Record<string, unknown>>(Z)
      t.is(begin(stream.address, '1', c.koffi.sizeof(Z)), 0)
      const garbage = memory.bytes(new Uint8Array(10).fill(255))
      const out = memory.bytes(10)
      const { state } = stream.read() as Record<string, unknown>
      stream.write({
        ...(stream.read() as Record<string, unknown>),
        ...{ nextIn: garbage.address, availableIn: 10, nextOut: out.address, availableOut: 10, message: null, state },
      })
      const DATA_ERROR = -3
      t.is(yield* foreign(inflate, stream, 0), DATA_ERROR)
      t.is((stream.read() as ZStream).message, 'incorrect header check')
      t.is(end(stream.address), 0)
    }),
  )
  t.is(given.size, 0)
})

/** A database in memory, and what runs statements on another thread. */
function* database({ koffi }: C, sqlite3: C['libc']): Operation<bigint> {
  const memory = yield* arena(koffi)
  const at = memory.allocate<bigint>('void *')
  const open = sqlite3.func('sqlite3_open', 'int', ['const char *', 'void *'])
  if ((yield* foreign<number>(open, ':memory:', at)) !== 0) throw new Error('no database')
  return at.read()
}

function functions({ koffi }: C, sqlite3: C['libc']) {
  prototypes ??= {
    Row: koffi.proto('int DrupeRow(void *data, int columns, void *values, void *names)'),
    Progress: koffi.proto('int DrupeProgress(void *data)'),
  }
  const { Row, Progress } = prototypes
  return {
    Row,
    Progress,
    exec: sqlite3.func('sqlite3_exec', 'int', ['void *', 'const char *', koffi.pointer(Row), 'void *', 'void *']),
    close: sqlite3.func('sqlite3_close', 'int', ['void *']),
    interrupt: sqlite3.func('sqlite3_interrupt', 'void', ['void *']),
    progress: sqlite3.func('sqlite3_progress_handler', 'void', ['void *', 'int', 'void *', 'void *']),
    message: sqlite3.func('sqlite3_errmsg', 'const char *', ['void *']),
  }
}

/** koffi knows each name once. */
let prototypes: Readonly<Record<'Row' | 'Progress', ReturnType<C['koffi']['proto']>>> | null = null

sqlite('rows come as events, from the thread on which the query runs', async (t, c, sqlite3) => {
  const { koffi } = c
  const { Row, exec, close } = functions(c, sqlite3)
  const rows: unknown[] = []
  await run(function* () {
    const db = yield* database(c, sqlite3)
    const strings = (at: bigint, count: number) => Array.from(koffi.decode(at, 'char *', count) as string[])
    const decode = (_data: unknown, columns: number, values: bigint, names: bigint) =>
      Object.fromEntries(strings(names, columns).map((name, i) => [name, strings(values, columns)[i]]))
    yield* nursery(function* () {
      const found = yield* foreignCallback(koffi, Row, { result: 0, decode })
      const sql = `
        create table people (name text, age integer);
        insert into people values ('Zoë', 7), ('Ada', 36);
        select name, age from people order by age`
      const query = yield* spawn(foreign(exec, db, sql, found, null, null))
      rows.push((yield* found.next()).value, (yield* found.next()).value)
      t.is(yield* query.join(), 0)
    })
    t.is(close(db), 0)
  })
  t.deepEqual(rows, [
    { name: 'Zoë', age: '7' },
    { name: 'Ada', age: '36' },
  ])
})

sqlite('a query without an end is interrupted from its progress, and a cancel waits for it', async (t, c, sqlite3) => {
  const { koffi } = c
  const { Progress, exec, close, interrupt, progress, message } = functions(c, sqlite3)
  const ENDLESS = 'with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n'
  const INTERRUPTED = 9
  await run(function* () {
    const db = yield* database(c, sqlite3)
    yield* nursery(function* (n) {
      const ticks = yield* foreignCallback(koffi, Progress, { result: 0, overflow: 'dropNewest' })
      progress(db, 10_000, ticks.address, null)
      const query = yield* n.spawn(foreign(exec, db, ENDLESS, null, null, null))
      for (let tick = 0; tick < 3; tick++) yield* ticks.next()
      yield* query.cancel(undefined, { wait: false })
      interrupt(db)
      t.is(yield* query.join(), INTERRUPTED)
      t.is(message(db), 'interrupted')
      // SQLite has it no more, and then it is taken from SQLite.
      progress(db, 0, null, null)
    })
    t.is(close(db), 0)
  })
})
