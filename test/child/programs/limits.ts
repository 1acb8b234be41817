/** What the calls that open something say when this process has no descriptor left; started with few (limits.test.ts). */
import { closeSync, openSync } from 'node:fs'
import {
  connect,
  exec,
  fork,
  listen,
  nursery,
  type Op,
  type Operation,
  open,
  run,
  socketPair,
  thread,
  udp,
} from 'drupe'
import { accept } from 'drupe/lowlevel'
import { thrownBy } from '../../kit.js'

const MODULE = new URL('data:text/javascript,export const five = () => 5')

/** Takes all descriptors but so many, and gives them back at the end. */
function* without(left: number, op: () => Operation<unknown>): Operation<unknown> {
  const held: number[] = []
  try {
    for (;;) held.push(openSync('/dev/null', 'r'))
  } catch {
    for (const fd of held.splice(0, left)) closeSync(fd)
  }
  try {
    return yield* op()
  } finally {
    for (const fd of held) closeSync(fd)
  }
}

function* messageOf(op: Op<unknown>): Operation<string> {
  const error = (yield* thrownBy(op)) as { name: string; code: string; message: string }
  return `${error.name} ${error.code} ${error.message}`
}

const CALLS: Readonly<Record<string, () => Operation<unknown>>> = {
  open: () => open('/dev/null'),
  listen: () => listen({ port: 0 }),
  connect: () => connect({ host: '127.0.0.1', port: 9 }),
  udp: () => udp(),
  socketPair: () => socketPair(),
  exec: () => exec('true'),
  thread: () => thread(MODULE, 'five'),
  fork: () => nursery(() => fork(MODULE, 'five')),
}

await run(function* () {
  const listener = yield* listen({ port: 0 })
  for (const [name, call] of Object.entries(CALLS)) {
    console.log(`${name}: ${yield* without(0, () => messageOf(call))}`)
  }
  const accepting = without(1, function* () {
    // The listener itself would wait and try again.
    const client = yield* connect(listener.address as { host: string; port: number })
    const message = yield* messageOf(accept(listener.fd))
    yield* client.close()
    return message
  })
  console.log(`accept: ${yield* accepting}`)
  // And afterwards all is as it was.
  for (const call of Object.values(CALLS).slice(4)) yield* nursery(call)
  console.log('well again')
})
