/**
 * A program that writes to a disk until it is full, and compares the files with what it was told, byte by byte.
 *
 * `node disk.js limit|tmpfs <seed>`, with DRUPE_DRIVER. The disk is a limit on the size of files, or a small file system, where
 * this process may mount one. The last line is `held`, or what was wrong.
 */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Driver, IoOp } from '../../kernel/driver/contract.js'
import { seededRandom } from '../../kernel/random.js'
import { openLibc } from '../../native/linux/libc.js'
import { SEEK_CUR, SEEK_SET } from '../../native/posix/constants.js'
import { chooseDriver } from '../../native/select.js'
import { gatherOp, ok, Rig, readOp, writeOp } from './rig.js'

const WRITES = 1000
const LIMIT_BYTES = 300_000
const DISK_BYTES = 1 << 20

const [kind, seed] = process.argv.slice(2)
const directory = mkdtempSync(join(tmpdir(), 'drupe-disk-'))
const next = seededRandom(Number(seed))
const below = (bound: number): number => Math.floor(next() * bound)
const rig = new Rig(chooseDriver() as Driver)
const { lseek, koffi, addressOf } = openLibc()

function limit(): void {
  const RLIMIT_FSIZE = 1
  const limits = new BigUint64Array([BigInt(LIMIT_BYTES), BigInt(LIMIT_BYTES)])
  ok(koffi.load(null).func('setrlimit', 'int', ['int', 'uintptr_t'])(RLIMIT_FSIZE, addressOf(limits)))
}

/** False: it is not allowed here. */
function mount(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'none', directory], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A file, and what it has to be. */
class Book {
  readonly path: string
  readonly fd: number
  readonly appends: boolean
  bytes = new Uint8Array(0)
  position = 0

  constructor(name: string, flags: string) {
    this.path = join(directory, name)
    writeFileSync(this.path, '')
    this.fd = openSync(this.path, flags)
    this.appends = flags.startsWith('a')
  }

  /** So many of these bytes were written. */
  wrote(bytes: Uint8Array, count: number): void {
    if (this.appends && count > 0) this.position = this.bytes.length
    const end = this.position + count
    if (end > this.bytes.length) {
      const grown = new Uint8Array(end)
      grown.set(this.bytes)
      this.bytes = grown
    }
    this.bytes.set(bytes.subarray(0, count), this.position)
    this.position = end
  }

  clear(): void {
    truncateSync(this.path)
    ok(lseek(this.fd, 0, SEEK_SET))
    this.bytes = new Uint8Array(0)
    this.position = 0
  }

  /** What differs, or nothing. */
  check(step: string): void {
    const found = readFileSync(this.path)
    if (Buffer.compare(found, this.bytes) !== 0)
      throw new Error(`${step}: ${this.path} has ${found.length} bytes, ${this.bytes.length} expected, or others`)
    const position = lseek(this.fd, 0, SEEK_CUR)
    if (position !== this.position) throw new Error(`${step}: position ${position} instead of ${this.position}`)
  }
}

/** One write, in one piece or in several, to the end or as far as it comes. */
function writing(fd: number, bytes: Uint8Array): IoOp<unknown> {
  const cut = below(bytes.length)
  const op = below(2) === 0 ? writeOp(fd, bytes) : gatherOp(fd, [bytes.subarray(0, cut), bytes.subarray(cut)])
  op.all = below(2) === 0
  return op
}

function play(): void {
  const books = [new Book('written', 'w+'), new Book('changed', 'r+'), new Book('appended', 'a+')]
  let cut = 0
  let failed = 0
  for (let i = 0; i < WRITES; i++) {
    const book = books[below(books.length)] as Book
    const bytes = new Uint8Array(1 + below(below(3) === 0 ? 200_000 : 5000)).map(() => below(256))
    const step = `write ${i} of ${bytes.length} bytes at ${book.position}`
    if (below(4) === 0 && !book.appends) {
      book.position = below(book.bytes.length + 1)
      ok(lseek(book.fd, book.position, SEEK_SET))
    }
    if (below(5) === 0) {
      const op = readOp(book.fd, 1 + below(10_000))
      const count = ok(rig.run(op))
      const expected = book.bytes.subarray(book.position, book.position + op.length)
      if (Buffer.compare((op.buffer as Uint8Array).subarray(0, count), expected) !== 0)
        throw new Error(`${step}: other bytes were read`)
      book.position += count
    }
    const op = writing(book.fd, bytes)
    const result = rig.run(op)
    const moved = result < 0 ? op.moved : result
    if (result < 0) failed++
    else if (moved < bytes.length) cut++
    if (result >= 0 && op.all && moved !== bytes.length) throw new Error(`${step}: said to have written ${moved}`)
    if (result < 0 && !['EFBIG', 'ENOSPC'].includes(rig.driver.describeError(result)[0]))
      throw new Error(`${step}: failed with ${result}`)
    book.wrote(bytes, moved)
    book.check(step)
    if (below(20) === 0) (books[below(books.length)] as Book).clear()
  }
  if (cut === 0 || failed === 0) throw new Error(`The disk was never full: ${cut} cut short, ${failed} failed`)
  for (const { fd, path } of books) {
    closeSync(fd)
    unlinkSync(path)
  }
}

process.on('SIGXFSZ', () => {})
let mounted = false
try {
  if (kind === 'limit') limit()
  else mounted = mount()
  if (kind !== 'limit' && !mounted) console.log('skipped: this process may not mount a file system')
  else {
    play()
    console.log('held')
  }
} catch (error) {
  console.log(String(error))
} finally {
  rig.driver.close()
  if (mounted) execFileSync('umount', ['-l', directory])
  rmSync(directory, { recursive: true })
}
