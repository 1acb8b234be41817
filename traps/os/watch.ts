/**
 * Watching files and directories.
 *
 * Watch first, then look: what is made between the two is found both ways, and told once. So it
 * goes for the tree as a whole and for every directory that comes later. What the system could not
 * keep is an event like others: whoever sees it looks again. Where the news come from, watcher.ts
 * knows.
 */
import type { FileNews } from '../../kernel/protocol/calls.js'
import { tracked } from '../../kernel/protocol/debug.js'
import { BusyError, ClosedError, SystemError } from '../../kernel/protocol/errors.js'
import { checkOptions, checkSwitch, checkText } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import type { Cursor, Source } from '../scope/each.js'
import { namedResource } from '../scope/resource.js'
import { type Watched, WatchedTree } from './watched.js'
import { type Watcher, watcherHere } from './watcher.js'

const END = { done: true, value: undefined } as const

/** Something has happened to a file. */
export interface FileEvent {
  /** `'overflow'`: more than the system keeps; what is missing is unknown. */
  readonly type: FileNews['change']
  /** It begins with the path that is watched. */
  readonly path: string
}

/** What is watched. */
export interface WatchOptions {
  /** Also all directories below, and those that come. Links are not followed. Default: false. */
  readonly recursive?: boolean
}

/**
 * Watches a file, or a directory and what is right in it. It has begun when it returns: what is
 * done from then on comes as events, from `next()` or by `each`. A changed file may give several
 * events. It is a resource, closed when the innermost nursery of the task ends, or before with
 * `close()`, which ends a wait. If the task is cancelled while it waits for the next event, none is
 * lost. One task at a time may wait: another one gets a `BusyError`. After an event `'overflow'`
 * some are missing: look at the files again. When what is watched is removed or renamed, or another
 * file takes its place, as when it is written at once, `'removed'` is the last event. To hear of
 * every file that has that name, watch the directory.
 *
 * On Linux the system tells what has happened. Elsewhere the host tells that something has, and a
 * look tells what: a file that is gone again by then was never there, and one that another one has
 * taken the place of has changed. There it works in `run` alone.
 *
 * @param path A file or a directory.
 * @param options `recursive`: also what is below.
 * @throws SystemError as the OS says: `ENOENT`, `EACCES`, `ENOSPC` or `EMFILE` (too many).
 * @throws UnsupportedError where the driver cannot watch files: see `driver.can.watch`.
 * @throws KernelStateError in a blocking run, where the host would have to watch.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { run, tempDir, watch, writeFile } from 'drupe'
 *
 * await run(function* () {
 *   const path = yield* tempDir()
 *   const changes = yield* watch(path)
 *   yield* writeFile(`${path}/config`, 'hello', { atomic: false })
 *   const event = yield* changes.next()
 *   if (!event.done) console.log(event.value.type) // => created
 * })
 */
export function watch(path: string, options?: WatchOptions): Operation<Cursor<FileEvent> & Source<FileEvent>> {
  checkText('watch the file', 'path', path)
  if (options !== undefined) checkOptions('watch the file', 'options', options)
  const recursive = checkSwitch('watch the file', 'recursive', options?.recursive) ?? false
  return namedResource<Watch>('watch', function* (provide) {
    const watching = new Watch(yield* watcherHere(), path, recursive)
    try {
      yield* watching.begin()
      yield* provide(watching)
    } finally {
      yield* watching.close()
    }
  })
}

class Watch implements Cursor<FileEvent>, Source<FileEvent> {
  private tree = new WatchedTree(-1, '')
  /** Numbers of before an overflow, until it is known what of them is still there. */
  private readonly stale = new Set<number>()
  private events: FileEvent[] = []
  private at = 0
  private news: FileNews[] = []
  private newsAt = 0
  private over = false
  /** There is no more news. */
  private ended = false
  private busy = false

  constructor(
    private readonly watcher: Watcher,
    private readonly path: string,
    private readonly recursive: boolean,
  ) {}

  open(): Cursor<FileEvent> {
    return this
  }

  next(): Operation<IteratorResult<FileEvent, unknown>> {
    return tracked('next', this.step())
  }

