/**
 * Messages from another process in Drupe, over a Unix socket, with a key.
 */
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connectMessages, Kernel, listenMessages, type MessageStream, type Operation, run, use } from 'drupe'
import { now, perItem, print } from './measure.js'
import { FLOOD, MESSAGE, type Order, PING_PONG } from './messages-work.js'

const KEY = 'the key of the bench of messages'
const [part = '', path] = process.argv.slice(2)

function* answer(messages: MessageStream<Order>): Operation<void> {
  for (;;) {
    const order = yield* messages.receive()
    if (order === null || 'end' in order) return
    if ('echo' in order) yield* messages.send(order.echo)
    else for (let i = 0; i < order.flood; i++) yield* messages.send(MESSAGE)
  }
}

function* flood(messages: MessageStream, n: number): Operation<number> {
  const begin = now()
  yield* messages.send({ flood: n })
  for (let i = 0; i < n; i++) yield* messages.receive()
  return now() - begin
}

function* pingPong(messages: MessageStream, n: number): Operation<number> {
  const begin = now()
  for (let i = 0; i < n; i++) {
    yield* messages.send({ echo: MESSAGE })
    yield* messages.receive()
  }
  return now() - begin
}

async function measure(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'drupe-bench-'))
  const socket = join(directory, 'socket')
  const kernel = new Kernel()
  let messages: MessageStream | undefined
  const child = await kernel.run(() =>
    use(listenMessages({ path: socket, key: KEY }), function* (listener) {
      const started = fork(fileURLToPath(import.meta.url), ['child', socket], { stdio: 'inherit' })
      messages = yield* listener.accept()
      return started
    }),
  )
  const ends = new Promise((resolve) => child.once('exit', resolve))
  const stream = messages as MessageStream
  const [count, timed] = part === 'flood' ? [FLOOD, flood] : [PING_PONG, pingPong]
  print({ [part]: (await perItem(count, (n) => kernel.run(() => timed(stream, n)))) / 1000 })
  await kernel.run(() => stream.close())
  await ends
  await kernel.close()
  rmSync(directory, { recursive: true })
}

if (part === 'child') await run(() => use(connectMessages<Order>({ path: path ?? '', key: KEY }), answer))
else await measure()
