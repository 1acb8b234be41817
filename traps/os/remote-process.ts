/**
 * A kernel in a process of its own, and what goes over the line to it (process-line.ts).
 *
 * One task has the process, from its start until it is reaped. It is shielded, since a cancel here
 * is a message first: the process ends when it has cleaned up, the line ends with it, and so does
 * the task. If this process dies, the line ends as well, and the other one cancels all and leaves.
 */
import { BrokenError, scopeOf, UnsupportedError } from '../../kernel/protocol/errors.js'
import type { Nursery } from '../../kernel/protocol/handles.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { fileOf } from '../bridge/host-worker.js'
import type { Stream } from '../net/stream.js'
import { atomically } from '../raw/call.js'
import { sleep } from '../raw/time.js'
import { race } from '../scope/combinators.js'
import { nursery, started } from '../scope/nursery.js'
import { moveOn, shield } from '../scope/scope.js'
import { UniversalEvent } from '../sync/universal-event.js'
import { UniversalQueue } from '../sync/universal-queue.js'
import { frameOf, isEnd, receiveFrames } from './frames.js'
import { type Process, startProcess } from './process.js'
import { openLine } from './process-line.js'
import { RemoteKernel } from './remote-kernel.js'
import type { Answer } from './remote-messages.js'

/** Its grace was over before it is terminated, so SIGKILL follows soon. */
const TERMINATED_MS = 250

const MIB = 1024 * 1024

/** Flags of this process that are about its own program. */
const OWN_PROGRAM = /^(-e|-p|-pe|--eval|--print|-i|--interactive|-c|--check|--test)\b/
const OWN_START = /^--(inspect|input-type)/

/** Starts a process that takes calls, as a child of that nursery. It ends when it is told to. */
export function startRemoteProcess(
  n: Nursery,
  name: string,
  maxHeapBytes: number | undefined,
): Operation<RemoteKernel> {
  const engine = typeof process === 'object' ? process.versions : {}
  if (!('node' in engine) || 'deno' in engine) {
    throw new UnsupportedError(`start ${name}`, "it would be a program of Node's, and this is another engine")
  }
  return n.start<RemoteKernel>(() => live(name, argumentsFor(maxHeapBytes)), { daemon: true, name })
}

function argumentsFor(maxHeapBytes: number | undefined): string[] {
  const { execArgv } = process
  const program = execArgv.findIndex((flag) => OWN_PROGRAM.test(flag))
  const flags = (program < 0 ? execArgv : execArgv.slice(0, program)).filter((flag) => !OWN_START.test(flag))
  const heap = maxHeapBytes === undefined ? [] : [`--max-old-space-size=${Math.ceil(maxHeapBytes / MIB)}`]
  return [...flags, ...heap, fileOf('worker-process')]
}

function* live(name: string, args: readonly string[]): Operation<void> {
  const { remote, why } = yield* shield(() => nursery((n) => serve(n, name, args)))
  // Not before it is reaped.
  remote.lost(why)
}

interface End {
  readonly remote: RemoteKernel
  why(action: string): Error
}

function* serve(n: Nursery, name: string, args: readonly string[]): Operation<End> {
  const line = yield* openLine()
  try {
    const child = yield* line.start((options) =>
      startProcess(process.execPath, args, { ...options, stdout: 'inherit', stderr: 'inherit' }),
    )
    const outgoing = new UniversalQueue<readonly Uint8Array[]>()
    const doomed = new UniversalEvent()
    const remote = new RemoteKernel({
      name,
      hosted: false,
      post: (request) => void outgoing.tryPut(frameOf(request)),
      // There is nothing that both can look at.
      begun: () => true,
      hold: () => {},
      terminate: () => atomically(() => doomed.set()),
    })
    yield* n.spawn(() => terminate(child, doomed), { daemon: true, name: `the end of ${name}` })
    yield* started(remote)
    const talk = function* (): Operation<never> {
      const stream = yield* line.connected()
      yield* n.spawn(() => send(stream, outgoing), { daemon: true, name: `to ${name}` })
      return yield* receiveFrames<Answer>(stream, remote)
    }
    try {
      return { remote, why: yield* untilItEnds(talk, child, name, doomed) }
    } catch (cause) {
      remote.lost((action) => new BrokenError(action, `the line to ${name} failed`, undefined, { cause }))
      throw cause
    }
  } finally {
    yield* line.close()
  }
}

/** What cannot be sent any more is missed by nobody: the line has ended. */
function* send(stream: Stream, outgoing: UniversalQueue<readonly Uint8Array[]>): Operation<void> {
  try {
    for (;;) yield* stream.write(yield* outgoing.get())
  } catch (error) {
    if (!isEnd(error)) throw error
  }
}

/** Makes the errors of those whose calls are under way. */
function* untilItEnds(
  talk: () => Operation<never>,
  child: Process,
  name: string,
  doomed: UniversalEvent,
): Operation<End['why']> {
  let cause: unknown
  try {
    yield* race([talk, () => sometimeAfter(child)])
  } catch (error) {
    if (scopeOf(error) !== null) throw error
    if (!isEnd(error)) cause = error
  }
  // The line may have ended alone.
  if ((yield* moveOn(TERMINATED_MS, child.wait())) === undefined) doomed.set()
  const { code, signal } = yield* child.wait()
  const how = signal === null ? `with exit code ${code}` : `by ${signal}`
  return (action) => new BrokenError(action, `${name} has ended by itself, ${how}`, undefined, { cause })
}

/** What it has started may have the line, too; what it has said itself is read by then. */
function* sometimeAfter(child: Process): Operation<void> {
  yield* child.wait()
  yield* sleep(TERMINATED_MS)
}

function* terminate(child: Process, doomed: UniversalEvent): Operation<void> {
  yield* doomed.wait()
  yield* child.kill('SIGTERM')
  yield* sleep(TERMINATED_MS)
  yield* child.kill('SIGKILL')
}
