/**
 * What is special about TLS over node:tls: where it works, what it refuses, and that it leaves nothing
 * behind. All else is in tls-host.test.ts.
 */
import './tls-by-node.js'
import { inspect } from 'node:util'
import test from 'ava'
import {
  all,
  allSettled,
  moveOn,
  type Operation,
  run,
  runSync,
  serve,
  spawn,
  startTls,
  type TlsError,
  UnsupportedError,
  until,
} from 'drupe'
import { memoryStreams } from 'drupe/testing'
import { openTls } from '../../../native/tls.js'
import { wrap } from '../../../traps/net/tls.js'
import { thrown, thrownBy } from '../../kit.js'
import { CLIENT, pair, SERVER, text } from './tls-kit.js'

/** Pieces of a peer that goes on sending: what waits for the last of them has waited for ever. */
const ENDLESS = 3000

/** The host's own work comes first. */
const turn = (): Operation<void> => until(new Promise<void>((resolve) => void setImmediate(resolve)))

test('in a blocking run it is an UnsupportedError, and the stream is closed', (t) => {
  const [a] = memoryStreams()
  const error = runSync(() => thrownBy(startTls(a, CLIENT))) as Error
  t.true(error instanceof UnsupportedError)
  t.regex(error.message, /^Cannot shake hands over TLS: node:tls of .* needs run, not runSync/)
  t.true(a.closed)
})

test.serial('a server in a blocking run does not keep it to itself', (t) => {
  const { error: print } = console
  const printed: unknown[] = []
  console.error = (error) => printed.push(error)
  try {
    runSync(function* () {
      const [a, b] = memoryStreams()
      const tls = wrap(b, 'server', SERVER, '')
      let given = false
      const listener = {
        *accept(): Operation<typeof tls> {
          if (given) yield* until(new Promise<never>(() => {}))
          given = true
          return tls
        },
        *close(): Operation<void> {},
        host: 'here',
        port: 1,
        path: null,
        closed: false,
      }
      yield* moveOn(
        10,
        serve(listener as never, function* () {}),
      )
      yield* a.close()
    })
  } finally {
    console.error = print
  }
  t.true(printed[0] instanceof UnsupportedError)
})

test.serial('debug output says which engine it is, and why', async (t) => {
  const { warn } = console
  const warned: string[] = []
  console.warn = (line) => warned.push(line)
  try {
    await run(
      function* () {
        const options = { ...CLIENT }
        const [c, d] = yield* pair(options)
        t.regex(inspect(c), /^TlsStream \(TLSv1\.3, node:tls of \w+ [\d.]+\)$/)
        yield* all([c.close(), d.close()])
        // It is told once.
        const [e, f] = yield* pair({ ...CLIENT })
        yield* all([e.close(), f.close()])
      },
      { debug: true },
    )
  } finally {
    console.warn = warn
  }
  const told = warned.filter((line) => line.includes('TLS'))
  t.is(told.length, 1)
  t.regex(told[0] as string, /^drupe: TLS is that of node:tls of .*: DRUPE_TLS asks for it$/)
})

test('an engine of another name is refused', (t) => {
  process.env['DRUPE_TLS'] = 'rustls'
  const error = thrown(() => openTls()) as Error
  process.env['DRUPE_TLS'] = 'node'
  t.is(error.message, 'Cannot use the TLS engine "rustls" (DRUPE_TLS): there is none of that name, only openssl, node')
})

test('an option that it cannot serve is refused by name', (t) => {
  const { getCACertificates } = process.getBuiltinModule('node:tls') as { getCACertificates?: unknown }
  const [a] = memoryStreams()
  const outcome = (): unknown => wrap(a, 'client', { ...CLIENT, systemCa: true }, '')
  if (getCACertificates !== undefined) {
    t.log('skipped: this Node can tell whom the system trusts')
    t.notThrows(outcome)
    return
  }
  const error = thrown(outcome) as Error
  t.true(error instanceof UnsupportedError)
  t.regex(error.message, /tls\.systemCa/)
})

