/**
 * How many read buffers are on their way to tasks: each is memory that peers can make the process
 * use, whatever they send. The clock runs so fast here that every turn is over after one step, as
 * on a machine that is much too slow.
 */
import test from 'ava'
import { Kernel, spawn } from 'drupe'
import { accept, bind, close, connect, listen, localAddress, socket, write } from 'drupe/lowlevel'
import { waitAllBlocked } from 'drupe/testing'
import { type Driver, IoOp, READ } from '../../../kernel/driver/contract.js'
import type { Operation } from '../../../kernel/protocol/trap.js'
import { EpollDriver } from '../../../native/linux/epoll.js'
import { UringDriver } from '../../../native/linux/uring/driver.js'

const CONNECTIONS = 300
const MOST_LOANS = 64

/** Counts for a driver what it lent and has not reached its task. */
function counted(driver: Driver) {
  const onTheirWay = new Set<IoOp>()
  const seen = { most: 0, slow: false, skippedMs: 0 }
  const { start, now } = driver
  driver.start = (complete, completeRequest) => {
    const note = (op: IoOp): void => {
      if (op.lender !== null) onTheirWay.add(op)
      seen.most = Math.max(seen.most, onTheirWay.size)
      complete(op)
    }
    start.call(driver, note, completeRequest)
  }
  driver.now = () => {
    if (seen.slow) seen.skippedMs += 10
    return now.call(driver) + seen.skippedMs
  }
  return { onTheirWay, seen }
}

function* connected(): Operation<[client: number, server: number]> {
  const listener = yield* socket('tcp4')
  yield* bind(listener, { host: '127.0.0.1', port: 0 })
  yield* listen(listener)
  const client = yield* socket('tcp4')
  yield* connect(client, yield* localAddress(listener))
  const server = yield* accept(listener)
  yield* close(listener)
  return [client, server]
}

/** Everybody waits with a read; then everybody's data comes at once. */
function* crowd({ onTheirWay, seen }: ReturnType<typeof counted>): Operation<number> {
  let served = 0
  const pairs: [number, number][] = []
  for (let i = 0; i < CONNECTIONS; i++) pairs.push(yield* connected())
  for (const [, server] of pairs) {
    yield* spawn(function* () {
      const op = new IoOp<number>(READ, server, null, 0, 1000, Number.POSITIVE_INFINITY)
      op.lend = true
      const count = yield* op
      onTheirWay.delete(op)
      op.lender?.release(op)
      if (count === 3) served++
    })
  }
  yield* waitAllBlocked()
  seen.slow = true
  for (const [client] of pairs) yield* write(client, new Uint8Array(3))
  yield* waitAllBlocked()
  while (served < CONNECTIONS) yield* waitAllBlocked()
  for (const fds of pairs) for (const fd of fds) yield* close(fd)
  return served
}

for (const Driver of process.platform === 'linux' ? [EpollDriver, UringDriver] : []) {
  test(`${Driver.name}, blocking: a crowd of slow readers has no more than ${MOST_LOANS} buffers on their way`, (t) => {
    const driver = new Driver()
    const counting = counted(driver)
    const kernel = new Kernel({ driver })
    t.is(kernel.runSync(crowd(counting)), CONNECTIONS)
    t.true(counting.seen.most > 0 && counting.seen.most <= MOST_LOANS, `${counting.seen.most} buffers`)
    kernel.closeSync()
  })

  test(`${Driver.name}, guest: a crowd of slow readers has no more than ${MOST_LOANS} buffers on their way`, async (t) => {
    const driver = new Driver()
    const counting = counted(driver)
    const kernel = new Kernel({ driver })
    t.is(await kernel.run(crowd(counting)), CONNECTIONS)
    t.true(counting.seen.most > 0 && counting.seen.most <= MOST_LOANS, `${counting.seen.most} buffers`)
    await kernel.close()
  })
}
