/**
 * Buffers that are transferred to somebody else while they are being read into and written from: on sockets, pipes, files and
 * with datagrams. Whoever has the memory then must not see a byte of ours in it, and no peer a byte of theirs.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BufferError, connect, listen, moveOn, nursery, type Operation, sleep, spawn, udp } from 'drupe'
import { close, type OpenFlags, openFile, read, write, writeAll } from 'drupe/lowlevel'
import { complain, type Dice } from './kit.js'

const OURS = 0x11
const THEIRS = 0xdb
const LARGEST_PIECE = 400_000
const DATAGRAM_BYTES = 8000
const PATIENCE_MS = 20
const FILE_BYTES = 300_000

/** What has been stolen, and how often that was seen. */
export interface Loot {
  stolen: number
  fell: number
}

interface Way {
  write(bytes: Uint8Array): Operation<unknown>
  read(buffer: Uint8Array): Operation<number>
}

const isFull = (bytes: Uint8Array, filling: number): boolean => bytes.every((byte) => byte === filling)

type Resizable = new (bytes: number, options: { maxByteLength: number }) => ArrayBuffer

/** Memory of any kind that can be transferred. */
function fresh(dice: Dice): Uint8Array {
  const bytes = dice.size(LARGEST_PIECE)
  if (dice.chance(0.2)) return new Uint8Array(new (ArrayBuffer as Resizable)(bytes, { maxByteLength: bytes }))
  return new Uint8Array(bytes)
}

/** Takes its memory away; the one who has it now. */
function steal(view: Uint8Array): Uint8Array {
  const theirs = structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] })
  return new Uint8Array(theirs).fill(THEIRS)
}

/** The first byte, and the rest. */
const inPieces = (view: Uint8Array): readonly Uint8Array[] => [view.subarray(0, 1), view.subarray(1)]

function* withFile<T>(path: string, flags: OpenFlags, body: (fd: number) => Operation<T>): Operation<T> {
  const fd = yield* openFile(path, flags)
  try {
    return yield* body(fd)
  } finally {
    yield* close(fd)
  }
}

/** One way in both directions, until it is cancelled. */
function* lane(way: Way, dice: Dice, loot: Loot): Operation<void> {
  function* attempt(op: Operation<unknown>, view: Uint8Array): Operation<unknown> {
    const task = yield* spawn(function* () {
      try {
        return yield* moveOn(PATIENCE_MS, op, 0)
      } catch (error) {
        if (!(error instanceof BufferError)) throw error
        return 0
      }
    })
    for (let passes = dice.below(4); passes > 0; passes--) yield* sleep(0)
    const theirs = dice.chance(0.5) ? steal(view) : null
    const result = yield* task.join()
    if (theirs === null) return result
    loot.stolen++
    // What is still on its way would come now.
    yield* sleep(dice.below(3))
    if (!isFull(theirs, THEIRS)) loot.fell += complain('a stolen buffer was written to')
    return 0
  }
  yield* nursery(function* (n) {
    yield* n.spawn(function* writer() {
      for (;;) {
        const bytes = fresh(dice).fill(OURS)
        yield* attempt(way.write(bytes), bytes)
      }
    })
    yield* n.spawn(function* reader() {
      for (;;) {
        const buffer = fresh(dice)
        const count = (yield* attempt(way.read(buffer), buffer)) as number
        if (count > 0 && !isFull(buffer.subarray(0, count), OURS))
          loot.fell += complain(`of ${count} bytes some were stolen`)
      }
    })
  })
}

/** A thief on every way there is, until it is cancelled. */
export function* thieves(dice: Dice, loot: Loot): Operation<void> {
  const folder = mkdtempSync(join(tmpdir(), 'drupe-torture-'))
  // Windows removes no file that is open, and an open that was withdrawn gives its file back later.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const [fifo, path] = [join(folder, 'fifo'), join(folder, 'file')]
  const open: (() => Operation<unknown>)[] = []
  try {
    const listener = yield* listen({ host: '127.0.0.1', port: 0 })
    open.push(() => listener.close())
    const client = yield* connect({ host: '127.0.0.1', port: listener.port })
    open.push(() => client.close())
    const server = yield* listener.accept()
    open.push(() => server.close())
    const [sender, receiver] = [yield* udp({ host: '127.0.0.1' }), yield* udp({ host: '127.0.0.1' })]
    open.push(
      () => sender.close(),
      () => receiver.close(),
    )
    const to = { host: '127.0.0.1', port: receiver.port }
    yield* withFile(path, 'w', (fd) => writeAll(fd, new Uint8Array(FILE_BYTES).fill(OURS)))
    const ways: Way[] = [
      { write: (bytes) => client.write(bytes), read: (buffer) => server.readInto(buffer) },
      { write: (bytes) => server.writeSome(inPieces(bytes)), read: (buffer) => client.readInto(buffer) },
      {
        write: (bytes) => withFile(`${path}2`, 'w', (fd) => writeAll(fd, bytes)),
        read: (buffer) => withFile(path, 'r', (fd) => read(fd, buffer)),
      },
      {
        write: (bytes) => sender.send(bytes.subarray(0, DATAGRAM_BYTES), to),
        *read() {
          const { bytes } = yield* receiver.receive()
          if (!isFull(bytes, OURS)) loot.fell += complain('a stolen datagram was sent')
          return 0
        },
      },
    ]
    // Windows has no FIFOs.
    if (process.platform !== 'win32') {
      execFileSync('mkfifo', [fifo])
      const opening = yield* spawn(openFile(fifo, 'r'))
      const into = yield* openFile(fifo, 'w')
      open.push(() => close(into))
      const from = yield* opening.join()
      open.push(() => close(from))
      ways.push({
        write: (bytes) => (dice.chance(0.5) ? writeAll(into, bytes) : write(into, inPieces(bytes))),
        read: (buffer) => read(from, dice.chance(0.5) ? buffer : inPieces(buffer)),
      })
    }
    yield* nursery(function* (n) {
      for (const way of ways) yield* n.spawn(lane(way, dice, loot))
    })
  } finally {
    for (const end of open) yield* end()
  }
}