test('a certificate of a CA that cannot be read is refused, as the other engine does', (t) => {
  const [a] = memoryStreams()
  const error = thrown(() => wrap(a, 'client', { ca: 'nonsense' }, '')) as TlsError
  t.regex(error.message, /^Cannot set up TLS with the CA: no start line/)
})

test('a handshake that is cancelled at every turn goes on with the next task', async (t) => {
  const tries = await run(function* () {
    const [a, b] = memoryStreams({ chunk: 40 })
    const [c, d] = [wrap(a, 'client', CLIENT, ''), wrap(b, 'server', SERVER, '')]
    let count = 0
    function* often(stream: typeof c): Operation<void> {
      while (stream.protocol === null) {
        count++
        const task = yield* spawn<unknown>(count % 2 === 0 ? stream.handshake() : stream.readInto(new Uint8Array(0)))
        for (let i = 0; i < count % 7; i++) yield* turn()
        yield* task.cancel()
      }
    }
    yield* all([often(c), often(d)])
    yield* c.write('whole')
    t.is(text(yield* d.readExactly(5)), 'whole')
    yield* all([c.close(), d.close()])
    return count
  })
  t.true(tries > 2)
})

test('reads and writes that are cancelled at every turn lose nothing and repeat nothing', async (t) => {
  await run(function* () {
    const [c, d] = yield* pair(CLIENT, SERVER, memoryStreams({ capacity: 1000 }))
    const sent = Uint8Array.from({ length: 20_000 }, (_, i) => i)
    const writer = yield* spawn(function* () {
      let tries = 0
      for (let at = 0; at < sent.length; ) {
        let taken = 0
        function* some(): Operation<void> {
          taken = yield* c.writeSome(sent.subarray(at, at + 3000))
        }
        const task = yield* spawn(some())
        for (let i = 0; i < tries % 9; i++) yield* turn()
        yield* task.cancel()
        at += taken
        tries++
      }
      yield* c.end()
    })
    const parts: Uint8Array[] = []
    for (let isEnd = false, i = 0; !isEnd; i++) {
      function* one(): Operation<void> {
        const part = yield* d.read(700)
        if (part === null) isEnd = true
        else parts.push(part)
      }
      const task = yield* spawn(one())
      for (let k = 0; k < i % 5; k++) yield* turn()
      yield* task.cancel()
    }
    yield* writer.join()
    t.deepEqual(new Uint8Array(Buffer.concat(parts)), sent)
    yield* all([c.close(), d.close()])
  })
})

test('a write, an end and a close are over although the peer sends without end', async (t) => {
  for (const way of ['end', 'close'] as const) {
    await run(function* () {
      const [c, d] = yield* pair()
      let sent = 0
      function* send(): Operation<void> {
        for (; sent < ENDLESS; sent++) yield* d.write(new Uint8Array(100))
      }
      function* receive(): Operation<void> {
        while ((yield* c.read()) !== null);
      }
      const both = yield* spawn(allSettled([send(), receive()]))
      yield* c.write('one piece')
      t.true(sent < ENDLESS)
      yield* c[way]()
      t.true(sent < ENDLESS)
      t.is(text(yield* d.readAll()), 'one piece')
      yield* both.cancel()
      yield* all([c.close(), d.close()])
    })
  }
})

test('a hundred connections that end in every way leave nothing of the host', async (t) => {
  const before = process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate').length
  await run(function* () {
    for (let i = 0; i < 100; i++) {
      const [a, b] = memoryStreams()
      const [c, d] = [wrap(a, 'client', CLIENT, ''), wrap(b, 'server', SERVER, '')]
      const both = yield* spawn(allSettled([c.handshake(), d.handshake()]))
      for (let k = 0; k < i % 9; k++) yield* turn()
      if (i % 3 === 0) yield* a.close()
      else if (i % 3 === 1) yield* both.cancel()
      else yield* c.close()
      yield* both.cancel()
      yield* all([c.close(), d.close()])
      t.true(a.closed && b.closed)
    }
  })
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => void setImmediate(resolve))
  t.true(process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate').length <= before)
})
