/**
 * Plays a random program and keeps its books.
 */
import {
  Cancelled,
  ClosedError,
  call,
  checkpoint,
  current,
  Kernel,
  moveOn,
  type Nursery,
  nursery,
  type Operation,
  type Scope,
  scope,
  shield,
  sleep,
  spawn,
  started,
  suspend,
  type Task,
  timeout,
} from 'drupe'
import { park, WaitQueue, wake } from 'drupe/lowlevel'
import { VirtualDriver } from 'drupe/testing'
import type { NurseryRecord as InnerNursery } from '../../kernel/task/nursery.js'
import type { TaskRecord as InnerTask } from '../../kernel/task/task.js'
import { Books } from './books.js'
import type { Case, Node } from './tree.js'

/** What came out of a program. */
export interface Outcome {
  readonly trace: readonly string[]
  readonly problems: readonly string[]
}

/** Runs one case in a kernel of its own. */
export function play({ root, seed, grace }: Case): Outcome {
  const driver = new VirtualDriver()
  const books = new Books(() => driver.now())
  const kernel = new Kernel({ driver, seed, grace, instruments: [books] })
  let outcome: unknown
  try {
    kernel.runSync(() => new Player(books, grace).main(root))
  } catch (error) {
    outcome = error
  }
  books.note(null, `ends with ${String(outcome)}`)
  for (const [what, count] of Object.entries(kernel.statistics)) {
    if (count !== 0) books.problems.push(`${count} ${what} left over`)
  }
  if (outcome instanceof Cancelled) books.problems.push('a Cancelled came out of the run')
  if ((outcome as { code?: string } | undefined)?.code === 'DRUPE_DEADLOCK') books.problems.push(String(outcome))
  try {
    kernel.closeSync()
  } catch (error) {
    books.problems.push(`closing: ${String(error)}`)
  }
  return { trace: books.trace, problems: books.close(outcome) }
}

class Player {
  private readonly tasks: Task[] = []
  private readonly scopes: Scope[] = []
  /** Those with `next`. */
  private readonly nurseries: Nursery[] = []
  private readonly opened: Nursery[] = []
  private readonly queues = [new WaitQueue('0'), new WaitQueue('1')]
  private count = 0
  private outermost: Nursery | null = null
  /**
   * Some task somewhere puts up shields of others, or starts something in a nursery of others that
   * may have shields.
   */
  private raises = false
  /** Something somewhere may keep a cancel out. */
  private shields = true

  constructor(
    private readonly books: Books,
    private readonly grace: number,
  ) {}

  *main(root: Node): Operation<void> {
    const player = this
    this.raises = contains(root, 'raise') || (isShielded(root) && contains(root, 'start'))
    this.shields = this.raises || isShielded(root)
    yield* nursery(function* (n) {
      player.outermost = n
      player.opened.push(n)
      yield* player.region('main', root)
    })
  }

  /** Plays a node inside a region with a name. */
  private *region(kind: string, node: Node): Operation<void> {
    const task = (yield* current()) as InnerTask
    const region = `${kind}${++this.count}`
    this.books.entered(task, region)
    try {
      yield* this.play(node)
    } finally {
      this.books.left(task, region)
    }
  }

  /**
   * A task; one that nobody waits for goes on for ever, except where nothing could drive it out.
   */
  private *task(node: Node, daemon: boolean): Operation<void> {
    yield* this.region('task', node)
    if (daemon && this.grace !== Number.POSITIVE_INFINITY) yield* sleep(Number.POSITIVE_INFINITY)
  }

  /** Cancels of scopes outside a shield are not delivered inside it. */
  private *shielded(body: Node): Operation<void> {
    const task = (yield* current()) as InnerTask
    const { scope } = task
    try {
      yield* this.region('shield', body)
    } catch (error) {
      for (let outer = scope.parent; outer !== null && error instanceof Cancelled; outer = outer.parent) {
        if (error.scope === outer) this.books.problems.push(`a cancel of ${outer.name} came through a shield`)
      }
      throw error
    }
  }

  private *play(node: Node): Operation<void> {
    switch (node.k) {
      case 'sleep':
        return yield* sleep(node.ms)
      case 'checkpoint':
        return yield* checkpoint()
      case 'fail':
        throw this.books.threw(new Error(`failure ${++this.count}`))
      case 'seq':
        for (const one of node.body) yield* this.play(one)
        return
      case 'spawn':
        this.tasks.push(
          yield* spawn(() => this.task(node.child, node.daemon), { daemon: node.daemon, name: `t${++this.count}` }),
        )
        return
      case 'call':
        return yield* call(this.region('call', node.body))
      case 'timeout':
      case 'moveOn':
        return yield* this.limited(node.k, node.ms, node.body)
      case 'shield':
        return yield* shield(() => this.shielded(node.body))
      case 'scope':
        return yield* this.scope(node)
      case 'nursery':
        return yield* this.nursery(node)
      case 'start':
        return yield* this.start(node)
      case 'cleanup':
        return yield* this.cleanup(node.body, node.last)
      case 'catch':
        return yield* this.catch(node.body, node.all)
      default:
        return yield* this.affect(node)
    }
  }

