/**
 * The calls on files that need no care of their own: one line each, in a table by kind of request.
 *
 * A line has the call with a call-back and the same call at once, and may say two things more. What
 * would not be the same a second time, as the removal of a name, is done `once`, on this thread if
 * need be. What takes long and changes something `ends`: it cannot be taken back when it has begun,
 * so that a cancelled task goes on only when nothing of it is under way any more.
 */
import type {
  DirectoryEntry,
  DirectoryHandle,
  Request,
  RequestKind,
  RequestKinds,
} from '../../kernel/driver/contract.js'
import { EINVAL } from '../posix/errno.js'
import { answer, attempt, fs, kindOf } from './calls.js'
import type { Outcome, Work } from './off-loop.js'

type Back = (error: Error | null | undefined, value?: unknown) => void

interface HostCall<I> {
  begin(input: I, back: Back): void
  now(input: I): unknown
  readonly once?: true
  readonly ends?: true
  /** Nobody wants what it brought. */
  discard?(output: unknown): void
}

/** As many entries of a directory come at once. */
const ENTRIES = 256

type Entries = import('node:fs').Dir

/** An open directory of the host's; closed when what is under way has ended. */
class Directory implements DirectoryHandle {
  private busy = false
  private closed = false

  constructor(private readonly entries: Entries) {}

  close(): void {
    if (this.closed) return
    this.closed = true
    if (!this.busy) this.entries.closeSync()
  }

  async read(): Promise<DirectoryEntry[]> {
    this.busy = true
    const found: DirectoryEntry[] = []
    try {
      while (found.length < ENTRIES) {
        const entry = await this.entries.read()
        if (entry === null) break
        found.push({ name: entry.name, type: kindOf(entry) })
      }
      return found
    } finally {
      this.busy = false
      if (this.closed) this.entries.closeSync()
    }
  }

  readNow(): DirectoryEntry[] {
    const found: DirectoryEntry[] = []
    while (found.length < ENTRIES) {
      const entry = this.entries.readSync()
      if (entry === null) break
      found.push({ name: entry.name, type: kindOf(entry) })
    }
    return found
  }
}

/** A new directory is named by a prefix, in that for temporary files unless it says where. */
function prefixOf(path: string): string {
  if (path !== '') return path
  return process.getBuiltinModule('node:path').join(process.getBuiltinModule('node:os').tmpdir(), 'drupe-')
}

const OPTIONS = { bufferSize: ENTRIES }
const exclusively = (exclusive: boolean): number =>
  fs().constants.COPYFILE_FICLONE | (exclusive ? fs().constants.COPYFILE_EXCL : 0)

const CALLS: { readonly [K in RequestKind]?: HostCall<RequestKinds[K]['input']> } = {
  sync: { begin: ({ fd }, back) => fs().fsync(fd, back), now: ({ fd }) => fs().fsyncSync(fd) },
  chmod: {
    begin: ({ path, mode }, back) => fs().chmod(path, mode, back),
    now: ({ path, mode }) => fs().chmodSync(path, mode),
    ends: true,
  },
  unlink: {
    once: true,
    begin: ({ path }, back) => fs().unlink(path, back),
    now: ({ path }) => fs().unlinkSync(path),
  },
  rename: {
    once: true,
    begin: ({ path, to }, back) => fs().rename(path, to, back),
    now: ({ path, to }) => fs().renameSync(path, to),
  },
  link: {
    once: true,
    begin: ({ path, to }, back) => fs().link(path, to, back),
    now: ({ path, to }) => fs().linkSync(path, to),
  },
  mkdir: {
    once: true,
    begin: ({ path, mode }, back) => fs().mkdir(path, mode, back),
    now: ({ path, mode }) => fs().mkdirSync(path, mode),
  },
  mkdtemp: {
    once: true,
    begin: ({ path }, back) => fs().mkdtemp(prefixOf(path), back),
    now: ({ path }) => fs().mkdtempSync(prefixOf(path)),
  },
  rmdir: {
    once: true,
    begin: ({ path }, back) => fs().rmdir(path, back),
    now: ({ path }) => fs().rmdirSync(path),
  },
  symlink: {
    once: true,
    begin: ({ path, to }, back) => fs().symlink(path, to, back),
    now: ({ path, to }) => fs().symlinkSync(path, to),
  },
  readlink: { begin: ({ path }, back) => fs().readlink(path, back), now: ({ path }) => fs().readlinkSync(path) },
  realpath: {
    begin: ({ path }, back) => fs().realpath.native(path, back),
    now: ({ path }) => fs().realpathSync.native(path),
  },
  truncate: {
    begin: ({ fd, bytes }, back) => fs().ftruncate(fd, bytes, back),
    now: ({ fd, bytes }) => fs().ftruncateSync(fd, bytes),
    ends: true,
  },
  copy: {
    begin: ({ path, to, exclusive }, back) => fs().copyFile(path, to, exclusively(exclusive), back),
    now: ({ path, to, exclusive }) => fs().copyFileSync(path, to, exclusively(exclusive)),
    ends: true,
  },
  opendir: {
    begin: ({ path }, back) =>
      fs().opendir(path, OPTIONS, (error, entries) => back(error, error ?? new Directory(entries))),
    now: ({ path }) => new Directory(fs().opendirSync(path, OPTIONS)),
    discard: (output) => (output as Directory).close(),
  },
  readdir: {
    begin: ({ handle }, back) => {
      if (!(handle instanceof Directory)) return back(Object.assign(new Error(), { errno: EINVAL }))
      handle.read().then((entries) => back(null, entries), back)
    },
    now: ({ handle }) => (handle as Directory).readNow(),
  },
}

/** What a request of the table wants done; null if it is none. */
export function fileWorkOf(request: Request, hostFd: (fd: number) => number): Work | null {
  const call = CALLS[request.kind] as HostCall<RequestKinds[RequestKind]['input']> | undefined
  if (call === undefined) return null
  const input = 'fd' in request.input ? { ...request.input, fd: hostFd(request.input.fd) } : request.input
  const { discard } = call
  const brings = (output: unknown): Outcome => [0, output ?? 0]
  return {
    begin: (done) => call.begin(input, answer(done, brings)),
    now: () => attempt(() => call.now(input), brings),
    once: call.once === true,
    ...(call.ends === true && { stop: () => {} }),
    ...(discard !== undefined && {
      discard: ([result, output]: Outcome) => {
        if (result >= 0) discard(output)
      },
    }),
  }
}
