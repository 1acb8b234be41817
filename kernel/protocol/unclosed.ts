/**
 * What has to be closed, and was not: debug mode tells the line that made it.
 *
 * The kernel knows no streams. So whatever owns a descriptor says, when it is made in debug mode,
 * that it must be closed, and later that it was. It is told once the collector has found it, or at
 * the end of its kernel. A server that never closes would fill the console: what one line has made
 * is told once, and counted at the end. Outside of debug mode nothing is noted.
 */

/** Tells that so many of these were never closed: the first was made by that task, and there. */
export type TellUnclosed = (what: string, count: number, maker: string, stack: string | undefined) => void

/** One thing that is open. */
class Open {
  constructor(
    readonly what: string,
    readonly maker: string,
    readonly stack: string | undefined,
    readonly owner: Unclosed,
  ) {}
}

const open = new WeakMap<object, Open>()
/** Has any been noted? Until then closing looks nothing up. */
let watching = false

/** The things of one kernel. */
export class Unclosed {
  private readonly left = new Set<Open>()
  private readonly told = new Set<string>()
  private readonly collected = new FinalizationRegistry<Open>((one) => this.tell(one))

  constructor(private readonly report: TellUnclosed) {}

  /** It must be closed; `maker`: the task. */
  opened(thing: object, maker: string): void {
    watching = true
    const one = new Open(thing.constructor.name, maker, stackHere(), this)
    open.set(thing, one)
    this.left.add(one)
    this.collected.register(thing, one, one)
  }

  /** It is closed. */
  forget(one: Open): void {
    this.left.delete(one)
    this.collected.unregister(one)
  }

  /** The kernel ends: tells what is left, as many as there are of each line. */
  end(): void {
    const lines = new Map<string, Open[]>()
    for (const one of this.left) {
      const key = keyOf(one)
      const same = lines.get(key)
      if (same === undefined) lines.set(key, [one])
      else same.push(one)
      this.collected.unregister(one)
    }
    this.left.clear()
    for (const [one, ...others] of lines.values())
      if (one !== undefined) this.report(one.what, 1 + others.length, one.maker, one.stack)
  }

  /** The collector has found it. */
  private tell(one: Open): void {
    if (!this.left.delete(one)) return
    const key = keyOf(one)
    if (this.told.has(key)) return
    this.told.add(key)
    this.report(one.what, 1, one.maker, one.stack)
  }
}

/** Says that a thing is closed, whichever kernel it was made in. */
export function wasClosed(thing: object): void {
  if (!watching) return
  const one = open.get(thing)
  if (one === undefined) return
  open.delete(thing)
  one.owner.forget(one)
}

/** Between the line of a program and what it makes are more frames of ours than the usual ten. */
const FRAMES = 25

/** As text: an error whose stack was not asked for holds what its frames were called on. */
function stackHere(): string | undefined {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = Math.max(stackTraceLimit, FRAMES)
  const { stack } = new Error('made')
  Error.stackTraceLimit = stackTraceLimit
  return stack
}

function keyOf({ what, stack }: Open): string {
  return `${what} ${stack}`
}
