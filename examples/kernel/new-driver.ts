/**
 * A driver in ninety lines: poll(2). docs/recipes/add-a-driver.md makes it, step by step.
 *
 * Start it: `npm run example -- new-driver`. It brings what differs, how to hear that a descriptor
 * is ready, and has the rest from the rooms of native/. poll(2) looks at every descriptor at each
 * call, so it is for a few of them. Try a thousand connections, and compare.
 */
import { connect, Kernel, listen, type Operation, type Stream, serve, spawn } from 'drupe'
import type { News, Watch } from '../../native/host/guest.js'
import { ReadinessDriver } from '../../native/host/readiness-driver.js'
import { CAN } from '../../native/linux/constants.js'
import { type Libc, openLibc } from '../../native/linux/libc.js'
import { TimerFd } from '../../native/linux/timerfd.js'
import type { Alarm } from '../../native/posix/alarm.js'
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT } from '../../native/posix/constants.js'
import { WakePipe } from '../../native/posix/wake-pipe.js'

/** The loop of the host asks this often; poll(2) has no descriptor that it could watch. */
const ASK_EVERY_MS = 1
const ENDS = POLLERR | POLLHUP | POLLNVAL

/** Readiness by poll(2). */
export class PollDriver extends ReadinessDriver<Libc> {
  readonly name = 'poll'
  readonly can = CAN
  protected readonly alarm = new TimerFd(this.libc)
  private readonly wake = new WakePipe(this.libc)
  readonly wakeToken = this.wake.token
  private forOpenings: TimerFd | null = null
  /** Descriptors to look at, each with the generation of its number. */
  private readonly watched = new Map<number, number>()
  private readonly count = new Uint8Array(8)

  constructor() {
    super(openLibc())
  }

  watch(fd: number, generation: number): number {
    this.watched.set(fd, generation)
    return 0
  }

  unwatch(fd: number): void {
    this.watched.delete(fd)
  }

  override closeFd(fd: number): number {
    this.watched.delete(fd)
    return super.closeFd(fd)
  }

  protected hear(news: News): Watch {
    const timer = setInterval(() => news.outside(), ASK_EVERY_MS)
    timer.unref()
    return {
      resume() {},
      ref: () => void timer.ref(),
      unref: () => void timer.unref(),
      close: () => clearInterval(timer),
    }
  }

  protected openingsAlarm(): Alarm {
    this.forOpenings = new TimerFd(this.libc)
    return this.forOpenings
  }

  protected override release(): void {
    super.release()
    this.wake.close()
  }

  protected takeIn(wait: boolean): void {
    const { alarm, wake, forOpenings, libc } = this
    const own = [alarm.fd, wake.fd, forOpenings?.fd ?? -1]
    const watched = [...this.watched].filter(([fd]) => this.interestIn(fd) !== 0)
    // struct pollfd: the fd, then what is asked for and what was found, 16 bits each.
    const list = new Int32Array(2 * (own.length + watched.length))
    for (const [i, fd] of own.entries()) list.set([fd, POLLIN], 2 * i)
    for (const [i, [fd]] of watched.entries()) list.set([fd, this.interestIn(fd)], 2 * (own.length + i))
    if (libc.poll(libc.addressOf(list), list.length / 2, wait ? -1 : 0) <= 0) return
    const found = (i: number): number => (list[2 * i + 1] as number) >>> 16
    if (found(0) !== 0) {
      // It stays readable until it is read: this is no edge.
      libc.read(alarm.fd, libc.addressOf(this.count), this.count.length)
      alarm.wentOff()
    }
    if (found(1) !== 0) {
      this.woken = true
      wake.empty()
    }
    if (found(2) !== 0 && forOpenings !== null) {
      libc.read(forOpenings.fd, libc.addressOf(this.count), this.count.length)
      this.lookAtOpenings()
    }
    for (const [i, [fd, generation]] of watched.entries()) {
      const bits = found(own.length + i)
      if (bits === 0) continue
      const ends = (bits & ENDS) !== 0
      this.readiness.event(fd, generation, ends || (bits & POLLIN) !== 0, ends || (bits & POLLOUT) !== 0, ends)
    }
  }

  /**
   * A level is asked for only while an op waits for it, or poll(2) would return at once for ever.
   */
  private interestIn(fd: number): number {
    const state = this.readiness.fds.at(fd)
    return (state?.reader ? POLLIN : 0) | (state?.writer ? POLLOUT : 0)
  }
}

function* echo(stream: Stream): Operation<void> {
  for (let bytes = yield* stream.borrow(); bytes !== null; bytes = yield* stream.borrow()) yield* stream.write(bytes)
}

/** An echo over it, as a guest and in a blocking run. */
function* greet(): Operation<string> {
  const listener = yield* listen({ host: '127.0.0.1', port: 0 })
  const server = yield* spawn(serve(listener, echo))
  const stream = yield* connect({ host: '127.0.0.1', port: listener.port })
  yield* stream.write(new TextEncoder().encode('hello'))
  const answer = new TextDecoder().decode(yield* stream.readExactly(5))
  yield* stream.close()
  yield* server.cancel()
  return answer
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const kernel = new Kernel({ driver: new PollDriver() })
  console.log(`${kernel.driver}, as a guest: ${await kernel.run(greet)}`)
  console.log(`${kernel.driver}, in a blocking run: ${kernel.runSync(greet)}`)
  await kernel.close()
}
