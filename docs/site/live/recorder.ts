/**
 * What happens in the kernels of a program, as news for the page: an instrument for each kernel.
 *
 * Kernels that follow each other have clocks of their own. Here their times follow each other, too:
 * a kernel begins when the latest thing before it was told.
 */
import type { Instrument, Task } from 'drupe'
import type { End, News } from './news.js'

/** More is not drawn; a program that spins must not fill the page's memory. */
const MOST_NEWS = 20_000

export class Recorder {
  private readonly numbers = new WeakMap<Task, number>()
  private count = 0
  private told = 0
  private latest = 0
  private clock: () => number
  /** Tasks that are not over. */
  alive = 0

  constructor(
    private readonly tell: (news: News) => void,
    /** Called when the last of the tasks is over. */
    private readonly idle: () => void,
  ) {
    const start = performance.now()
    this.clock = () => performance.now() - start
  }

  /** Prints a line, at the time of the kernel that began last. */
  print(text: string, error: boolean): void {
    this.tell({ kind: 'print', at: this.time(this.clock), text, error })
  }

  /** The instrument of a kernel with this clock. */
  instrument(now: () => number): Instrument {
    let offset: number | null = null
    const clock = (): number => {
      offset ??= this.latest - now()
      return now() + offset
    }
    const at = (): number => this.time(clock)
    let stepped = 0
    return {
      spawn: (task) => {
        this.clock = clock
        this.alive++
        this.numbers.set(task, ++this.count)
        const parent = task.parent === null ? 0 : this.numberOf(task.parent)
        this.note({ kind: 'spawn', at: at(), task: this.count, parent, name: task.name })
      },
      beforeStep: () => {
        stepped = at()
      },
      afterStep: (task) => this.note({ kind: 'step', at: stepped, task: this.numberOf(task), until: at() }),
      suspend: (task) => this.note({ kind: 'wait', at: at(), task: this.numberOf(task) }),
      cancel: (task) => this.note({ kind: 'cancel', at: at(), task: this.numberOf(task) }),
      exit: (task) => {
        this.note({ kind: 'end', at: at(), task: this.numberOf(task), state: task.state as End })
        if (--this.alive === 0) this.idle()
      },
    }
  }

  private numberOf(task: Task): number {
    return this.numbers.get(task) ?? 0
  }

  private time(clock: () => number): number {
    this.latest = Math.max(this.latest, clock())
    return this.latest
  }

  private note(news: News): void {
    if (this.told < MOST_NEWS) this.tell(news)
    else if (this.told === MOST_NEWS) this.tell({ kind: 'full' })
    this.told++
  }
}
