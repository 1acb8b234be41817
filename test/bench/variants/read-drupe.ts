/**
 * What `{ timeout }` costs on a read: nanoseconds per read without and with it, in turns in one process, and the median of
 * the differences between neighbours. `at once`: the bytes are there, and no timer is set. `waits`: they come with the next
 * poll, so the timer is set and taken back. The word among the arguments (`inline`, `read`) says which. Over the driver without a system, because a system call varies by more than
 * what is measured.
 */
import { Kernel, listen, type Operation, type Stream } from 'drupe'
import { CannedDriver, type Manner } from './canned-driver.js'
import { asked, now, print } from './measure.js'

const reads = 200_000
const rounds = 25
const timeout = { timeout: 60_000 }

function* plain(stream: Stream): Operation<number> {
  const begin = now()
  for (let i = 0; i < reads; i++) yield* stream.borrow()
  return (now() - begin) / reads
}

function* timed(stream: Stream): Operation<number> {
  const begin = now()
  for (let i = 0; i < reads; i++) yield* stream.borrow(undefined, timeout)
  return (now() - begin) / reads
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN

function measure(manner: Manner): readonly [without: number, difference: number] {
  return new Kernel({ driver: new CannedDriver(manner, 1) }).runSync(function* () {
    const listener = yield* listen({ host: '127.0.0.1', port: 0 })
    const stream = yield* listener.accept()
    const without: number[] = []
    const differences: number[] = []
    for (let round = 0; round < rounds + 3; round++) {
      const first = round % 2 === 0 ? yield* plain(stream) : yield* timed(stream)
      const second = round % 2 === 0 ? yield* timed(stream) : yield* plain(stream)
      if (round < 3) continue
      without.push(round % 2 === 0 ? first : second)
      differences.push(round % 2 === 0 ? second - first : first - second)
    }
    return [median(without), median(differences)]
  })
}

if (asked('inline')) {
  const [inline, inlineTimeout] = measure('at once')
  print({ inline, inlineTimeout })
} else if (asked('read')) {
  const [read, readTimeout] = measure('at the next poll')
  print({ read, readTimeout })
} else print({})