  *close(): Operation<void> {
    if (this.over) return
    this.over = true
    yield* this.watcher.close()
  }

  *begin(): Operation<void> {
    this.tree = new WatchedTree(yield* this.watcher.add(this.path, false), this.path)
    if (this.recursive) yield* this.look(this.tree.root, false)
  }

  private *step(): Operation<IteratorResult<FileEvent, unknown>> {
    if (this.busy) throw new BusyError('wait for the next event', 'another task waits for it')
    this.busy = true
    try {
      return yield* this.advance()
    } catch (error) {
      if (this.over && error instanceof ClosedError) return END
      throw error
    } finally {
      this.busy = false
    }
  }

  private *advance(): Operation<IteratorResult<FileEvent, unknown>> {
    while (!this.over) {
      const event = this.events[this.at]
      if (event !== undefined) {
        this.at++
        return { done: false, value: event }
      }
      this.events = []
      this.at = 0
      if (this.ended) {
        yield* this.close()
      } else if (this.newsAt === this.news.length) {
        this.news = yield* this.watcher.news()
        this.newsAt = 0
      } else {
        yield* this.take(this.news[this.newsAt] as FileNews)
        this.newsAt++
      }
    }
    return END
  }

  private *take({ id, change, name, directory }: FileNews): Operation<void> {
    if (change === 'overflow') {
      this.tell('overflow', this.path)
      if (this.recursive) yield* this.lookAnew()
      return
    }
    const within = this.tree.of(id)
    if (within === undefined) return
    if (name === '') {
      // That a directory within is gone, the one around it says.
      if (within === this.tree.root) this.takeOwn(change)
      return
    }
    if (change === 'created' && this.recursive && directory) return yield* this.enter(within, name)
    if (change === 'removed' && directory) yield* this.watcher.remove(this.tree.drop(within, name))
    // Told already when it was found; a file that took its name since has changed it.
    const type = change === 'created' && within.told.has(name) ? 'changed' : change
    if (change !== 'changed') within.told.delete(name)
    this.tell(type, `${within.path}/${name}`)
  }

  /** About what is watched itself. What goes by its path later is another one, and not watched. */
  private takeOwn(change: FileNews['change']): void {
    this.tell(change, this.path)
    this.ended = change === 'removed'
  }

  private tell(type: FileEvent['type'], path: string): void {
    const last = this.events[this.events.length - 1]
    if (last?.type !== type || last.path !== path) this.events.push({ type, path })
  }

  /** A directory that has come: what was put into it before it was watched is found by looking. */
  private *enter(within: Watched, name: string): Operation<void> {
    if (!within.told.has(name)) this.events.push({ type: 'created', path: `${within.path}/${name}` })
    within.told.add(name)
    yield* this.descend(within, name, true)
    within.told.delete(name)
  }

  private *descend(within: Watched, name: string, tells: boolean): Operation<void> {
    try {
      const id = yield* this.watcher.add(`${within.path}/${name}`, true)
      yield* this.look(this.tree.place(within, name, id), tells)
    } catch (error) {
      // It is gone already, or another thing by now.
      if (!isGone(error)) throw error
    }
  }

  private *look(watched: Watched, tells: boolean): Operation<void> {
    const { path, told } = watched
    const { events } = this
    const descend = (name: string): Operation<void> => this.descend(watched, name, tells)
    yield* this.watcher.look(path, function* ({ name, directory }) {
      if (tells && !told.has(name)) {
        told.add(name)
        events.push({ type: 'created', path: `${path}/${name}` })
      }
      if (directory) yield* descend(name)
    })
  }

  /** What came and went is not known: the tree is what is there. */
  private *lookAnew(): Operation<void> {
    for (const id of this.tree.restart()) this.stale.add(id)
    try {
      yield* this.look(this.tree.root, false)
    } catch (error) {
      if (!isGone(error)) throw error
      this.takeOwn('removed')
    }
    yield* this.watcher.remove([...this.stale].filter((id) => this.tree.of(id) === undefined))
    this.stale.clear()
  }
}

function isGone(error: unknown): boolean {
  return error instanceof SystemError && ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(error.code)
}
