/**
 * The recipe for `fetch` that docs/guides/bridges.md has, against a server that hangs in each phase of a request: what is
 * cancelled is gone there, too.
 */

import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { moveOn, nursery, type Operation, once, run, sleep, spawn, timeout, until } from 'drupe'
import { fetchText } from '../../examples/recipes/fetch-text.js'
import { thrownBy } from '../kit.js'
import { PATIENCE_MS } from '../patience.js'

interface Seen {
  readonly url: string
  /** Lets the server read on. */
  resume(): unknown
  /** The server’s side of the connection: closes when the client’s does. */
  readonly gone: Promise<unknown>
}

/** Runs a body with a server on a port of this machine, of which nothing is left. */
function* withServer<T>(
  server: { listen(port: number, host: string): unknown; close(): unknown; address(): unknown },
  body: (url: string) => Operation<T>,
): Operation<T> {
  server.listen(0, '127.0.0.1')
  yield* once(server as Server, 'listening')
  try {
    return yield* body(`http://127.0.0.1:${(server.address() as { port: number }).port}`)
  } finally {
    server.close()
  }
}

/** Cancels a request when the server has it where it hangs; the request must then be gone. */
async function aborted(t: ExecutionContext, hang: RequestListener, init?: RequestInit): Promise<void> {
  let seen: ((request: Seen) => void) | null = null
  const arrived = new Promise<Seen>((resolve) => {
    seen = resolve
  })
  const server = createServer((request, response) => {
    const gone = new Promise((resolve) => request.socket.on('close', resolve))
    hang(request, response)
    seen?.({ url: request.url ?? '', resume: () => request.resume(), gone })
  })
  await run(() =>
    withServer(server, (url) =>
      timeout(PATIENCE_MS, function* () {
        const task = yield* spawn(() => fetchText(`${url}/hangs`, init))
        const request = yield* until(arrived)
        t.is(request.url, '/hangs')
        // So that what the server has sent is there.
        yield* sleep(20)
        t.is(task.state, 'waiting')
        yield* task.cancel()
        t.is(task.state, 'cancelled')
        // A server that does not read does not see that nothing more comes, either.
        request.resume()
        yield* until(request.gone)
      }),
    ),
  )
}

test('a request whose server sends no headers', (t) => aborted(t, () => {}))

test('a request whose server hangs in its headers', (t) =>
  aborted(t, (_request, response) => void response.socket?.write('HTTP/1.1 200 OK\r\nx-half: ')))

test('a request whose server sends headers and no body', (t) =>
  aborted(t, (_request, response) => response.writeHead(200).flushHeaders()))

test('a request whose server hangs in the body', (t) =>
  aborted(t, (_request, response) => void response.writeHead(200, { 'content-length': 100 }).write('half of')))

test('a request whose server hangs in a chunk of the body', (t) =>
  aborted(t, (_request, response) => void response.writeHead(200).write('one chunk')))

test('a request whose server does not read what is sent', (t) =>
  aborted(t, (request) => void request.pause(), { method: 'POST', body: 'x'.repeat(5_000_000) }))

test('a request that fails in a sibling’s stead is aborted with it', async (t) => {
  const gone: Promise<unknown>[] = []
  const server = createServer((request, response) => {
    gone.push(new Promise((resolve) => request.socket.on('close', resolve)))
    if (request.url === '/bad') response.writeHead(503).end('no')
    else response.writeHead(200).write('half of')
  })
  await run(() =>
    withServer(server, function* (url) {
      const error = yield* thrownBy(() =>
        nursery(function* (n) {
          yield* n.spawn(() => fetchText(`${url}/slow`))
          yield* sleep(20)
          yield* n.spawn(() => fetchText(`${url}/bad`))
        }),
      )
      t.is((error as Error).message, `Cannot fetch ${url}/bad: 503 Service Unavailable`)
      yield* until(gone[0] as Promise<unknown>)
    }),
  )
})

test('a server that never answers at all, in the time that a request has', (t) =>
  run(() => {
    const sockets: { destroy(): unknown }[] = []
    const server = createTcpServer((socket) => sockets.push(socket))
    return withServer(server, function* (url) {
      t.is(yield* moveOn(20, fetchText(url), 'late'), 'late')
      for (const socket of sockets) socket.destroy()
    })
  }))

test('one that answers is text', (t) =>
  run(() =>
    withServer(
      createServer((_request, response) => response.end('the text')),
      function* (url) {
        t.is(yield* fetchText(url), 'the text')
      },
    ),
  ))
