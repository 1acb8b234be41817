/**
 * A Unix listener and a socket for datagrams at relative paths, and another current directory when they are closed. It prints
 * what is left of their files.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, listen, run, unixDatagram, use } from 'drupe'

const directory = mkdtempSync(join(tmpdir(), 'drupe-'))
mkdirSync(join(directory, 'other'))
process.chdir(directory)
try {
  await run(() =>
    use(listen({ path: 'listener' }), (listener) =>
      use(unixDatagram({ path: './datagrams' }), function* () {
        yield* (yield* connect({ path: 'listener' })).close()
        yield* (yield* listener.accept()).close()
        console.log(readdirSync(directory).sort().join(' '))
        process.chdir('other')
      }),
    ),
  )
  console.log(readdirSync(directory).sort().join(' '))
} finally {
  process.chdir('/')
  rmSync(directory, { recursive: true })
}
