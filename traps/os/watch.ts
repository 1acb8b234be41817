/**
 * Watching files and directories.
 *
 * Watch first, then look: what is made between the two is found both ways, and told once. So it
 * goes for the tree as a whole and for every directory that comes later. What the system could not
 * keep is an event like others: whoever sees it looks again. The news come from a descriptor of the
 * driver's, or from the host (host-watch.ts).
 */
import type { FileNews, FileWatcher } from '../../kernel/protocol/calls.js'
import { tracked } from '../../kernel/protocol/debug.js'
import { BusyError, ClosedError, SystemError, UnsupportedError } from '../../kernel/protocol/errors.js'
import { checkOptions, checkSwitch, checkText } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { ask } from '../raw/call.js'
import { close, read } from '../raw/io.js'
import { type Cursor, each, type Source } from '../scope/each.js'
import { namedResource } from '../scope/resource.js'
import { type Entry, HostWatcher, hostFiles } from './host-watch.js'
import { readDir } from './tree.js'

const BUFFER_BYTES = 64 * 1024
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
 * some are missing: look at the files again.
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

/** Where the news come from. */
interface Watcher {
  add(path: string, nested: boolean): Operation<number>
  /** Waits for news. None are possible, too. */
  news(): Operation<FileNews[]>
  /** Runs a body for each name in a directory. */
  look(path: string, body: (entry: Entry) => Operation<void>): Operation<void>
  close(): Operation<void>
}

function* watcherHere(): Operation<Watcher> {
  const { watcher, can } = yield* ask('inotify_init', ({ watcher, can }) => ({ watcher, can }))
  if (watcher !== undefined) {
    return fromDriver((yield* ask('inotify_init', (calls) => calls.watcher?.() ?? null)) as FileWatcher)
  }
  if (!can.watch) throw new UnsupportedError('watch files', 'the driver cannot')
  return fromHost(new HostWatcher(hostFiles()))
}

function fromDriver(watcher: FileWatcher): Watcher {
  const buffer = new Uint8Array(BUFFER_BYTES)
  let closed = false
  return {
    // Its descriptor may be another's after the close.
    add: (path, nested) =>
      ask('inotify_add_watch', () => (closed ? -1 : watcher.add(path, nested))) as Operation<number>,
    *news() {
      return watcher.newsIn(buffer.subarray(0, yield* read(watcher.fd, buffer)))
    },
    *look(path, body) {
      yield* each(readDir(path), ({ name, type }) => body({ name, directory: type === 'directory' }))
    },
    *close() {
      closed = true
      yield* close(watcher.fd)
    },
  }
}

function fromHost(watcher: HostWatcher): Watcher {
  return {
    add: (path, nested) => watcher.add(path, nested),
    news: () => watcher.news(),
    *look(path, body) {
      for (const entry of yield* watcher.entries(path)) yield* body(entry)
    },
    *close() {
      watcher.close()
    },
  }
}

class Watch implements Cursor<FileEvent>, Source<FileEvent> {
  private readonly paths = new Map<number, string>()
  private readonly known = new Set<string>()
  private events: FileEvent[] = []
  private at = 0
  private news: FileNews[] = []
  private newsAt = 0
  private over = false
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
    this.paths.set(yield* this.watcher.add(this.path, false), this.path)
    if (this.recursive) yield* this.look(this.path, false)
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
      if (this.newsAt === this.news.length) {
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
      this.events.push({ type: 'overflow', path: this.path })
      if (this.recursive) yield* this.look(this.path, false)
      return
    }
    const base = this.paths.get(id)
    // That a directory within is gone, the one around it says.
    if (base === undefined || (name === '' && base !== this.path)) return
    const path = name === '' ? base : `${base}/${name}`
    if (change === 'created' && this.recursive && directory) return yield* this.enter(path)
    // Told already when it was found; a file that took its name since has changed it.
    const type = change === 'created' && this.known.has(path) ? 'changed' : change
    if (change !== 'changed') this.known.delete(path)
    const last = this.events[this.events.length - 1]
    if (last?.type !== type || last.path !== path) this.events.push({ type, path })
  }

  /** A directory that has come: what was put into it before it was watched is found by looking. */
  private *enter(path: string): Operation<void> {
    if (!this.known.has(path)) this.events.push({ type: 'created', path })
    this.known.add(path)
    yield* this.descend(path, true)
    this.known.delete(path)
  }

  private *descend(path: string, tells: boolean): Operation<void> {
    try {
      this.paths.set(yield* this.watcher.add(path, true), path)
      yield* this.look(path, tells)
    } catch (error) {
      // It is gone already, or another thing by now.
      if (!(error instanceof SystemError) || !['ENOENT', 'ENOTDIR', 'ELOOP'].includes(error.code)) throw error
    }
  }

  private *look(path: string, tells: boolean): Operation<void> {
    const { known, events } = this
    const descend = (below: string): Operation<void> => this.descend(below, tells)
    yield* this.watcher.look(path, function* ({ name, directory }) {
      const below = `${path}/${name}`
      if (tells && !known.has(below)) {
        known.add(below)
        events.push({ type: 'created', path: below })
      }
      if (directory) yield* descend(below)
    })
  }
}
