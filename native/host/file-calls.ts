/**
 * The calls on files that need no care of their own: one line each, in a table by kind of request.
 *
 * A line has the call with a call-back, for another thread, and the same call at once. What changes
 * something has the second one only. It is done on this thread, for it must not be done twice
 * (off-loop.ts), nor by a number that may be another file's by then. A copy takes too long for
 * that, and is `alone`. It cannot be taken back when it has begun, so a cancelled task goes on only
 * when nothing of it is under way any more.
 */
import type {
  DirectoryEntry,
  DirectoryHandle,
  Request,
  RequestKind,
  RequestKinds,
} from '../../kernel/driver/contract.js'
import { answer, attempt, fs, kindOf } from './calls.js'
import type { Outcome, Work } from './off-loop.js'

type Back = (error: Error | null | undefined, value?: unknown) => void

interface HostCall<I> {
  begin?(input: I, back: Back): void
  now(input: I): unknown
  readonly alone?: true
  /** Nobody wants what it brought. */
  discard?(output: unknown): void
}

/** As many entries of a directory come at once. */
const ENTRIES = 256

type Entries = import('node:fs').Dir

/** An open directory of the host's. */
class Directory implements DirectoryHandle {
  private closed = false

  constructor(private readonly entries: Entries) {}

  close(): void {
    if (this.closed) return
    this.closed = true
    this.entries.closeSync()
  }

  read(): DirectoryEntry[] {
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
  chmod: { now: ({ path, mode }) => fs().chmodSync(path, mode) },
  unlink: { now: ({ path }) => fs().unlinkSync(path) },
  rename: { now: ({ path, to }) => fs().renameSync(path, to) },
  link: { now: ({ path, to }) => fs().linkSync(path, to) },
  mkdir: { now: ({ path, mode }) => fs().mkdirSync(path, mode) },
  mkdtemp: { now: ({ path }) => fs().mkdtempSync(prefixOf(path)) },
  rmdir: { now: ({ path }) => fs().rmdirSync(path) },
  symlink: { now: ({ path, to }) => fs().symlinkSync(path, to) },
  readlink: { begin: ({ path }, back) => fs().readlink(path, back), now: ({ path }) => fs().readlinkSync(path) },
  realpath: {
    begin: ({ path }, back) => fs().realpath.native(path, back),
    now: ({ path }) => fs().realpathSync.native(path),
  },
  truncate: { now: ({ fd, bytes }) => fs().ftruncateSync(fd, bytes) },
  copy: {
    begin: ({ path, to, exclusive }, back) => fs().copyFile(path, to, exclusively(exclusive), back),
    now: ({ path, to, exclusive }) => fs().copyFileSync(path, to, exclusively(exclusive)),
    alone: true,
  },
  opendir: {
    begin: ({ path }, back) =>
      fs().opendir(path, OPTIONS, (error, entries) => back(error, error ?? new Directory(entries))),
    now: ({ path }) => new Directory(fs().opendirSync(path, OPTIONS)),
    discard: (output) => (output as Directory).close(),
  },
  // Another thread could not be at it meanwhile, nor could what it has read be given back.
  readdir: { now: ({ handle }) => (handle as Directory).read() },
}

/** What a request of the table wants done; null if it is none. */
export function fileWorkOf(request: Request, hostFd: (fd: number) => number): Work | null {
  const call = CALLS[request.kind] as HostCall<RequestKinds[RequestKind]['input']> | undefined
  if (call === undefined) return null
  const input = 'fd' in request.input ? { ...request.input, fd: hostFd(request.input.fd) } : request.input
  const { begin, discard } = call
  const brings = (output: unknown): Outcome => [0, output ?? 0]
  const now = (): Outcome => attempt(() => call.now(input), brings)
  if (begin === undefined) return { once: true, now }
  return {
    begin: (done) => begin(input, answer(done, brings)),
    now,
    ...(call.alone === true && { alone: true, stop: () => {} }),
    ...(discard !== undefined && {
      discard: ([result, output]: Outcome) => {
        if (result >= 0) discard(output)
      },
    }),
  }
}
