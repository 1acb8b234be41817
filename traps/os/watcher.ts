/**
 * Where news of files come from: a descriptor of the driver's, or the host (host-watch.ts).
 */
import type { FileNews, FileWatcher } from '../../kernel/protocol/calls.js'
import { UnsupportedError } from '../../kernel/protocol/errors.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { ask } from '../raw/call.js'
import { close, read } from '../raw/io.js'
import { each } from '../scope/each.js'
import { type Entry, HostWatcher, hostFiles } from './host-watch.js'
import { readDir } from './tree.js'

const BUFFER_BYTES = 64 * 1024

/** Where the news come from. */
export interface Watcher {
  add(path: string, nested: boolean): Operation<number>
  /** Watches these no more; some may have ended by themselves. */
  remove(ids: readonly number[]): Operation<void>
  /** Waits for news. None are possible, too. */
  news(): Operation<FileNews[]>
  /** Runs a body for each name in a directory. */
  look(path: string, body: (entry: Entry) => Operation<void>): Operation<void>
  close(): Operation<void>
}

export function* watcherHere(): Operation<Watcher> {
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
    *remove(ids) {
      if (ids.length > 0) yield* ask('inotify_rm_watch', () => removeAll(watcher, closed ? [] : ids))
    },
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

function removeAll(watcher: FileWatcher, ids: readonly number[]): null {
  for (const id of ids) watcher.remove(id)
  return null
}

function fromHost(watcher: HostWatcher): Watcher {
  return {
    add: (path, nested) => watcher.add(path, nested),
    *remove(ids) {
      watcher.remove(ids)
    },
    news: () => watcher.news(),
    *look(path, body) {
      for (const entry of yield* watcher.entries(path)) yield* body(entry)
    },
    *close() {
      watcher.close()
    },
  }
}
