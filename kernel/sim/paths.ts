/**
 * The paths of a simulated host: Unix sockets, by the names that they are found under.
 *
 * There are no other files. Each is a record with an inode of its own and names that lead to it,
 * so that what a program does around the socket works as on a real system: a file stays behind when
 * its process closes the socket or is killed, and can be asked about, renamed, linked and removed.
 * An abstract name, which begins with a NUL, is no file and goes with its socket.
 */
import { type FileStatus, isKind, type Request, UNSUPPORTED } from '../driver/contract.js'
import { EADDRINUSE, EEXIST, ENOENT } from './errno.js'
import type { SimSocket } from './socket.js'

const DEFAULT_MODE = 0o755

/** A socket's file. */
interface SimFile {
  /** Null once it is closed. */
  socket: SimSocket | null
  readonly inode: number
  mode: number
  links: number
  readonly bornMs: number
  changedMs: number
}

/** What can be found at the paths of one host. */
export class Paths {
  private readonly files = new Map<string, SimFile>()
  private inodes = 0

  constructor(private readonly now: () => number) {}

  /** Makes a file for a socket; 0 or a negative errno. */
  bind(path: string, socket: SimSocket): number {
    if (this.files.has(path)) return EADDRINUSE
    const now = this.now()
    const inode = ++this.inodes
    this.files.set(path, { socket, inode, mode: DEFAULT_MODE, links: 1, bornMs: now, changedMs: now })
    return 0
  }

  /** The socket of a path; null if it is closed, undefined if nothing is there. */
  socketAt(path: string): SimSocket | null | undefined {
    return this.files.get(path)?.socket
  }

  /** The socket is closed: its file stays. */
  forget(socket: SimSocket): void {
    for (const [path, file] of this.files) {
      if (file.socket !== socket) continue
      if (path.startsWith('\0')) this.files.delete(path)
      else file.socket = null
    }
  }

  /** False if there is no such file. */
  unlink(path: string): boolean {
    const file = this.at(path)
    if (file === undefined) return false
    this.files.delete(path)
    file.links--
    file.changedMs = this.now()
    return true
  }

  /** Answers a request about a path; its result. */
  answer(request: Request): number {
    if (isKind(request, 'unlink')) return this.unlink(request.input.path) ? 0 : ENOENT
    const file = 'path' in request.input ? this.at(request.input.path) : undefined
    if (isKind(request, 'lstat')) {
      if (file !== undefined) request.output = statusOf(file)
      return file === undefined ? ENOENT : 0
    }
    if (isKind(request, 'chmod')) {
      if (file === undefined) return ENOENT
      file.mode = request.input.mode
      file.changedMs = this.now()
      return 0
    }
    if (isKind(request, 'rename') || isKind(request, 'link')) {
      return file === undefined ? ENOENT : this.rename(request, file)
    }
    return UNSUPPORTED
  }

  private rename({ kind, input }: Request<'rename' | 'link'>, file: SimFile): number {
    const { path, to } = input
    if (kind === 'link' && this.files.has(to)) return EEXIST
    // Two names of one file stay what they are.
    if (this.files.get(to) === file) return 0
    this.unlink(to)
    this.files.set(to, file)
    if (kind === 'link') file.links++
    else this.files.delete(path)
    file.changedMs = this.now()
    return 0
  }

  private at(path: string): SimFile | undefined {
    return path.startsWith('\0') ? undefined : this.files.get(path)
  }
}

function statusOf({ inode, mode, links, bornMs, changedMs }: SimFile): FileStatus {
  const times = { accessedMs: bornMs, modifiedMs: bornMs, changedMs }
  return { kind: 'socket', mode, bytes: 0, inode, links, user: 0, group: 0, ...times }
}