  /** What tasks do to each other. */
  private *affect(node: Node): Operation<void> {
    const at = <T>(list: readonly T[], which: number): T | undefined => list[which % Math.max(1, list.length)]
    switch (node.k) {
      case 'cancel':
        // To wait for an ancestor is to wait for oneself: only for a while.
        yield* moveOn<unknown>(
          20,
          () => at(this.tasks, node.which)?.cancel('by chance', { wait: node.wait }) ?? sleep(0),
        )
        return
      case 'leave':
        yield* at(this.scopes, node.which)?.cancel('left') ?? checkpoint()
        return
      case 'adjust': {
        const one = at(this.scopes, node.which)
        if (one !== undefined) yield* one.setDeadline(node.ms)
        return
      }
      case 'raise':
        yield* at(this.scopes, node.which)?.setShield(node.on) ?? checkpoint()
        return
      case 'join':
        try {
          yield* moveOn(20, () => at(this.tasks, node.which)?.join() ?? sleep(0))
        } catch (error) {
          if (error instanceof Cancelled) throw error
          this.books.find(error)
        }
        return
      case 'next': {
        const n = at(this.nurseries, 0)
        if (n !== undefined) yield* moveOn(5, () => n.next())
        return
      }
      case 'park':
        try {
          yield* park(this.queues[node.queue] as WaitQueue, { timeout: node.ms })
        } catch (error) {
          if ((error as { code?: string }).code !== 'DRUPE_TIMEOUT') throw error
        }
        return
      case 'wake':
        yield* wake(this.queues[node.queue] as WaitQueue, node.count)
        return
      case 'suspend':
        return yield* this.suspend(node.ms, node.late, node.fails)
      default:
        throw new Error(`no such node: ${node.k}`)
    }
  }

  private *limited(kind: 'timeout' | 'moveOn', ms: number, body: Node): Operation<void> {
    const task = (yield* current()) as InnerTask
    const end = this.books.time + ms
    try {
      yield* (kind === 'timeout' ? timeout : moveOn)(ms, () => this.region(kind, body))
    } finally {
      if (!this.raises && !isShielded(body)) this.books.limited(task, kind, end + this.grace)
    }
  }

  private *scope({ ms, grace, shield, body }: Extract<Node, { k: 'scope' }>): Operation<void> {
    const player = this
    yield* scope({ deadline: this.books.time + ms * 3, grace, shield, name: 'scope' }, function* (s) {
      player.scopes.push(s)
      yield* player.region('scope', body)
    })
  }

  private *nursery({ body, errors, collect }: Extract<Node, { k: 'nursery' }>): Operation<void> {
    const player = this
    const task = (yield* current()) as InnerTask
    let inner: Nursery | null = null
    let cancelledAt = Number.POSITIVE_INFINITY
    const members = function* (n: Nursery): Operation<void> {
      inner = n
      const inside = n as InnerNursery
      inside.cancelCallbacks = [() => (cancelledAt = Math.min(cancelledAt, player.books.time))]
      player.scopes.push(n)
      player.opened.push(n)
      if (collect) player.nurseries.push(n)
      for (const one of body) yield* player.region('member', one)
    }
    try {
      yield* nursery(members, { errors, onError: collect ? 'collect' : 'cancel', name: 'nursery' })
    } finally {
      if (inner !== null) this.books.emptied(inner, 'a nursery')
      if (!this.shields) this.books.limited(task, 'a nursery', cancelledAt + this.grace)
    }
  }

  private *start({ before, after, own, which }: Extract<Node, { k: 'start' }>): Operation<void> {
    const player = this
    function* begin(n: Nursery): Operation<void> {
      yield* n.start(function* () {
        yield* player.region('before', before)
        yield* started()
        yield* player.region('after', after)
      })
    }
    if (own) return yield* nursery(begin)
    try {
      yield* begin(this.opened[which % this.opened.length] as Nursery)
    } catch (error) {
      // It has ended, or it is cancelled and takes what is being started with it.
      if (!(error instanceof ClosedError)) throw error
      this.books.find(error)
    }
  }

  private *cleanup(body: Node, last: Node): Operation<void> {
    const task = (yield* current()) as InnerTask
    const cleanup = `cleanup${++this.count}`
    this.books.promised(cleanup)
    try {
      yield* this.region('body', body)
    } catch (error) {
      // An error of the cleanup takes the place of this one: that is how the language is.
      this.books.replaceable(error)
      throw error
    } finally {
      this.books.cleaned(task, cleanup)
      yield* this.region('cleanup', last)
    }
  }

  private *catch(body: Node, all: boolean): Operation<void> {
    try {
      yield* this.region('catch', body)
    } catch (error) {
      if (error instanceof Cancelled && !all) throw error
      this.books.find(error)
    }
  }

  /** Waits for host code, which calls back after a while whatever happens. */
  private *suspend(ms: number, late: boolean, fails: boolean): Operation<void> {
    let answer: () => void = () => {}
    yield* (this.outermost as Nursery).spawn(
      function* host() {
        try {
          yield* sleep(ms)
        } finally {
          answer()
        }
      },
      { name: 'host' },
    )
    yield* suspend<void>((resolve, reject) => {
      answer = () => (fails ? reject(this.books.threw(new Error(`failure ${++this.count}`))) : resolve())
      return () => {
        // Once cancelled, there is nothing any more that a failure could go to.
        if (!late) answer = () => {}
        return !late
      }
    })
  }
}

/** May something inside keep a cancel out, or host code be late? */
function isShielded(node: Node): boolean {
  return contains(node, 'shield|scope|suspend')
}

function contains(node: Node, kinds: string): boolean {
  return new RegExp(`"k":"(${kinds})"`).test(JSON.stringify(node))
}
