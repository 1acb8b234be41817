/**
 * Scenarios of files, for every mode that has I/O.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { moveOn, type Operation, sleep, spawn } from 'drupe'
import { close, openFile, read, writeAll } from 'drupe/lowlevel'
import { bytes, text } from './net-kit.js'
import type { Scenario } from './scenarios.js'

function* withFifo<T>(body: (path: string) => Operation<T>): Operation<T> {
  const directory = mkdtempSync(join(tmpdir(), 'drupe-'))
  try {
    const path = join(directory, 'fifo')
    execFileSync('mkfifo', [path])
    return yield* body(path)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

export const FILE_SCENARIOS: readonly Scenario[] = [
  {
    lacking: ['win32'],
    name: 'a limit around the open of a FIFO without a peer expires, and others go on meanwhile',
    op: () =>
      withFifo(function* (path) {
        let slept = 0
        yield* spawn(function* () {
          for (; slept < 3; slept++) yield* sleep(5)
        })
        const results = []
        // The reader last: another thread that forks has a copy of its descriptor, until its child is another program.
        for (const flags of ['w', 'a', 'r'] as const) results.push(yield* moveOn(30, openFile(path, flags), 'expired'))
        return [...results, slept]
      }),
    gives: ['expired', 'expired', 'expired', 3],
  },
  {
    lacking: ['win32'],
    name: 'one task writes to a FIFO that another one reads',
    op: () =>
      withFifo(function* (path) {
        yield* spawn(function* () {
          const fd = yield* openFile(path, 'w')
          yield* writeAll(fd, bytes('hello'))
          yield* close(fd)
        })
        const fd = yield* openFile(path)
        const buffer = new Uint8Array(10)
        const count = yield* read(fd, buffer)
        const end = yield* read(fd, buffer)
        yield* close(fd)
        return [text(buffer.subarray(0, count)), end]
      }),
    gives: ['hello', 0],
  },
]
