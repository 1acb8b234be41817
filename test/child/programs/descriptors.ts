/**
 * The far end of descriptors that are passed: `few` receives where hardly any more can be had, `serve <path>` gives its
 * listening socket to whoever connects there and ends, `take <path>` takes it over, serves one connection and ends.
 */
import { closeSync, openSync } from 'node:fs'
import { connect, listen, type Operation, run, socketPair, use } from 'drupe'
import * as io from 'drupe/lowlevel'
import { openDescriptors } from '../../open-descriptors.js'

const [, , command, path = ''] = process.argv
const say = (value: unknown): void => console.log(JSON.stringify(value))

/** With so many descriptors left: how many of three come, or what is told instead. */
function* few(left: number): Operation<unknown> {
  const [a, b] = yield* socketPair()
  const taken: number[] = []
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'))
  } catch {
    for (const fd of taken.splice(0, left)) closeSync(fd)
  }
  yield* io.sendDescriptors(a, 'x', [a, b, a])
  let told: unknown
  try {
    const { descriptors } = yield* io.receiveDescriptors(b, new Uint8Array(9))
    for (const fd of descriptors) yield* io.close(fd)
    told = descriptors.length
  } catch (error) {
    told = (error as Error).name
  }
  for (const fd of taken) closeSync(fd)
  yield* a.close()
  yield* b.close()
  return told
}

function* serve(): Operation<void> {
  const server = yield* io.socket('tcp4')
  yield* io.bind(server, { host: '127.0.0.1', port: 0 })
  yield* io.listen(server)
  yield* use(listen({ path }), function* (listener) {
    say(yield* io.localAddress(server))
    yield* use(listener.accept(), (heir) => io.sendDescriptors(heir, 'listen', [server]))
  })
  yield* io.close(server)
}

function* take(): Operation<void> {
  const [server] = yield* use(connect({ path }), function* (stream) {
    return (yield* io.receiveDescriptors(stream, new Uint8Array(10))).descriptors
  })
  const peer = yield* io.accept(server as number)
  yield* io.writeAll(peer, `hello from ${process.pid}`)
  yield* io.close(peer)
  yield* io.close(server as number)
}

await run(function* () {
  if (command === 'serve') return yield* serve()
  if (command === 'take') return yield* take()
  yield* few(3)
  say('warm')
  const before = openDescriptors()
  for (const left of [0, 1, 2, 3]) say(yield* few(left))
  say(openDescriptors() - before)
})
