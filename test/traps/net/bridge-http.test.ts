/**
 * Servers and clients of HTTP and of WebSockets on our sockets: Node's own, undici, ws, express and fastify, each on sockets of
 * the OS and again on those of a simulated network.
 */
import { once as happened } from 'node:events'
import { Agent, createServer, type IncomingMessage, type RequestListener, request, type Server } from 'node:http'
import { text } from 'node:stream/consumers'
import test from 'ava'
import { all, type HostDuplex, type Operation, once, until, use } from 'drupe'
import express from 'express'
import fastify from 'fastify'
import { Client } from 'undici'
import { WebSocket, WebSocketServer } from 'ws'
import { dial, feeding, HOSTS } from './bridge-kit.js'

/** Echoes what is posted to it, behind the path. */
const echo: RequestListener = (incoming, response) => {
  void text(incoming).then((body) => response.end(`${incoming.method} ${incoming.url} ${body}`))
}

/** Serves with a server of Node's, without a socket of its own. */
function* serving<T>(server: Server, body: (port: number) => Operation<T>): Operation<T> {
  try {
    return yield* feeding((duplex) => server.emit('connection', duplex), body)
  } finally {
    server.close()
  }
}

/** A request over a socket that is there, and what it brings. */
function* ask(socket: HostDuplex, path: string, body = '', agent?: Agent, method = 'POST'): Operation<string> {
  const sent = request({
    method,
    path,
    host: 'here',
    ...(agent === undefined ? { createConnection: () => socket } : { agent }),
  })
  sent.end(body)
  const [response] = yield* once<[IncomingMessage]>(sent, 'response')
  return yield* until(text(response))
}

for (const host of HOSTS) {
  test(`${host.name}: http.Server is fed by serve, http.request goes over connect`, async (t) => {
    const big = 'x'.repeat(300_000)
    const got = await host.run(() =>
      serving(createServer(echo), function* (port) {
        const [small, large] = yield* all([
          use(
            () => dial(port),
            (socket) => ask(socket, '/a', 'body'),
          ),
          use(
            () => dial(port),
            (socket) => ask(socket, '/b', big),
          ),
        ])
        return [small, large.length]
      }),
    )
    t.deepEqual(got, ['POST /a body', 8 + big.length])
  })

  test(`${host.name}: an agent keeps a connection and uses it again`, async (t) => {
    let connections = 0
    const server = createServer(echo)
    server.on('connection', () => connections++)
    const got = await host.run(() =>
      serving(server, function* (port) {
        const socket = yield* dial(port)
        const agent = new Agent({ keepAlive: true, maxSockets: 1 })
        agent.createConnection = () => socket as never
        const answers: string[] = []
        for (const path of ['/1', '/2', '/3']) answers.push(yield* ask(socket, path, '', agent))
        agent.destroy()
        return [...answers, socket.destroyed]
      }),
    )
    t.deepEqual(got, ['POST /1 ', 'POST /2 ', 'POST /3 ', true])
    t.is(connections, 1)
  })

  test(`${host.name}: http.Server sees addresses, and its keep-alive timeout closes a connection`, async (t) => {
    const server = createServer({ keepAliveTimeout: 1 }, (incoming, response) => {
      response.end(`${incoming.socket.remoteFamily} ${incoming.socket.remotePort}`)
    })
    const [answer, port] = await host.run(() =>
      serving(server, function* (port) {
        const socket = yield* dial(port)
        const agent = new Agent({ keepAlive: true })
        agent.createConnection = () => socket as never
        const answer = yield* ask(socket, '/', '', agent)
        if (!socket.destroyed) yield* once(socket, 'close')
        agent.destroy()
        return [answer, socket.localPort] as const
      }),
    )
    t.is(answer, `IPv4 ${port}`)
  })

  test(`${host.name}: undici`, async (t) => {
    const got = await host.run(() =>
      serving(createServer(echo), function* (port) {
        const socket = yield* dial(port)
        const client = new Client('http://here', { connect: (_options, give) => process.nextTick(give, null, socket) })
        const answers: string[] = []
        for (const path of ['/1', '/2']) {
          const { body } = yield* until(client.request({ method: 'PUT', path, body: 'from undici' }))
          answers.push(yield* until(body.text()))
        }
        yield* until(client.close())
        return answers
      }),
    )
    t.deepEqual(got, ['PUT /1 from undici', 'PUT /2 from undici'])
  })

  test(`${host.name}: express`, async (t) => {
    const app = express()
    app.use(express.json())
    app.post('/greet', (incoming, response) => {
      response.json({ hello: incoming.body.name, ip: incoming.ip })
    })
    const got = await host.run(() =>
      serving(createServer(app), (port) =>
        use(
          () => dial(port),
          function* (socket) {
            const client = new Client('http://here', {
              connect: (_options, give) => process.nextTick(give, null, socket),
            })
            const headers = { 'content-type': 'application/json' }
            const { body } = yield* until(
              client.request({ method: 'POST', path: '/greet', headers, body: '{"name":"Ada"}' }),
            )
            const answer = yield* until(body.json())
            yield* until(client.close())
            return answer
          },
        ),
      ),
    )
    t.deepEqual(got, { hello: 'Ada', ip: '127.0.0.1' })
  })

  test(`${host.name}: fastify`, async (t) => {
    const app = fastify()
    app.get('/greet/:name', async (incoming) => ({ hello: (incoming.params as { name: string }).name }))
    await app.ready()
    const got = await host.run(() =>
      feeding(
        (duplex) => app.server.emit('connection', duplex),
        (port) =>
          use(
            () => dial(port),
            (socket) => ask(socket, '/greet/Grace', '', undefined, 'GET'),
          ),
      ),
    )
    await app.close()
    t.is(got, '{"hello":"Grace"}')
  })

  test(`${host.name}: ws, server and client, and a message of a megabyte both ways`, async (t) => {
    const http = createServer()
    const sockets = new WebSocketServer({ server: http })
    sockets.on('connection', (socket) => {
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    })
    const big = Buffer.alloc(1 << 20, 'drupe ')
    const got = await host.run(() =>
      serving(http, function* (port) {
        const duplex = yield* dial(port)
        const socket = new WebSocket('ws://here/', { createConnection: () => duplex as never })
        yield* once(socket, 'open')
        socket.send('hello')
        const [first] = yield* once<[Buffer]>(socket, 'message')
        socket.send(big)
        const [second] = yield* once<[Buffer]>(socket, 'message')
        socket.close(1000, 'done')
        const [code] = yield* once<[number]>(socket, 'close')
        return [first.toString(), second.equals(big), code, duplex.destroyed]
      }),
    )
    sockets.close()
    t.deepEqual(got, ['hello', true, 1000, true])
  })

  test(`${host.name}: a server that is cancelled ends its connections, and what waits in host code hears of it`, async (t) => {
    const server = createServer(() => {})
    const hung = new Promise<IncomingMessage>((resolve) => server.on('request', resolve))
    const errors: unknown[] = []
    await host.run(function* () {
      const sent = yield* feeding(
        (duplex) => server.emit('connection', duplex),
        function* (port) {
          const socket = yield* dial(port)
          const sent = request({ createConnection: () => socket })
          sent.on('error', ({ message }) => errors.push(message))
          sent.end()
          yield* until(hung)
          return sent
        },
      )
      yield* until(new Promise((resolve) => sent.on('close', resolve)))
    })
    t.deepEqual(errors, ['socket hang up'])
    const incoming = await hung
    if (!incoming.socket.closed) await happened(incoming.socket, 'close')
    t.true(incoming.destroyed)
    server.close()
  })
}
