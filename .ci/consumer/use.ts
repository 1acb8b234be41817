/** A program of somebody who has the package and a strict compiler: every door, and the types that people name. */
import {
  type ByteStream,
  Kernel,
  type Nursery,
  nursery,
  type Operation,
  Queue,
  run,
  runSync,
  type Scope,
  type Stream,
  scope,
  sleep,
  spawn,
  type Task,
  timeout,
} from 'drupe'
import * as effection from 'drupe/effection'
import * as lowlevel from 'drupe/lowlevel'
import * as testing from 'drupe/testing'

export const doors = { effection, lowlevel, testing }

export function* echo(stream: Stream | ByteStream): Operation<void> {
  for (let chunk = yield* stream.read(); chunk !== null; chunk = yield* stream.read()) yield* stream.write(chunk)
}

function* work(queue: Queue<number>): Operation<number> {
  const task: Task<number> = yield* spawn(function* () {
    yield* sleep(1)
    return yield* queue.get()
  })
  yield* queue.put(20)
  const first: number = yield* timeout(1000, task.join())
  const second = yield* scope({}, function* (s: Scope) {
    yield* s.setDeadline(Number.POSITIVE_INFINITY)
    return 1
  })
  const third: number = yield* nursery(function* (n: Nursery) {
    return (yield* n.spawn(() => sleep(1))).id > 0 ? 21 : 0
  })
  return first + (second ?? 0) + third
}

const results = [runSync(() => work(new Queue<number>())), await run(work(new Queue<number>(1)))]
const kernel = new Kernel({ driver: new lowlevel.HostDriver() })
results.push(await kernel.run(work(new Queue<number>())))
results.push(testing.virtual({ seed: 1 }, () => work(new Queue<number>())))
await kernel.close()
console.log(results.join(' '))
