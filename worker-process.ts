/**
 * What a process of `fork` and `processPool` runs: a kernel that works for that of another process.
 *
 * Over the line to that process calls come and answers go. When it ends, because the other process
 * says so or has died, all calls are cancelled, clean up within the grace, and the process ends.
 */
import { Kernel } from './doors.js'
import type { Operation } from './kernel/protocol/trap.js'
import type { Stream } from './traps/net/stream.js'
import { frameOf, isEnd, receiveFrames, throughFrame } from './traps/os/frames.js'
import { lineToStarter } from './traps/os/process-line.js'
import { RemoteCalls } from './traps/os/remote-calls.js'
import type { Answer, Request } from './traps/os/remote-messages.js'
import { nursery } from './traps/scope/nursery.js'
import { UniversalEvent } from './traps/sync/universal-event.js'
import { UniversalQueue } from './traps/sync/universal-queue.js'

const kernel = new Kernel()
const ended = new UniversalEvent()
const answers = new UniversalQueue<readonly Uint8Array[]>()

const calls = new RemoteCalls({
  spawn: (op, options) => kernel.spawn(op, options),
  post: (answer: Answer) => void answers.tryPut(frameOf(answer)),
  copy: throughFrame,
  begin: () => {},
  end: () => ended.set(),
})

await kernel.run(() =>
  nursery(function* work(n) {
    const line = yield* lineToStarter()
    const sender = yield* n.spawn(() => send(line))
    yield* n.spawn(() => receive(line), { daemon: true })
    answers.tryPut(frameOf({ up: true } satisfies Answer))
    yield* ended.wait()
    yield* calls.leave()
    answers.shutdown()
    yield* sender.join()
  }),
)
process.exit()

/** Until there will be no more, or nobody reads them. */
function* send(line: Stream): Operation<void> {
  try {
    for (;;) yield* line.write(yield* answers.get())
  } catch (error) {
    if (!isEnd(error)) throw error
  }
}

function* receive(line: Stream): Operation<void> {
  try {
    yield* receiveFrames<Request>(line, calls)
  } catch (error) {
    if (!isEnd(error)) throw error
    ended.set()
  }
}
