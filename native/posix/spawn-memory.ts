/**
 * The arguments of posix_spawn as C has them: strings that end with a NUL, lists of their addresses
 * that end with a null, and what is to be done in the child before the program begins.
 *
 * Whatever C is given the address of is held here until the call is over.
 */
import type { Call, Libc } from './libc.js'
import { setWord } from './words.js'

/** posix_spawnattr_t is the largest of the structures, with 336 bytes in glibc. */
const STRUCT_BYTES = 512
/** sigset_t has 128 bytes at most. */
const SIGSET_BYTES = 128
const KILL = 9
const O_RDWR = 2

/** Signals 1 to 31, but those two that nobody can catch or ignore. */
function catchable(stop: number): number {
  return 0x7fffffff & ~(1 << (KILL - 1)) & ~(1 << (stop - 1))
}

/** Memory for one call, used again for the next. */
export class SpawnMemory {
  private readonly libc: Libc
  private readonly held: ArrayBufferView[] = []
  private readonly actions = new Uint8Array(STRUCT_BYTES)
  private readonly attributes = new Uint8Array(STRUCT_BYTES)
  private readonly none = new Uint32Array(SIGSET_BYTES / 4)
  private readonly all = new Uint32Array(SIGSET_BYTES / 4)
  private readonly pid = new Int32Array(1)
  private readonly devNull = new TextEncoder().encode('/dev/null\0')
  private readonly devNullAt: number
  readonly actionsAt: number
  readonly attributesAt: number
  readonly pidAt: number

  /** @param stop SIGSTOP's number. */
  constructor(libc: Libc, stop: number) {
    this.libc = libc
    this.all[0] = catchable(stop)
    this.actionsAt = libc.addressOf(this.actions)
    this.attributesAt = libc.addressOf(this.attributes)
    this.pidAt = libc.addressOf(this.pid)
    this.devNullAt = libc.addressOf(this.devNull)
  }

  /** The process that was started last. */
  get startedPid(): number {
    return this.pid[0] as number
  }

  /** The address of a string. */
  string(text: string): number {
    const bytes = new TextEncoder().encode(`${text}\0`)
    this.held.push(bytes)
    return this.libc.addressOf(bytes)
  }

  /** The address of a list of strings, which are one piece of memory. */
  list(texts: readonly string[]): number {
    const bytes = new TextEncoder().encode(texts.map((text) => `${text}\0`).join(''))
    const words = new Uint32Array((texts.length + 1) * 2)
    this.held.push(bytes, words)
    const base = this.libc.addressOf(bytes)
    let at = 0
    for (let i = 0; i < texts.length; i++) {
      setWord(words, i * 2, base + at)
      at = bytes.indexOf(0, at) + 1
    }
    return this.libc.addressOf(words)
  }

  /** What the child does with each of its standard streams: a source, or null for nothing. */
  streams(sources: readonly (number | null)[], addDup2: Call, addOpen: Call): number {
    let failure = 0
    sources.forEach((source, target) => {
      const result =
        source === null
          ? addOpen(this.actionsAt, target, this.devNullAt, O_RDWR, 0)
          : addDup2(this.actionsAt, source, target)
      if (result !== 0) failure = result
    })
    return failure
  }

  /** No signal is blocked, and those that this process ignores are not ignored. */
  signals(setMask: Call, setDefaults: Call): void {
    setMask(this.attributesAt, this.libc.addressOf(this.none))
    setDefaults(this.attributesAt, this.libc.addressOf(this.all))
  }

  /** The call is over. */
  release(): void {
    this.held.length = 0
  }
}
