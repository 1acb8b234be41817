/**
 * A kernel elsewhere, in another thread or process, as the tasks here see it.
 *
 * A call there is a wait here. A cancel travels as a request: the other side delivers it to its own
 * task, which cleans up, and the wait here is over when the answer has come. The end of the grace
 * travels as well: the kernel here knows which scopes are around the call, so it alone counts. What
 * takes longer is asked whether it hears. If it does, its cleanup is shielded and is waited for, as
 * it would be here. If it does not, it is stuck in code that never waits, and there is nothing left
 * but to end it from outside.
 */
import { BrokenError, ClosedError, TimeoutError } from '../../kernel/protocol/errors.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { clock, sleepUntil } from '../raw/time.js'
import { isLeaving } from '../scope/place.js'
import { moveOn, shield } from '../scope/scope.js'
import { type Begin, Universal } from '../sync/universal.js'
import { revive } from './carried.js'
import { CIRCUMSTANCES } from './circumstances.js'
import type { Answer, Line, Request } from './remote-messages.js'
import { type Transferable, unwrap } from './transfer.js'

/**
 * How much longer than the grace a call may take to answer, and how long one may take to say that
 * it hears. A machine may be busy.
 */
const PATIENCE_MS = 250

const LATE = Symbol('late')

/** The thread was terminated before the call began: it can be made elsewhere. */
export const MOVED: unique symbol = Symbol('moved')

/** What a call is. */
export interface Work {
  readonly module: string
  readonly name: string
  readonly args: readonly unknown[]
}

type Outcome = Exclude<Answer, { pong: number } | { up: true }> | { readonly lost: (action: string) => Error }

/** One call that is under way. */
class Pending {
  sent = false
  outcome: Outcome | null = null
  tell: ((outcome: Outcome) => void) | null = null

  constructor(readonly id: number) {}
}

/** A kernel elsewhere. */
export class RemoteKernel {
  private readonly calls = new Map<number, Pending>()
  private readonly pings = new Map<number, () => void>()
  private readonly changed = new Set<() => void>()
  private lastId = 0
  private up = false
  private ending = false
  private terminated = false
  private end: ((action: string) => Error) | null = null
  /** Calls that somebody has in mind for it, those under way among them. */
  reserved = 0

  constructor(private readonly line: Line) {
    line.hold(false)
  }

  /** What it is called in messages. */
  get name(): string {
    return this.line.name
  }

  /** Whether it takes calls. */
  get alive(): boolean {
    return this.end === null && !this.ending && !this.terminated
  }

  /**
   * Makes a call and waits for its result. What the function returns counts, even if it has been
   * cancelled meanwhile: what was done is not lost.
   *
   * @throws what the function throws there.
   * @throws TypeError if an argument, or the result, cannot be copied.
   * @throws BrokenError if what is there ends meanwhile; ClosedError if it is told to.
   */
  *perform({ module, name, args }: Work): Operation<unknown> {
    const action = `run ${name}`
    const { deadline, grace, context } = yield* CIRCUMSTANCES
    const left = deadline === Number.POSITIVE_INFINITY ? deadline : Math.max(0, deadline - (yield* clock()))
    const call = new Pending(++this.lastId)
    const transfer: Transferable[] = []
    const sent = { id: call.id, module, name, left, grace, context, args: args.map((one) => unwrap(one, transfer)) }
    let outcome: Outcome
    try {
      outcome = yield* this.outcomeOf(call, () => this.send(call, action, sent, transfer))
    } catch (error) {
      if (!call.sent || !(yield* isLeaving(error))) throw error
      outcome = yield* this.seeOut(call)
      if ('cancelled' in outcome || ('lost' in outcome && this.terminated)) throw error
    }
    if ('value' in outcome) return outcome.value
    if ('error' in outcome) throw revive(outcome.error)
    if ('unread' in outcome) throw new TypeError(`Cannot ${action}: ${outcome.unread}`)
    if ('lost' in outcome) {
      // What was handed over is gone, and cannot be sent again.
      if (this.terminated && transfer.length === 0 && !(this.up && this.line.begun(call.id))) return MOVED
      throw outcome.lost(action)
    }
    if (this.ending || deadline === Number.POSITIVE_INFINITY) throw new ClosedError(action, `${this.name} has ended`)
    // The deadline, which came there first. Here it comes now, unless it was moved meanwhile.
    yield* sleepUntil(deadline + 1)
    throw new TimeoutError(action, Number.NaN)
  }

