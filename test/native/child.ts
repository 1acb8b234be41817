/**
 * Scenarios that need a process of their own: they end it, starve it, or count what it has open. Each prints one line.
 *
 * Run as `node child.js <scenario>`, with DRUPE_DRIVER; guest.test.ts does.
 */

import { createHook, executionAsyncId } from 'node:async_hooks'
import { closeSync, openSync, readdirSync } from 'node:fs'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { type Driver, READ } from '../../kernel/driver/contract.js'
import { openLibc } from '../../native/linux/libc.js'
import { chooseDriver } from '../../native/select.js'
import { acceptOp, connectOp, lentReadOp, ok, Rig, readOp, textOf } from '../driver/rig.js'
import { PATIENCE_MS } from '../patience.js'

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
const after = (ms: number, body: () => void): void => {
  setTimeout(body, ms)
}
const makeDriver = (): Driver => chooseDriver() as Driver
const openFds = (): number => readdirSync('/proc/self/fd').length

/** An attached driver with a pair of sockets on which a read waits. */
function guest(turn: (rig: Rig) => void) {
  const rig = new Rig(makeDriver())
  const [a, b] = rig.pair()
  const attachment = rig.driver.attach(() => turn(rig))
  rig.submit(readOp(b))
  return { rig, a, b, attachment }
}

const SYS_IO_URING_SETUP = 425

