/**
 * Datagram sockets on the real loopback, and groups on the simulated network, where every member can be
 * counted.
 */
import test from 'ava'
import { type Operation, run, sleep, socketPair, spawn, type Task, type UdpSocket, udp, using } from 'drupe'
import type { IoOp } from 'drupe/lowlevel'
import { SimNetwork } from 'drupe/testing'
import { covers } from '../../covers.js'

const LOCAL = { host: '127.0.0.1' }
const GROUP = '239.1.2.3'

test('a connected socket needs no address, and says whom it has', async (t) => {
  await run(function* () {
    const b = yield* using(yield* udp(LOCAL))
    const a = yield* using(yield* udp({ ...LOCAL, remote: b.address as never }))
    t.deepEqual(a.remote, b.address)
    yield* a.send(new Uint8Array([1]))
    const { bytes, from, truncated } = yield* b.receive()
    t.deepEqual([[...bytes], from, truncated], [[1], a.address, false])
    yield* a.disconnect()
    t.is(a.remote, null)
    t.throws(() => a.send(new Uint8Array(1)), { instanceOf: TypeError })
    yield* b.send(new Uint8Array([2]), a.address)
    t.deepEqual([...(yield* a.receive()).bytes], [2])
  })
})

test('an earlier datagram that nobody took is told to a connected socket', async (t) => {
  await run(function* () {
    const gone = yield* udp(LOCAL)
    const a = yield* using(yield* udp({ ...LOCAL, remote: gone.address as never }))
    yield* gone.close()
    yield* a.send(new Uint8Array([1]))
    const code = yield* outcome(a.receive({ timeout: 2000 }))
    t.is(code, 'ECONNREFUSED')
  })
})

test('a datagram longer than maxBytes comes cut off; its room is used again', async (t) => {
  await run(function* () {
    const a = yield* using(yield* udp(LOCAL))
    const b = yield* using(yield* udp(LOCAL))
    const kept: number[][] = []
    for (let i = 0; i < 4; i++) {
      yield* a.send(new Uint8Array([i, i, i]), b.address)
      const { bytes, truncated } = yield* b.receive({ maxBytes: 2 + (i % 2) })
      t.is(truncated, i % 2 === 0)
      kept.push([...bytes])
    }
    t.deepEqual(kept, [
      [0, 0],
      [1, 1, 1],
      [2, 2],
      [3, 3, 3],
    ])
    t.throws(() => b.receive({ maxBytes: 0 }), { instanceOf: RangeError })
  })
})

test('broadcast is refused without its option', (t) => {
  covers(t, 'uvloop udp: udp_sendto_broadcast')
  const network = new SimNetwork({ latency: 1 })
  const target = { host: '255.255.255.255', port: 5 }
  const results = network.run({
    *a() {
      const plain = yield* using(yield* udp())
      const loud = yield* using(yield* udp({ broadcast: true }))
      yield* sleep(1)
      const refused = yield* outcome(plain.send(new Uint8Array([1]), target))
      yield* loud.send(new Uint8Array([2]), target)
      return refused
    },
    b: hears(5),
    c: hears(5),
  })
  t.deepEqual(results, { a: 'EACCES', b: [2], c: [2] })
})

test('a group reaches its members on every host, and nobody else', (t) => {
  const network = new SimNetwork({ latency: 1 })
  const { member, source, other } = network.run({
    *sender() {
      const socket = yield* using(yield* udp())
      yield* sleep(1)
      yield* socket.send(new Uint8Array([1]), { host: GROUP, port: 5 })
      yield* socket.setMulticastTtl(0)
      yield* socket.send(new Uint8Array([2]), { host: GROUP, port: 5 })
    },
    member: hears(5, { group: GROUP }),
    source: hears(5, { group: GROUP, source: '10.99.0.1' }),
    other: hears(5),
  })
  t.deepEqual([member, source, other], [[1], [], []])
})

test('members on the sender’s own host hear it, unless loopback is off', (t) => {
  const network = new SimNetwork()
  network.run({
    *host() {
      const one = yield* using(yield* udp({ port: 5, reuseAddress: true }))
      const two = yield* using(yield* udp({ port: 5, reuseAddress: true }))
      for (const socket of [one, two]) yield* socket.join(GROUP)
      yield* one.send(new Uint8Array([1]), { host: GROUP, port: 5 })
      for (const socket of [one, two]) t.deepEqual([...(yield* socket.receive()).bytes], [1])
      yield* one.setMulticastLoopback(false)
      yield* one.send(new Uint8Array([2]), { host: GROUP, port: 5 })
      t.is(yield* outcome(two.receive({ timeout: 50 })), 'DRUPE_TIMEOUT')
      yield* two.leave(GROUP)
      t.is(yield* outcome(two.leave(GROUP)), 'EADDRNOTAVAIL')
    },
  })
})

