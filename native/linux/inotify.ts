/**
 * Watching files with inotify.
 *
 * An inotify is a descriptor that becomes readable when something has happened, so a task waits for
 * it as for any other. What it says is a row of records: which watch, what, and a name. When more
 * has happened than Linux keeps, one record says so in place of those that are lost.
 */
import type { FileNews, FileWatcher } from '../../kernel/driver/contract.js'
import { CLOEXEC, O_NONBLOCK } from './constants.js'
import { pathBytes } from './files.js'
import type { Libc } from './libc.js'

const MODIFY = 0x2
const ATTRIB = 0x4
const MOVED_FROM = 0x40
const MOVED_TO = 0x80
const CREATE = 0x100
const DELETE = 0x200
const DELETE_SELF = 0x400
const MOVE_SELF = 0x800
const OVERFLOW = 0x4000
const ONLY_DIRECTORIES = 0x1000000
const NO_LINKS = 0x2000000
const IS_DIRECTORY = 0x40000000

const APPEARS = CREATE | MOVED_TO
const GOES = DELETE | MOVED_FROM | DELETE_SELF | MOVE_SELF
const ALL = APPEARS | GOES | MODIFY | ATTRIB

const HEAD_BYTES = 16

/** A new one, or a negative errno. */
export function openInotify(libc: Libc): FileWatcher | number {
  const fd = libc.inotifyInit(CLOEXEC | O_NONBLOCK)
  return fd < 0 ? fd : new Inotify(libc, fd)
}

class Inotify implements FileWatcher {
  constructor(
    private readonly libc: Libc,
    readonly fd: number,
  ) {}

  add(path: string, nested: boolean): number {
    const bytes = pathBytes(path)
    const mask = nested ? ALL | ONLY_DIRECTORIES | NO_LINKS : ALL
    return this.libc.inotifyAddWatch(this.fd, this.libc.addressOf(bytes), mask)
  }

  remove(id: number): void {
    this.libc.inotifyRemoveWatch(this.fd, id)
  }

  newsIn(bytes: Uint8Array): FileNews[] {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const news: FileNews[] = []
    for (let at = 0; at < bytes.length; ) {
      const id = view.getInt32(at, true)
      const mask = view.getUint32(at + 4, true)
      const end = at + HEAD_BYTES + view.getUint32(at + 12, true)
      const change = changeOf(mask)
      if (change !== null)
        news.push({
          id,
          change,
          name: nameIn(bytes.subarray(at + HEAD_BYTES, end)),
          directory: (mask & IS_DIRECTORY) !== 0,
        })
      at = end
    }
    return news
  }
}

/** Null: it says only that a watch has ended. */
function changeOf(mask: number): FileNews['change'] | null {
  if ((mask & OVERFLOW) !== 0) return 'overflow'
  if ((mask & APPEARS) !== 0) return 'created'
  if ((mask & GOES) !== 0) return 'removed'
  return (mask & (MODIFY | ATTRIB)) !== 0 ? 'changed' : null
}

/** It is filled up with NULs. */
function nameIn(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end))
}