/** A seccomp filter as containers have it: this one system call fails with EPERM, for the rest of this thread's life. */
function forbid(call: number): void {
  const { koffi, addressOf } = openLibc()
  const PR_SET_SECCOMP = 22
  const PR_SET_NO_NEW_PRIVS = 38
  const instruction = (code: number, yes: number, no: number, k: number): number[] => [
    (code | (yes << 16) | (no << 24)) >>> 0,
    k >>> 0,
  ]
  const program = Uint32Array.from([
    ...instruction(0x20, 0, 0, 0),
    ...instruction(0x15, 0, 1, call),
    ...instruction(0x06, 0, 0, 0x00050001),
    ...instruction(0x06, 0, 0, 0x7fff0000),
  ])
  const header = new BigUint64Array([4n, BigInt(addressOf(program))])
  const prctl = koffi.load(null).func('prctl', 'int', ['int', 'ulong', 'uintptr_t', 'ulong', 'ulong'])
  ok(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
  ok(prctl(PR_SET_SECCOMP, 2, addressOf(header), 0, 0))
}

/** After so many passes of the host's loop. */
function passes(count: number, then: () => void): void {
  if (count === 0) then()
  else setImmediate(passes, count - 1, then)
}

const scenarios: Record<string, () => void> = {
  'data, alarm and wake call the turn': () => {
    const seen: string[] = []
    let turns = 0
    let at = Number.POSITIVE_INFINITY
    let woken = false
    const { rig, a, attachment } = guest(() => {
      turns++
      rig.driver.poll(false)
      if (seen.length === 0 && rig.completed.at(-1)?.result === 1) {
        seen.push('data')
        at = rig.driver.now() + 5
        rig.driver.arm(at)
      } else if (seen.length === 1 && rig.driver.now() >= at) {
        seen.push('alarm')
        after(5, () => {
          woken = true
          rig.notify()
          rig.notify()
        })
      } else if (seen.length === 2 && woken) {
        seen.push('wake')
        after(20, () => {
          say(`${seen.join(' ')} ${turns < 10 ? 'calm' : 'spinning'}`)
          rig.driver.close()
        })
      }
    })
    attachment.ref()
    rig.write(a, 'x')
  },

  'another thread wakes a guest': () => {
    const { rig, attachment } = guest(() => {
      rig.driver.poll(false)
      say('woken')
      rig.driver.close()
    })
    attachment.ref()
    const workerData = { token: rig.driver.wakeToken, ms: 1, woken: new Int32Array(new SharedArrayBuffer(4)) }
    new Worker(new URL('../driver/waker.js', import.meta.url), { workerData })
  },

  'a guest that is not held lets the process end': () => {
    guest(() => {})
    say('ends')
  },

  'a guest that is held keeps the process until it is let go': () => {
    const { rig, attachment } = guest(() => {
      rig.driver.poll(false)
      say('alarm')
      attachment.unref()
    })
    attachment.ref()
    rig.driver.arm(rig.driver.now() + 30)
  },

  'the host has its pass between two turns': () => {
    const seen: string[] = []
    const { rig, a, attachment } = guest(() => {
      rig.driver.poll(false)
      seen.push('turn')
      if (seen.length > 1) {
        say(seen.join(' '))
        rig.driver.close()
        return
      }
      attachment.schedule()
      setImmediate(() => seen.push('host'))
    })
    attachment.ref()
    rig.write(a, 'x')
  },

  'an exception in a turn is uncaught, not swallowed': () => {
    const { rig, a, attachment } = guest(() => {
      rig.driver.poll(false)
      throw new Error('from the turn')
    })
    process.on('uncaughtException', (error) => {
      say(error.message)
      rig.driver.close()
    })
    attachment.ref()
    rig.write(a, 'x')
  },

  'promises and next ticks of a turn run when nothing else happens': () => {
    const seen: string[] = []
    const { rig, attachment } = guest(() => {
      rig.driver.poll(false)
      if (seen.length > 0) return
      process.nextTick(() => seen.push('tick'))
      void Promise.resolve().then(() => {
        say(`${seen} promise`)
        rig.driver.close()
      })
    })
    attachment.ref()
    rig.driver.arm(rig.driver.now() + 10)
  },

  'an exception in a next tick of a turn is uncaught, and others run': () => {
    const seen: string[] = []
    // Node's async hooks notice a stack that was not unwound, and abort.
    createHook({ init() {}, before() {}, after() {} }).enable()
    const { rig, attachment } = guest(() => {
      rig.driver.poll(false)
      if (seen.length > 0) return
      setImmediate(() => seen.push('immediate'))
      process.nextTick(() => {
        throw new Error('one')
      })
      process.nextTick(() => {
        throw new Error('two')
      })
      process.nextTick(() => {
        seen.push('tick')
        passes(10, () => {
          say(`${seen.sort().join(' ')}, ${executionAsyncId() > 1}`)
          rig.driver.close()
        })
      })
      throw new Error('turn')
    })
    process.on('uncaughtException', ({ message }) => {
      seen.push(message)
    })
    attachment.ref()
    rig.driver.arm(rig.driver.now() + 10)
  },

  'nothing is called after close': () => {
    let turns = 0
    const { rig, a, attachment } = guest(() => turns++)
    attachment.ref()
    rig.write(a, 'x')
    attachment.schedule()
    attachment.close()
    attachment.close()
    attachment.schedule()
    attachment.ref()
    after(30, () => say(`turns ${turns}`))
  },

  'a guest survives the garbage collector': () => {
    const { rig, a } = guest(() => {
      rig.driver.poll(false)
      say('still there')
      process.exit()
    })
    const churn = setInterval(() => globalThis.gc?.(), 1)
    after(40, () => {
      clearInterval(churn)
      rig.write(a, 'x')
    })
    // Keeps the process, as the guest does not.
    after(PATIENCE_MS, () => say('gone'))
  },

  'memory of an operation under way survives the garbage collector': () => {
    const rig = new Rig(makeDriver())
    const pairs = Array.from({ length: 8 }, () => rig.pair())
    let right = 0
    rig.onComplete = (op) => {
      if (op.kind === READ && textOf(op) === 'still mine') right++
    }
    // Nothing but the driver knows these operations and their buffers.
    const begin = (): void => {
      for (const [, b] of pairs) rig.driver.submit(readOp(b, 100_000))
    }
    begin()
    rig.settle(2)
    for (let i = 0; i < 20; i++) {
      globalThis.gc?.()
      void Array.from({ length: 50 }, () => new Uint8Array(100_000).fill(i))
    }
    rig.forget = true
    for (const [a] of pairs) rig.write(a, 'still mine')
    rig.pass(20)
    say(`${right} of ${pairs.length}`)
    rig.driver.close()
  },

  'a system that forbids io_uring gets epoll, with a note': () => {
    forbid(SYS_IO_URING_SETUP)
    const driver = makeDriver()
    say(`${driver.name}: ${driver.note}`)
    driver.close()
  },

  'workers may end without closing': () => {
    if (!isMainThread) {
      // Idle when it ends: koffi cannot survive a worker that is terminated at the very moment its fd becomes ready.
      guest((rig) => rig.driver.poll(false)).attachment.ref()
      if (workerData === 'throw') throw new Error('on purpose')
      if (workerData === 'exit') process.exit(7)
      passes(10, () => parentPort?.postMessage('idle'))
      return
    }
    const codes: string[] = []
    const next = (how: string, then: () => void): void => {
      const worker = new Worker(new URL(import.meta.url), { workerData: how, argv: process.argv.slice(2) })
      worker.on('error', () => {})
      worker.on('exit', (code) => {
        codes.push(`${how} ${code}`)
        then()
      })
      if (how === 'terminate') worker.on('message', () => void worker.terminate())
    }
    next('exit', () => next('throw', () => next('terminate', () => say(codes.join(', ')))))
  },

  'accept without fds left fails with EMFILE and works again later': () => {
    const rig = new Rig(makeDriver())
    const [listener, address] = rig.listen()
    const clients: number[] = []
    for (let i = 0; i < 3; i++) {
      clients.push(rig.socket('tcp4'))
      ok(rig.run(connectOp(clients[i] as number, address)))
    }
    const fillers: number[] = []
    for (let fd = rig.driver.socket('unix'); fd >= 0; fd = rig.driver.socket('unix')) fillers.push(fd)
    const names = [acceptOp(listener), acceptOp(listener)].map((op) => rig.driver.describeError(rig.run(op))[0])
    rig.close(...fillers.splice(0, 2))
    const accepted = ok(rig.run(acceptOp(listener)))
    say(`${names.join(' ')} ${accepted > 0}`)
    rig.driver.close()
    process.exit()
  },

  'a closed driver has left no fd behind': () => {
    const cycle = (): void => {
      const { rig, a, b } = guest(() => {})
      rig.write(a, 'x')
      rig.settle()
      rig.close(a, b)
      rig.driver.close()
    }
    cycle()
    const before = openFds()
    for (let i = 0; i < 50; i++) cycle()
    say(`leaked ${openFds() - before}`)
  },

  'a closed driver keeps neither its memory nor its kernel': () => {
    const cycle = (): WeakRef<Rig> => {
      const { rig, a, b } = guest(() => {})
      const pairs = Array.from({ length: 5 }, () => rig.pair())
      const reads = pairs.map(([, to]) => lentReadOp(to))
      for (const op of reads) rig.submit(op)
      for (const [from] of pairs) rig.write(from, 'x'.repeat(50_000))
      for (const op of reads) ok(rig.finish(op))
      rig.close(a, b, ...pairs.flat())
      rig.driver.close()
      return new WeakRef(rig)
    }
    const rigs = Array.from({ length: 5 }, cycle)
    passes(10, () => {
      globalThis.gc?.()
      passes(10, () => {
        globalThis.gc?.()
        const megabytes = Math.round(process.memoryUsage().arrayBuffers / 1e6)
        say(`${rigs.filter((rig) => rig.deref() !== undefined).length} kernels, ${megabytes} MB`)
      })
    })
  },

  'fds that a failing constructor had opened are closed again': () => {
    const drivers: Driver[] = []
    let message = ''
    try {
      for (;;) drivers.push(makeDriver())
    } catch (error) {
      message = (error as Error).message
    }
    const before = drivers.length
    for (const driver of drivers.splice(0)) driver.close()
    try {
      for (;;) drivers.push(makeDriver())
    } catch {
      say(`${message}; ${drivers.length - before}`)
      process.exit()
    }
  },

  'with few descriptors left the driver is one that fits, or none, and nothing leaks': () => {
    makeDriver().close()
    const taken: number[] = []
    const fill = (): void => {
      try {
        for (;;) taken.push(openSync('/dev/null', 'r'))
      } catch {
        // Until there are no more.
      }
    }
    fill()
    const found: string[] = []
    for (let free = 0; free <= 6; free++) {
      for (const fd of taken.splice(0, free)) closeSync(fd)
      let driver: Driver | null = null
      try {
        driver = makeDriver()
        driver.attach(() => {}).close()
        found.push(driver.name)
      } catch (error) {
        found.push(/EMFILE/.test((error as Error).message) ? 'EMFILE' : String(error))
      }
      driver?.close()
      const before = taken.length
      fill()
      if (taken.length - before !== free) found.push(`leaked ${free - taken.length + before}`)
    }
    say(found.join(' '))
    process.exit()
  },
}

scenarios[process.argv[2] ?? '']?.()
