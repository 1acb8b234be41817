/**
 * A ring that the system does not let in: for a moment, which costs nothing, or for good, which
 * fails what waits and nothing else.
 *
 * The C library's table is the same for the whole thread, so its `uringEnter` is replaced while a
 * test runs; tests run one by one.
 */

import test from 'ava'
import { checkpoint, Kernel, moveOn, realpath, SystemError, sleep, spawn } from 'drupe'
import { openFile, stat } from 'drupe/lowlevel'
import { OPEN_READ, Request } from '../../../kernel/driver/contract.js'
import { openLibc } from '../../../native/linux/libc.js'
import { UringDriver } from '../../../native/linux/uring/driver.js'
import { acceptOp, ok, Rig, readOp, writeOp } from '../../driver/rig.js'
import { thrownBy } from '../../kit.js'
import { withPair } from '../../modes/net-kit.js'
import { PATIENCE_MS } from '../../patience.js'

const EPERM = -1
const EIO = -5
const PASSING = { ENOMEM: -12, EAGAIN: -11, EBUSY: -16, EINTR: -4 }

/**
 * Has calls of io_uring_enter fail while the body runs: `refuse` gives the result, or 0 to let it
 * in.
 */
function refusing<T>(refuse: (call: number) => number, body: () => T): T {
  const libc = openLibc()
  const { uringEnter } = libc
  let calls = 0
  libc.uringEnter = (...operands) => refuse(calls++) || uringEnter(...operands)
  const restore = (): void => {
    libc.uringEnter = uringEnter
  }
  let result: T
  try {
    result = body()
  } catch (error) {
    restore()
    throw error
  }
  if (result instanceof Promise) return result.finally(restore) as T
  restore()
  return result
}

/** The warnings of this process while the body runs. */
async function warnings(body: () => Promise<void>): Promise<string[]> {
  const { emitWarning } = process
  const found: string[] = []
  process.emitWarning = ((warning: string) => found.push(String(warning))) as typeof emitWarning
  try {
    await body()
  } finally {
    process.emitWarning = emitWarning
  }
  return found
}

function echoSome(rig: Rig): number {
  let right = 0
  const [a, b] = rig.pair()
  for (let i = 0; i < 100; i++) {
    rig.write(a, `message ${i}`)
    if (rig.read(b) === `message ${i}`) right++
  }
  const left = readOp(a)
  rig.submit(left)
  rig.close(a, b)
  return right
}

if (process.platform === 'linux') {
  for (const [name, result] of Object.entries(PASSING))
    test.serial(
      `a refusal that passes (${name}) loses nothing, while working, closing a descriptor or the driver`,
      (t) => {
        for (const every of [2, 3, 7])
          refusing(
            (call) => (call % every === 0 ? result : 0),
            () => {
              const rig = new Rig(new UringDriver())
              t.is(echoSome(rig), 100)
              const [listener] = rig.listen()
              rig.submit(acceptOp(listener))
              rig.driver.close()
            },
          )
      },
    )

  test.serial('a ring that lets nobody in any more fails what waits and what comes, and closes', async (t) => {
    const warned = await warnings(async () => {
      for (const result of [EPERM, PASSING.ENOMEM]) {
        const rig = new Rig(new UringDriver())
        const [a, b] = rig.pair()
        const [listener] = rig.listen()
        const waiting = [readOp(a), acceptOp(listener), new Request('stat', { fd: a }, Number.POSITIVE_INFINITY)]
        for (const op of waiting) rig.submit(op)
        refusing(
          () => result,
          () => {
            for (const op of waiting) t.is(rig.finish(op), EIO)
            const late = [
              readOp(b),
              writeOp(a, new Uint8Array(1)),
              new Request('open', { path: '/', flags: OPEN_READ, mode: 0 }, 1000),
            ]
            for (const op of late) t.is(rig.run(op), EIO)
            const before = rig.driver.now()
            rig.pass(20)
            t.true(rig.driver.now() - before < PATIENCE_MS)
            rig.notify()
            rig.driver.poll(true)
            rig.close(a, b, listener)
            t.is(ok(rig.driver.closeFd(rig.socket('tcp4'))), 0)
            rig.driver.close()
          },
        )
      }
    })
    t.is(warned.length, 2)
    t.regex(warned[0] as string, /^io_uring cannot be entered any more \(EPERM/)
  })

  test.serial('more requests than fit into a ring that lets nobody in fail like all others', async (t) => {
    await warnings(async () => {
      const rig = new Rig(new UringDriver({ sqes: 2, cqes: 4 }))
      const ops = Array.from({ length: 20 }, () => new Request('stat', { fd: 0 }, Number.POSITIVE_INFINITY))
      refusing(
        () => EPERM,
        () => {
          for (const op of ops) t.is(rig.run(op), EIO)
          rig.driver.close()
        },
      )
    })
  })

  test.serial(
    'a descriptor or a driver that is being closed when its ring lets nobody in any more is closed',
    async (t) => {
      await warnings(async () => {
        const rig = new Rig(new UringDriver())
        const [a, b] = rig.pair()
        const reading = readOp(a)
        rig.submit(reading)
        rig.submit(readOp(b))
        rig.settle()
        refusing(
          () => EPERM,
          () => {
            rig.close(a)
            t.is(reading.result, EIO)
            rig.driver.close()
            t.false(rig.isPending(reading))
          },
        )
      })
    },
  )

  for (const mode of ['guest', 'blocking'])
    test.serial(`${mode}: tasks hear of a ring that lets nobody in any more, and time goes on`, async (t) => {
      const warned = await warnings(async () => {
        const kernel = new Kernel({ driver: new UringDriver() })
        let broken = false
        const paths: string[] = []
        const op = function* () {
          return yield* withPair(function* (a) {
            const reading = yield* spawn(thrownBy(a.read()))
            yield* sleep(1)
            const before = yield* spawn(() => realpath('/'))
            yield* checkpoint()
            broken = true
            // A ring at rest is entered when there is something to ask.
            const asking = yield* thrownBy(stat('/'))
            // What the ring has no part in is done as before.
            paths.push(yield* before.join(), yield* realpath('/'))
            const errors = [asking, yield* reading.join(), yield* thrownBy(openFile('/dev/null'))]
            yield* moveOn(5, sleep(1000))
            yield* sleep(1)
            return errors.map((error) => error instanceof SystemError && error.code)
          })
        }
        const refuse = (): number => (broken ? EPERM : 0)
        const codes = await refusing(refuse, async () => {
          const result = mode === 'guest' ? await kernel.run(op) : kernel.runSync(op)
          await kernel.close()
          return result
        })
        t.deepEqual(codes, ['EIO', 'EIO', 'EIO'])
        t.deepEqual(paths, ['/', '/'])
      })
      t.is(warned.length, 1)
    })
}
