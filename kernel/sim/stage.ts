/**
 * The stage: several kernels on one virtual time line.
 *
 * A kernel is driven through the turn that it gave to its driver's `attach`, as if the stage were a
 * host's event loop. Kernels that have something to do take their turns, in an order that the seed
 * decides. When none has, the clock jumps to the next event or alarm. A kernel that blocks the
 * thread (`runSync`) steps the stage for the others while it sleeps.
 *
 * If nothing steps it, attached kernels are guests: the stage then steps itself from the real
 * host's timers, so that promises go on in between.
 */
import { setTimeout } from '../protocol/host-functions.js'
import { Timeline } from './timeline.js'

/** An actor on a stage: a driver. */
export interface Actor {
  /** @internal When its alarm goes off, on the stage's clock. */
  readonly alarmTime: number
  /** @internal Has it something to do, and can it do it now? */
  readonly wantsTurn: boolean
  /** @internal Is the host's loop to step it? */
  readonly attached: boolean
  /** @internal */
  takeTurn(): void
  /** @internal Its alarm goes off. */
  ring(): void
}

export class Stage {
  readonly timeline = new Timeline()
  readonly actors = new Set<Actor>()
  /** It is being stepped from within this thread: the host's timers are not needed. */
  stepping = 0
  private requested = false

  constructor(readonly random: () => number) {
    this.timeline.onAdded = () => this.request()
  }

  /** Lets the next thing happen; false if there is nothing that could. */
  step(): boolean {
    this.timeline.runDue()
    if (this.takeTurns()) return true
    const time = this.nextTime()
    if (time === Number.POSITIVE_INFINITY) return false
    if (time > this.timeline.now) this.timeline.now = time
    this.timeline.runDue()
    for (const actor of this.actors) if (actor.alarmTime <= this.timeline.now) actor.ring()
    return true
  }

  /** Asks the host to step the stage, if nothing else does and an actor is a guest. */
  request(): void {
    if (this.requested || this.stepping > 0 || ![...this.actors].some(({ attached }) => attached)) return
    this.requested = true
    setTimeout(() => {
      this.requested = false
      if (this.step()) this.request()
    }, 0)
  }

  private takeTurns(): boolean {
    const waiting = [...this.actors].filter(({ wantsTurn }) => wantsTurn)
    shuffle(waiting, this.random)
    // An earlier one may have ended a later one.
    for (const actor of waiting) if (actor.wantsTurn) actor.takeTurn()
    return waiting.length > 0
  }

  private nextTime(): number {
    let time = this.timeline.next
    for (const actor of this.actors) time = Math.min(time, actor.alarmTime)
    return time
  }
}

/** Brings a list into an order that only the numbers decide. */
export function shuffle(list: unknown[], random: () => number): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[list[i], list[j]] = [list[j], list[i]]
  }
}
