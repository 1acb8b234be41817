/**
 * Conformance, part two: what is not about bytes. Cancelling, closing, refusing, the alarm and waking up.
 */

import { Worker } from 'node:worker_threads'
import { type Address, BUSY, CANCELED, CLOSED, type IoOp } from '../../../kernel/driver/contract.js'
import { covers } from '../../covers.js'
import { PATIENCE_MS } from '../../patience.js'
import { acceptOp, connectOp, gatherOp, lentReadOp, levelOp, ok, readOp, textOf, writeOp } from '../rig.js'
import { needing, type Suite } from './all.js'

export function control(suite: Suite): void {
  suite.check('a cancelled read never completes, and the next read gets the data', (t, rig) => {
    const [a, b] = rig.pair()
    for (let i = 0; i < 10; i++) {
      const op = readOp(b)
      rig.submit(op)
      if (!rig.cancel(op)) t.is(rig.finish(op), CANCELED)
      rig.write(a, `kept ${i}`)
      rig.settle()
      t.is(rig.read(b), `kept ${i}`)
    }
    rig.close(a, b)
  })

  suite.check('a cancel that meets data loses nothing: withdrawn, or completed with the data', (t, rig) => {
    const [a, b] = rig.pair()
    for (let i = 0; i < 10; i++) {
      const op = readOp(b)
      rig.submit(op)
      rig.write(a, 'data')
      const got = rig.cancel(op) || rig.finish(op) === CANCELED ? rig.read(b) : textOf(op)
      t.is(got, 'data')
    }
    rig.close(a, b)
  })

  suite.check('a completion that cancels another op of the same batch: never both, never neither', (t, rig) => {
    const pairs = Array.from({ length: 6 }, () => rig.pair())
    const ops = pairs.map(([, b]) => readOp(b))
    const withdrawn = new Set<IoOp<unknown>>()
    rig.onComplete = (done) => {
      for (const op of ops) if (op !== done && rig.isPending(op) && rig.cancel(op)) withdrawn.add(op)
    }
    for (const op of ops) rig.submit(op)
    for (const [a] of pairs) rig.write(a, 'all at once')
    rig.pass(5)
    rig.onComplete = () => {}
    for (const op of ops) {
      const gone = withdrawn.has(op) || rig.finish(op) === CANCELED
      t.is(gone ? rig.read(op.fd) : textOf(op), 'all at once')
    }
    rig.close(...pairs.flat())
  })

  suite.check('closing an fd completes its reader and its writer with CLOSED', (t, rig) => {
    const [a, b] = rig.pair()
    const reading = readOp(a)
    const writing = writeOp(a, new Uint8Array(32 << 20))
    writing.all = true
    t.false(rig.submit(reading))
    t.false(rig.submit(writing))
    rig.close(a)
    t.is(rig.finish(reading), CLOSED)
    t.is(rig.finish(writing), CLOSED)
    rig.close(b)
  })

  suite.check('while an fd is being closed, a completion cannot start anything on it or close it twice', (t, rig) => {
    const [a, b] = rig.pair()
    const reading = readOp(a)
    const again = readOp(a)
    t.false(rig.submit(reading))
    rig.onComplete = (op) => {
      if (op !== reading) return
      rig.onComplete = () => {}
      t.true(rig.run(again) < 0)
      rig.driver.closeFd(a)
    }
    rig.close(a)
    t.is(rig.finish(reading), CLOSED)
    rig.close(b)
  })

  suite.check('late news of a closed fd never reaches a new fd of the same number', (t, rig) => {
    const [listener, address] = rig.listen()
    for (let attempt = 0; attempt < 5; attempt++) {
      const [a1, b1] = rig.pair()
      const [a2, b2] = rig.pair()
      const [client, server] = [rig.socket('tcp4'), acceptOp(listener)]
      const ops = [readOp(b1), readOp(b2)]
      for (const op of ops) rig.submit(op)
      let late: IoOp<unknown> | null = null
      rig.onComplete = (done) => {
        rig.onComplete = () => {}
        const other = ops.find((op) => op !== done) as IoOp<unknown>
        // Both have data, so the news of the other one is already on its way.
        rig.close(other.fd)
        rig.submit(server)
        ok(rig.run(connectOp(client, address)))
        const fresh = ok(rig.finish(server))
        // Something else in the process may have taken the number.
        if (fresh !== other.fd) return
        late = readOp(fresh)
        rig.submit(late)
      }
      rig.write(a1, 'one')
      rig.write(a2, 'two')
      rig.pass(5)
      if (late !== null && rig.isPending(late)) {
        rig.settle()
        t.true(rig.isPending(late))
        rig.write(client, 'for the new one')
        rig.finish(late)
        t.is(textOf(late), 'for the new one')
        return
      }
    }
    t.log('skipped: the number was not used again')
  })

  suite.check('a second reader or writer is refused with BUSY, and the first is not disturbed', (t, rig) => {
    covers(t, 'curio kernel: io_registration')
    const [a, b] = rig.pair()
    const first = readOp(b)
    rig.submit(first)
    t.is(rig.run(readOp(b)), BUSY)
    t.is(rig.run(levelOp(b, 'readable')), BUSY)
    t.is(rig.run(writeOp(b, new Uint8Array(1))), 1)
    rig.write(a, 'x')
    t.is(rig.finish(first), 1)
    rig.close(a, b)
  })

  suite.check('numbers that are no fds are refused with EBADF by everything', (t, rig) => {
    const { driver } = rig
    for (const fd of [-1, Number.NaN, 1.5, 2 ** 31, 2 ** 32, 1e9, 999_999, Number.POSITIVE_INFINITY]) {
      const ops = [
        readOp(fd),
        writeOp(fd, new Uint8Array(1)),
        acceptOp(fd),
        levelOp(fd, 'readable'),
        levelOp(fd, 'writable'),
      ]
      const address: Address = { family: 'ipv4', host: '127.0.0.1', port: 1 }
      const results = [
        ...[...ops, connectOp(fd, address)].map((op) => rig.run(op)),
        driver.bind(fd, address),
        driver.listen(fd, 1),
        driver.setOption(fd, 'noDelay', 1),
        driver.localAddress(fd),
        driver.remoteAddress(fd),
        driver.shutdown(fd),
        driver.closeFd(fd),
      ]
      for (const result of results) t.is(suite.nameOf(rig, result as number), 'EBADF', `fd ${fd}`)
      t.false(driver.cancel(readOp(fd)))
    }
  })

  suite.check('the alarm ends a poll, never too early by the driver’s own clock', (t, rig) => {
    const { driver } = rig
    for (const ms of [0.3, 2.5, 10]) {
      const at = driver.now() + ms
      driver.arm(at)
      let polls = 0
      while (driver.now() < at) {
        driver.poll(true)
        polls++
      }
      t.true(polls <= 3, 'spins')
      t.true(driver.now() < at + 5000, 'late')
    }
  })

  suite.check('an earlier alarm replaces a later one, and a later one an earlier one', (t, rig) => {
    const { driver } = rig
    const start = driver.now()
    driver.arm(start + 60_000)
    driver.arm(start + 5)
    while (driver.now() < start + 5) driver.poll(true)
    driver.arm(driver.now() + 3)
    const later = driver.now() + 30
    driver.arm(later)
    // Never armed again: the second alarm must go off although the first was spent on the way.
    while (driver.now() < later) driver.poll(true)
    t.true(driver.now() < start + 60_000)
  })

  suite.check('an alarm in the past goes off at once, and an alarm at Infinity never', (t, rig) => {
    const { driver } = rig
    driver.arm(driver.now() - 1000)
    driver.poll(true)
    driver.arm(0)
    driver.poll(true)
    driver.arm(driver.now() + 2)
    driver.arm(Number.POSITIVE_INFINITY)
    const start = driver.now()
    const [a, b] = rig.pair()
    const op = readOp(b)
    rig.submit(op)
    while (driver.now() < start + 10) driver.poll(false)
    rig.write(a, 'x')
    while (rig.isPending(op)) driver.poll(true)
    t.is(op.result, 1)
    rig.close(a, b)
  })

  suite.check('poll(false) never waits', (t, rig) => {
    const start = rig.driver.now()
    rig.driver.arm(start + 60_000)
    rig.settle(1000)
    t.true(rig.driver.now() < start + 60_000)
  })

  suite.check('a notification makes the next poll(true) return, also when there are two', (t, rig) => {
    const { driver } = rig
    if (!rig.notify()) return
    driver.poll(true)
    rig.notify()
    rig.notify()
    driver.poll(false)
    driver.poll(true)
    const at = driver.now() + 5
    driver.arm(at)
    let polls = 0
    while (driver.now() < at) {
      driver.poll(true)
      polls++
    }
    t.true(polls < 5)
  })

  needing(suite, 'threads').check('another thread wakes a poll that waits', (t, rig) => {
    const token = rig.driver.wakeToken
    // The worker starts on its own thread, while this one already sleeps in poll.
    const woken = new Int32Array(new SharedArrayBuffer(4))
    new Worker(new URL('../waker.js', import.meta.url), { workerData: { token, ms: 20, woken } })
    // No alarm is set: if the wake is lost, this hangs.
    rig.driver.poll(true)
    t.not(Atomics.wait(woken, 0, 0, PATIENCE_MS), 'timed-out')
  })

  suite.check('a read whose data comes while the driver is being closed completes with CLOSED', (t, rig) => {
    const [a, b] = rig.pair()
    const op = lentReadOp(b)
    rig.submit(op)
    rig.settle(1)
    // Several pieces are sent at once by every driver, so this one has not looked at its sockets since.
    rig.submit(gatherOp(a, [Buffer.from('da'), Buffer.from('ta')]))
    const isPending = rig.isPending(op)
    rig.driver.close()
    t.is(op.result, isPending ? CLOSED : 4)
    t.is(rig.completed.filter((done) => done === op).length, 1)
    rig.close(a, b)
  })

  suite.check('closing the driver completes what waits with CLOSED, once, and can be done twice', (t, rig) => {
    const [a, b] = rig.pair()
    const [c, d] = rig.pair()
    const ops = [readOp(a), readOp(b), lentReadOp(c), levelOp(d, 'readable')]
    for (const op of ops) rig.submit(op)
    rig.settle(1)
    rig.driver.close()
    rig.driver.close()
    for (const op of ops) {
      t.false(rig.isPending(op))
      t.is(op.result, CLOSED)
    }
    t.is(rig.run(readOp(a)), CLOSED)
    t.is(rig.driver.socket('tcp4'), CLOSED)
    const before = rig.completed.length
    rig.driver.poll(true)
    t.is(rig.completed.length, before)
    rig.driver.arm(0)
    rig.close(a, b, c, d)
  })
}
