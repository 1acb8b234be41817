/**
 * Calling C: libm, a struct of libc's, and SQLite, whose rows come from another thread.
 *
 * The functions are koffi's; `foreign` calls them off this thread, `arena` has memory that is freed
 * with its block, `foreignCallback` makes C's calls a subscription.
 *
 * Start it: `npm run example -- calling-c "select sqlite_version()"`, or without a query. Try a
 * wrong type, memory after its block, or to cancel a query that takes long: `foreign` waits for C.
 */
import { arena, each, foreign, foreignCallback, type Operation, run, spawn, use } from 'drupe'
import koffi, { type LibraryHandle } from 'koffi'

const given = process.argv[2] ?? '0'
const query = given === '0' ? "select name, length(name) from (select 'Ada' as name union select 'Zoë')" : given

function* cosine(libm: LibraryHandle): Operation<void> {
  const cos = libm.func('double cos(double x)')
  console.log('cos(1) is', yield* foreign<number>(cos, 1))
}

/** The rest is of no interest here, but C writes it. */
const Tm = koffi.struct({
  ...{ sec: 'int', min: 'int', hour: 'int', mday: 'int', mon: 'int', year: 'int' },
  rest: koffi.array('int', 8),
})

function* date(libc: LibraryHandle): Operation<void> {
  const gmtime = libc.func('gmtime_r', 'void *', ['void *', 'void *'])
  yield* use(arena(koffi), function* (memory) {
    const seconds = memory.allocate<number>('int64_t')
    seconds.write(1_000_000_000)
    const tm = memory.allocate<{ mday: number; mon: number; year: number }>(Tm)
    yield* foreign(gmtime, seconds, tm)
    const { year, mon, mday } = tm.read()
    console.log('a thousand million seconds were over on', `${1900 + year}-${mon + 1}-${mday}`)
  })
}

const Row = koffi.proto('int Row(void *data, int columns, void *values, void *names)')

/** What the pointers of a row lead to is there while SQLite waits, so it is read then. */
function decode(_data: null, columns: number, values: bigint): string {
  return Array.from(koffi.decode(values, 'char *', columns) as string[]).join(' | ')
}

function* select(sqlite: LibraryHandle): Operation<void> {
  const open = sqlite.func('sqlite3_open', 'int', ['void *', 'void *'])
  const exec = sqlite.func('sqlite3_exec', 'int', ['void *', 'void *', koffi.pointer(Row), 'void *', 'void *'])
  const message = sqlite.func('sqlite3_errmsg', 'const char *', ['void *'])
  const close = sqlite.func('sqlite3_close', 'int', ['void *'])
  yield* use(arena(koffi), function* (memory) {
    const at = memory.allocate<bigint>('void *')
    yield* foreign(open, memory.string(':memory:'), at)
    const rows = yield* foreignCallback(koffi, Row, { result: 0, decode })
    const print = function* (row: string): Operation<void> {
      console.log(row)
    }
    yield* spawn(each(rows, print))
    const failed = yield* foreign<number>(exec, at.read(), memory.string(query), rows, null, null)
    yield* rows.close()
    if (failed) console.log(`SQLite: ${message(at.read())}`)
    yield* foreign(close, at.read())
  })
}

const PARTS = { 'libm.so.6': cosine, 'libc.so.6': date, 'libsqlite3.so.0': select }

for (const [file, body] of Object.entries(PARTS)) {
  let library: LibraryHandle
  try {
    library = koffi.load(file)
  } catch (error) {
    console.log(`left out: ${(error as Error).message}`)
    continue
  }
  await run(() => body(library))
}
