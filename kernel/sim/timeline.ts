/**
 * The one time line of a simulation: what will happen, and when.
 *
 * Everything that happens in a simulation is an event at a time: a packet arrives, a retransmission
 * is due. The clock moves only when the stage (stage.ts) says so, and then to the next event;
 * events of one time happen in the order in which they were set, so a run depends on nothing but
 * its seed.
 */
import { type Timed, Timers } from '../time/timers.js'

/** One thing that will happen. */
export class SimEvent implements Timed {
  timerIndex = -1

  constructor(readonly happen: () => void) {}
}

export class Timeline {
  /** Milliseconds since the beginning of the simulation. */
  now = 0
  /** Called when an event was added. */
  onAdded: () => void = () => {}
  private readonly events = new Timers<SimEvent>()

  /** When something happens next; Infinity for never. */
  get next(): number {
    return this.events.next
  }

  /** Lets something happen at a time, or now if that has passed. */
  at(time: number, happen: () => void): void {
    this.events.set(new SimEvent(happen), Math.max(time, this.now))
    this.onAdded()
  }

  after(ms: number, happen: () => void): void {
    this.at(this.now + ms, happen)
  }

  /** Lets everything happen whose time has come, and what follows from it at once. */
  runDue(): void {
    for (let event = this.events.due(this.now); event !== null; event = this.events.due(this.now)) event.happen()
  }
}