  /** Ends it, its calls included, and waits until it has ended. */
  *leave(grace: number): Operation<void> {
    if (this.end !== null) return
    if (!this.ending) this.post({ end: true })
    this.ending = true
    this.line.hold(true)
    yield* this.outlast(
      this.until(() => this.end !== null),
      grace,
    )
  }

  /** Something came from there that cannot be read: the answer to this call. */
  receiveUnread(id: number, { message }: Error): void {
    this.receive({ id, unread: `its result cannot be copied: ${message}` })
  }

  /** From there. */
  receive(answer: Answer): void {
    if ('up' in answer) this.up = true
    else if ('pong' in answer) this.pings.get(answer.pong)?.()
    else this.settle(this.calls.get(answer.id), answer)
    this.tellChange()
  }

  /** It has ended; `why` makes the error of those whose calls were under way. */
  lost(why: (action: string) => Error): void {
    if (this.end !== null) return
    const text = `${this.name} was ended because it did not hear a cancel`
    const end = this.terminated ? (action: string) => new BrokenError(action, text) : why
    this.end = end
    for (const call of [...this.calls.values()]) this.settle(call, { lost: end })
    this.tellChange()
  }

  private send(call: Pending, action: string, sent: Request, transfer: readonly Transferable[]): void {
    if (this.end !== null) throw this.end(action)
    if (this.ending) throw new ClosedError(action, `${this.name} has ended`)
    try {
      this.line.post(sent, transfer)
    } catch (error) {
      const why = 'its arguments, or a context that travels with it, cannot be copied'
      throw new TypeError(`Cannot ${action}: ${why}: ${(error as Error).message}`, { cause: error })
    }
    call.sent = true
    if (this.calls.size === 0) this.line.hold(true)
    this.calls.set(call.id, call)
  }

  private settle(call: Pending | undefined, outcome: Outcome): void {
    if (call === undefined || call.outcome !== null) return
    call.outcome = outcome
    this.calls.delete(call.id)
    if (this.calls.size === 0 && !this.ending) this.line.hold(false)
    call.tell?.(outcome)
  }

  /** Waits for it. */
  private outcomeOf(call: Pending, send: () => void): Universal<Outcome> {
    return this.wait<Outcome>((resolve) => {
      send()
      call.tell = resolve
      return () => {
        call.tell = null
      }
    })
  }

  /** Sends a cancel on, and waits until the other side is out. */
  private *seeOut(call: Pending): Operation<Outcome> {
    if (call.outcome === null) {
      const over = this.until(() => call.outcome !== null)
      this.post({ cancel: call.id })
      try {
        yield* over
      } catch {
        // Nothing but a scope whose grace is over interrupts a cleanup.
        this.post({ force: call.id })
        yield* shield(this.outlast(over, 0))
      }
    }
    return call.outcome as Outcome
  }

  /** Waits until something is over that was asked to be, and ends what does not hear. */
  private *outlast(over: Operation<void>, grace: number): Operation<void> {
    // While a thread starts it loads native code, and must not be ended.
    if (this.line.hosted) yield* this.until(() => this.up || this.end !== null)
    while ((yield* moveOn(grace + PATIENCE_MS, over, LATE)) === LATE) {
      if ((yield* moveOn(PATIENCE_MS, this.ping(), LATE)) !== LATE || this.end !== null) continue
      if (!this.terminated) {
        this.terminated = true
        yield* this.line.terminate()
      }
      yield* this.until(() => this.end !== null)
    }
  }

  private ping(): Operation<void> {
    const ping = ++this.lastId
    return this.wait<void>((resolve) => {
      const over = (): void => void this.pings.delete(ping)
      this.pings.set(ping, () => {
        over()
        resolve(undefined)
      })
      this.post({ ping })
      return over
    })
  }

  private until(condition: () => boolean): Operation<void> {
    return this.wait<void>((resolve) => {
      if (condition()) return resolve(undefined)
      const look = (): void => {
        if (!condition()) return
        this.changed.delete(look)
        resolve(undefined)
      }
      this.changed.add(look)
      return () => void this.changed.delete(look)
    })
  }

  private tellChange(): void {
    for (const look of [...this.changed]) look()
  }

  private wait<T>(begin: Begin<T>): Universal<T> {
    return new Universal(begin, this.line.hosted)
  }

  private post(request: Request): void {
    if (this.end === null) this.line.post(request, [])
  }
}
