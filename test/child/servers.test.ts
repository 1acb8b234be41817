/**
 * Servers as processes: killed by signals, left by peers that are killed, out of descriptors, and
 * idle.
 *
 * The clients are Node's own sockets, so that nothing of Drupe's stands on both sides.
 */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import test from 'ava'
import { covers } from '../covers.js'
import { PATIENCE_MS } from '../patience.js'
import { Child, execute } from './child-kit.js'

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** What comes next; null if nothing does in time. */
function received(socket: Socket, ms = PATIENCE_MS): Promise<string | null> {
  return new Promise((resolve) => {
    const limit = setTimeout(resolve, ms, null)
    socket.once('data', (chunk) => {
      clearTimeout(limit)
      resolve(String(chunk))
    })
  })
}

/** Sends a word and waits for its echo; null if none came in time. */
function ask(socket: Socket, word: string, ms?: number): Promise<string | null> {
  socket.write(word)
  return received(socket, ms)
}

/**
 * How a port refuses connections. A killed process gives its descriptors back at once, but not what
 * an io_uring of its had under way: the system cleans that up in the background, and a listener may
 * live for a moment longer.
 */
async function refusal(port: number): Promise<unknown> {
  for (let tries = 0; tries < PATIENCE_MS / 20; tries++) {
    try {
      const socket = await dial(port)
      socket.destroy()
    } catch (error) {
      const { code } = error as { code: unknown }
      // Reset: it was still listening, and went while we came.
      if (code !== 'ECONNRESET') return code
    }
    await pause(20)
  }
  return 'still listening'
}

/** Enough for Node to load the package, whose files it opens side by side. */
const DESCRIPTORS = 200

async function serverIn(mode: string, limits = ''): Promise<{ child: Child; port: number }> {
  const child = new Child('server', [mode], limits)
  return { child, port: Number(await child.line()) }
}

for (const mode of ['guest', 'blocking']) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
    test(`a server in ${mode} mode is ended by ${signal}, and its port is free`, async (t) => {
      covers(t, 'trio guest_mode: guest_mode_ki')
      const { child, port } = await serverIn(mode)
      const socket = await dial(port)
      t.is(await ask(socket, 'hello'), 'hello')
      const ending = await child.kill(signal)
      t.is(ending.signal, signal)
      t.is(ending.stderr, '')
      t.is(await refusal(port), 'ECONNREFUSED')
      socket.destroy()
    })
  }

  test(`a server in ${mode} mode survives peers that are killed in the middle`, async (t) => {
    const { child, port } = await serverIn(mode)
    const floods = [1, 2, 3].map(() => new Child('flood', [String(port)]))
    await pause(500)
    for (const flood of floods) t.is((await flood.kill('SIGKILL')).signal, 'SIGKILL')
    const socket = await dial(port)
    t.is(await ask(socket, 'still there'), 'still there')
    socket.destroy()
    t.is((await child.kill('SIGTERM')).stderr, '')
  })

  test(`a server in ${mode} mode survives clients that reset`, async (t) => {
    const { child, port } = await serverIn(mode)
    for (let i = 0; i < 20; i++) {
      const socket = await dial(port)
      socket.write('never read')
      socket.resetAndDestroy()
    }
    const socket = await dial(port)
    t.is(await ask(socket, 'still there'), 'still there')
    socket.destroy()
    t.is((await child.kill('SIGTERM')).stderr, '')
  })

  test(`a server in ${mode} mode without descriptors serves those it has, and the rest later`, async (t) => {
    const { child, port } = await serverIn(mode, `-n ${DESCRIPTORS}`)
    const sockets: Socket[] = []
    // More than there are descriptors for; the system completes all connections, the server accepts
    // as many as it can.
    for (let i = 0; i < DESCRIPTORS + 10; i++) sockets.push(await dial(port))
    t.is(await ask(sockets[0] as Socket, 'first'), 'first')
    const last = sockets.at(-1) as Socket
    t.is(await ask(last, 'too early', 300), null)
    t.is(await ask(sockets[1] as Socket, 'second'), 'second')
    const late = received(last)
    for (const socket of sockets.slice(0, DESCRIPTORS)) socket.destroy()
    t.is(await late, 'too early')
    for (const socket of sockets) socket.destroy()
    t.is((await child.kill('SIGTERM')).stderr, '')
  })
}

interface Stats {
  readonly steps: number
  readonly cpuMs: number
}

async function statsOf(child: Child): Promise<Stats> {
  const line = child.stdout.split('\n').length
  child.process.stdin?.write('stats\n')
  return JSON.parse(await child.line(line))
}

/** What it does in a second or more, per second: a busy machine makes the second longer. */
async function ratesOf(child: Child): Promise<Stats> {
  const begun = performance.now()
  const before = await statsOf(child)
  await pause(1000)
  const after = await statsOf(child)
  const seconds = (performance.now() - begun) / 1000
  return { steps: (after.steps - before.steps) / seconds, cpuMs: (after.cpuMs - before.cpuMs) / seconds }
}

test('a server without descriptors does not spin', async (t) => {
  const { child, port } = await serverIn('guest', `-n ${DESCRIPTORS}`)
  const sockets: Socket[] = []
  for (let i = 0; i < DESCRIPTORS + 10; i++) sockets.push(await dial(port))
  // It accepts while it can, then meets the limit.
  t.is(await ask(sockets[0] as Socket, 'first'), 'first')
  await pause(200)
  const { steps, cpuMs } = await ratesOf(child)
  // One try every 100 ms.
  t.true(steps <= 30, `${steps} steps in a second`)
  t.true(cpuMs < 300, `${cpuMs} ms of processor time in a second`)
  for (const socket of sockets) socket.destroy()
  await child.kill('SIGTERM')
})

test('a server with idle connections does nothing', async (t) => {
  const { child, port } = await serverIn('guest')
  const sockets: Socket[] = []
  for (let i = 0; i < 20; i++) {
    const socket = await dial(port)
    await ask(socket, 'hello')
    sockets.push(socket)
  }
  // An answer is received before the step that gave it has ended: there are some more, and then
  // none.
  for (let steps = -1, now = 0; steps !== now; ) {
    steps = now
    await pause(100)
    now = (await statsOf(child)).steps
  }
  const { steps, cpuMs } = await ratesOf(child)
  t.is(steps, 0)
  t.true(cpuMs < 300, `${cpuMs} ms of processor time in a second`)
  for (const socket of sockets) socket.destroy()
  await child.kill('SIGTERM')
})

for (const mode of ['guest, native', 'blocking, native']) {
  test(`${mode}: no scenario leaves a descriptor behind`, async (t) => {
    const ending = await execute('leaks', mode)
    t.is(ending.stderr, '')
    t.regex(ending.stdout, /^\d+ scenarios$/)
    t.is(ending.code, 0)
  })
}
