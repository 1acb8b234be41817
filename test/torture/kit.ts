/**
 * What the torture programs share: a way to run one on a kernel with nothing left over, random choices from a seed, and
 * bytes that can be compared wherever they are cut.
 *
 * A program is a module with a function `torture(seconds, seed)`. It returns figures; one of them is called `fell`, and
 * counts what must not happen. main.ts runs each program in a process of its own, on each driver and in each mode.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync, watch } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { Kernel, type Op } from 'drupe'
import { assertNoLeaks } from 'drupe/testing'
import { seededRandom } from '../../kernel/random.js'
import { openDescriptors } from '../open-descriptors.js'

/** What a program has counted. */
export type Figures = Record<string, number>

/** What every program exports. */
export type Torture = (seconds: number, seed: number) => Promise<Figures>

/** A prime length, so that nothing that is cut by powers of two repeats itself. */
const TABLE_BYTES = 1_048_573
const LARGEST_PIECE = 512 * 1024

/** Choices from one seed. */
export class Dice {
  readonly random: () => number

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  /** A whole number from 0 to `count - 1`. */
  below(count: number): number {
    return Math.floor(this.random() * count)
  }

  chance(share: number): boolean {
    return this.random() < share
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }

  /** A size from 1 on, of each magnitude as often. */
  size(most: number): number {
    return Math.max(1, Math.min(most, Math.floor(2 ** (this.random() * Math.log2(most)))))
  }
}

const table = Buffer.alloc(TABLE_BYTES + LARGEST_PIECE)
{
  const random = seededRandom(0x5eed)
  for (let i = 0; i < TABLE_BYTES; i++) table[i] = random() * 256
  table.copy(table, TABLE_BYTES, 0, LARGEST_PIECE)
}

/** Endless bytes that begin somewhere in the table; what comes where is known without keeping it. */
export class Sequence {
  constructor(private readonly start: number) {}

  /** The bytes from `position` on. They belong to the table: copy them before they are given away. */
  at(position: number, bytes: number): Uint8Array {
    const from = (this.start + position) % TABLE_BYTES
    return table.subarray(from, from + Math.min(bytes, LARGEST_PIECE))
  }

  /** Are these the bytes from `position` on? */
  matches(position: number, bytes: Uint8Array): boolean {
    for (let done = 0; done < bytes.length; ) {
      const part = bytes.subarray(done, done + LARGEST_PIECE)
      if (Buffer.compare(this.at(position + done, part.length), part) !== 0) return false
      done += part.length
    }
    return true
  }
}

/** On Windows threads have handles, too: V8's and libuv's come and go. One for each connection would be far more. */
const HANDLES_OF_THREADS = process.platform === 'win32' ? 8 : 0
/** How long descriptors may take to go. */
const PATIENCE_MS = 2000
const BLOCKING = process.env['TORTURE_MODE'] === 'blocking'
/** What is gone again before it looks it does not tell (docs/decisions/0055-watching-by-the-host.md). */
export const HOST_WATCHES = process.env['DRUPE_DRIVER'] === 'kqueue'
export const CAN_WATCH = !(HOST_WATCHES && BLOCKING)

/** Descriptors when there has been one more kernel: the library in the place of kqueue closes what was left by then. */
export function openBesides(): number {
  const kernel = new Kernel()
  kernel.runSync(function* () {})
  kernel.closeSync()
  return descriptors()
}

/** Descriptors, but for modules that Node's loader was reading when its thread was ended, and leaves open. */
function descriptors(): number {
  if (process.platform !== 'linux') return openDescriptors()
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return !/\.[cm]?js$/.test(readlinkSync(`/proc/self/fd/${fd}`))
    } catch {
      return true
    }
  }).length
}

/**
 * Runs an operation on a kernel of its own, in the mode that TORTURE_MODE names, and looks for what it left behind: tasks,
 * timers, operations, descriptors. How many of these there are is the result.
 */
export async function drive(op: Op<unknown>): Promise<number> {
  // The first kernel, and the host's first socket and watch, open what stays open for good.
  const host = createServer().listen(0, '127.0.0.1')
  await once(host, 'listening')
  await new Promise((resolve) => host.close(resolve))
  watch(tmpdir()).close()
  // On Windows libuv keeps handles for the first child.
  if (process.platform === 'win32') await once(spawn(process.execPath, ['-e', '']), 'exit')
  const first = new Kernel()
  await first.run(function* () {})
  await first.close()
  const before = openBesides() + HANDLES_OF_THREADS
  const kernel = new Kernel()
  let left = 0
  if (BLOCKING) kernel.runSync(op)
  else await kernel.run(op)
  try {
    assertNoLeaks(kernel)
  } catch (error) {
    console.error(error)
    left++
  }
  await kernel.close()
  // What another thread was doing when it was withdrawn has its file until it is done.
  const end = performance.now() + PATIENCE_MS
  let after = openBesides()
  while (after > before && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    after = openBesides()
  }
  if (after > before) console.error(`${after - before} descriptors are left`)
  return left + Math.max(0, after - before)
}

/** Says what fell, and that it did. */
export function complain(what: string, error?: unknown): number {
  console.error(what, error ?? '')
  return 1
}
