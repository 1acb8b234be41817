/**
 * A handler for threads.ts: says in which thread it runs, and then does what the client orders.
 */
import { threadId } from 'node:worker_threads'
import { type Operation, type Stream, sleep } from 'drupe'
import { bytes, text } from '../../../modes/net-kit.js'

/** Shared with the test: how many handlers have begun to wait, cleaned up, failed. */
export interface Orders {
  readonly counts: Int32Array
}

export const WAITING = 0
export const CLEANED = 1
export const FAILED = 2

let shared: Int32Array

export default function* obey(stream: Stream, { counts }: Orders): Operation<void> {
  shared = counts
  yield* stream.write(bytes(`${threadId}\n`))
  for (let order = yield* stream.read(); order !== null; order = yield* stream.read()) {
    switch (text(order)) {
      case 'wait':
        try {
          Atomics.add(counts, WAITING, 1)
          yield* sleep(1e6)
        } finally {
          yield* sleep(30)
          Atomics.add(counts, CLEANED, 1)
        }
        break
      case 'finish':
        Atomics.add(counts, WAITING, 1)
        yield* sleep(60)
        yield* stream.write(bytes('finished'))
        Atomics.add(counts, CLEANED, 1)
        return
      case 'exit':
        process.exit(3)
        break
      case 'throw':
        setImmediate(() => {
          throw Object.assign(new RangeError('thrown on purpose'), { code: 'E_ON_PURPOSE' })
        })
        break
      case 'fail':
        throw new Error('failed on purpose')
      case 'stay':
        Atomics.add(counts, WAITING, 1)
        for (;;) Atomics.wait(counts, counts.length - 1, 0, 1000)
      case 'spin':
        Atomics.add(counts, WAITING, 1)
        for (;;);
      case 'fill':
        for (const kept: unknown[] = []; ; ) kept.push(new Array(1000).fill(kept.length))
      default:
        yield* stream.write(order)
    }
  }
}

export function onError(error: unknown): void {
  if (error instanceof Error && error.message === 'failed on purpose') Atomics.add(shared, FAILED, 1)
}
