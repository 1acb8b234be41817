/**
 * Tasks inside Express and Fastify: a request is an operation that ends when its client goes.
 *
 * Start it: `npm run example -- frameworks`. The framework stays as it is. A handler hands the
 * request to the kernel with a signal that is aborted when the connection closes before the answer
 * is out, so what the request had started is cleaned up. Try a handler that spawns tasks.
 */
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Kernel, type Operation, sleep, until } from 'drupe'
import express from 'express'
import fastify from 'fastify'

const kernel = new Kernel()
let cleanedUp = 0

/** What the application does; it knows of no framework. */
function* report(name: string): Operation<string> {
  try {
    yield* sleep(name === 'slow' ? 60_000 : 5)
    return `report ${name}`
  } finally {
    cleanedUp++
  }
}

/** Aborted when the client has gone and the answer is not out. */
function gone(response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  response.on('close', () => {
    if (!response.writableFinished) controller.abort(new Error('the client has gone'))
  })
  return controller.signal
}

const app = express()
app.get('/:name', (request, response) => {
  kernel
    .run(() => report(request.params.name), { signal: gone(response) })
    .then(
      (text) => response.send(text),
      () => {},
    )
})

const fast = fastify()
fast.get<{ Params: { name: string } }>('/:name', async (request, reply) => {
  return await kernel.run(() => report(request.params.name), { signal: gone(reply.raw) })
})
await fast.ready()

function* demonstrate(framework: string, handler: RequestListener): Operation<void> {
  const server = createServer(handler)
  yield* until(new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const text = yield* until(async (aborted) => (await fetch(`${base}/quick`, { signal: aborted })).text())
  const before = cleanedUp
  // A client that loses its patience.
  yield* until(fetch(`${base}/slow`, { signal: AbortSignal.timeout(50) }).catch(() => {}))
  while (cleanedUp === before) yield* sleep(5)
  console.log(`${framework}: ${text}; the slow one was given up, and cleaned up`)
  server.close()
}

await kernel.run(() => demonstrate('Express', app))
await kernel.run(() => demonstrate('Fastify', (request, response) => fast.routing(request, response)))
await fast.close()
await kernel.close()