test('after a close nothing can be asked of it', async (t) => {
  covers(t, 'uvloop udp: send_after_close')
  await run(function* () {
    const socket = yield* udp(LOCAL)
    yield* socket.close()
    const closed = { code: 'DRUPE_CLOSED' }
    for (let i = 0; i < 2; i++) t.throws(() => socket.send('x', { ...LOCAL, port: 1 }), closed)
    t.throws(() => socket.receive(), closed)
    t.throws(() => socket.connect({ ...LOCAL, port: 1 }), closed)
    t.throws(() => socket.disconnect(), closed)
    t.throws(() => socket.join(GROUP), closed)
    t.throws(() => socket.setMulticastInterface(0), closed)
  })
})

for (const [where, runs] of [
  ['on loopback', (op: () => Operation<void>) => run(op)],
  ['simulated', async (op: () => Operation<void>) => void new SimNetwork().run({ host: op })],
] as const) {
  test(`${where}: a datagram that nobody has claimed is gone with its socket`, (t) =>
    runs(function* () {
      const a = yield* using(yield* udp(LOCAL))
      const sockets = [yield* using(yield* udp(LOCAL)), yield* using(yield* udp(LOCAL))] as const
      // Both answers come in one poll, and the task whose turn is first takes the other's turn away.
      const tasks: Task[] = []
      let lost: UdpSocket | null = null
      for (const [i, socket] of sockets.entries()) {
        const receiving = yield* spawn(function* () {
          yield* socket.receive()
          if (yield* (tasks[1 - i] as Task).cancel()) lost = sockets[1 - i] as UdpSocket
        })
        tasks.push(receiving)
      }
      yield* sleep(1)
      for (const { port } of sockets) yield* a.send('x', { ...LOCAL, port })
      for (const task of tasks) yield* task.wait()
      const b = lost as unknown as UdpSocket
      const late = b.receive()
      yield* b.close()
      t.is(yield* outcome(late), 'DRUPE_CLOSED')
      t.throws(() => b.receive(), { code: 'DRUPE_CLOSED' })
    }))

  test(`${where}: a receive that was given up leaves its room to the next one`, (t) =>
    runs(function* () {
      const [a, b] = [yield* using(yield* udp(LOCAL)), yield* using(yield* udp(LOCAL))]
      const rooms = new Set<unknown>()
      for (let i = 0; i < 3; i++) {
        const timed = b.receive({ timeout: 1 })
        rooms.add((timed as IoOp).buffer)
        t.is(yield* outcome(timed), 'DRUPE_TIMEOUT')
        const waiting = b.receive()
        rooms.add((waiting as IoOp).buffer)
        const task = yield* spawn(waiting)
        yield* sleep(1)
        yield* task.cancel()
      }
      t.is(rooms.size, 1)
      yield* a.send('whole', { ...LOCAL, port: b.port })
      t.is(new TextDecoder().decode((yield* b.receive()).bytes), 'whole')
    }))
}

test('what was made before a close does not run on the next owner of its descriptor', (t) =>
  run(function* () {
    const peer = yield* using(yield* udp(LOCAL))
    const socket = yield* udp(LOCAL)
    const ops = [socket.receive(), socket.send('late', { ...LOCAL, port: peer.port })]
    yield* socket.close()
    const next = yield* using(yield* udp(LOCAL))
    yield* peer.send('of another', { ...LOCAL, port: next.port })
    for (const op of ops) t.is(yield* outcome(op), 'EBADF')
    t.is((yield* next.receive()).bytes.length, 10)
    t.is(yield* outcome(peer.receive({ timeout: 0 })), 'DRUPE_TIMEOUT')

    const [one, other] = yield* socketPair()
    const stale = [one.read(), one.write('late')]
    yield* one.close()
    const [near, far] = yield* socketPair()
    yield* far.write('of another')
    for (const op of stale) t.is(yield* outcome(op), 'EBADF')
    t.is((yield* near.read())?.length, 10)
    for (const stream of [other, near, far]) yield* stream.close()
  }))

function* outcome(op: Operation<unknown>): Operation<unknown> {
  try {
    return yield* op
  } catch (error) {
    return (error as { code?: string }).code
  }
}

/** What comes to a port within 100 ms. */
function hears(port: number, membership?: { group: string; source?: string }) {
  return function* (): Operation<number[]> {
    const socket = yield* using(yield* udp({ port }))
    if (membership !== undefined) yield* socket.join(membership.group, membership)
    const heard: number[] = []
    for (;;) {
      const found = yield* outcome(socket.receive({ timeout: 100 }))
      if (found === 'DRUPE_TIMEOUT') return heard
      heard.push((found as { bytes: Uint8Array }).bytes[0] as number)
    }
  }
}
