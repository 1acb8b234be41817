/**
 * A kernel in another thread of this process: a worker, and the line to it.
 *
 * Both sides share two numbers. One says whether the thread hears, for a process that exits. The
 * other is the call that began last, so that a call which was sent to a thread that then had to be
 * terminated, and never began, can be made again elsewhere.
 */
import type { ImmediateCalls } from '../../kernel/protocol/calls.js'
import { BrokenError, SystemError } from '../../kernel/protocol/errors.js'
import { type Operation, SUSPEND, SUSPEND_HOST_LOOP, Trap } from '../../kernel/protocol/trap.js'
import type { Giver } from '../../kernel/protocol/wait-queue.js'
import { EXIT, HostWorker } from '../bridge/host-worker.js'
import { ask } from '../raw/call.js'
import { RemoteKernel } from './remote-kernel.js'
import type { Answer } from './remote-messages.js'

/** Where the two numbers are. */
export const PHASE = 0
export const BEGUN = 1

/** What the thread is given. */
export interface ThreadData {
  readonly state: Int32Array
}

/** Starts a thread that takes calls. It keeps the process only while there are some. */
export function* startThread(name: string, maxHeapBytes: number | undefined): Operation<RemoteKernel> {
  yield* NEEDS_HOST_LOOP
  const calls = yield* ask(START, (calls) => calls)
  const state = new Int32Array(new SharedArrayBuffer(8))
  const data: ThreadData = { state }
  const host = new HostWorker({ program: 'worker', name, data, state, maxHeapBytes })
  const { worker } = host
  const remote = new RemoteKernel({
    name,
    hosted: true,
    post: (request, transfer) => host.post(request, transfer),
    // Numbers go round.
    begun: (id) => ((id - Atomics.load(state, BEGUN)) | 0) <= 0,
    hold: (on) => (on ? worker.ref() : worker.unref()),
    terminate: () => host.terminate(),
  })
  worker.on('message', (answer: Answer) => remote.receive(answer))
  // What cannot be read may be the answer to any call: none would ever end.
  worker.on('messageerror', () => host.post(EXIT))
  const lost = (why: string, cause?: unknown): void =>
    remote.lost((action) => new BrokenError(action, `${name} ${why}`, undefined, { cause }))
  host.ended.then(
    (code) => lost(`has ended by itself, with exit code ${code}`),
    (error: unknown) => {
      const refused = refusal(calls, error)
      if (refused === null) lost(`has ended: ${String(error)}`, error)
      else remote.lost(() => refused)
    },
  )
  return remote
}

/**
 * What the system said, if it is why there is no thread: Node has the name at the end of a text.
 */
function refusal(calls: ImmediateCalls, error: unknown): SystemError | null {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  const name = code === 'ERR_WORKER_INIT_FAILED' ? /\b(E[A-Z]+)$/.exec(String(message))?.[1] : undefined
  const number = name === undefined ? undefined : errnos()[name]
  if (name === undefined || number === undefined) return null
  const [, text] = calls.describeError(-number, START)
  return new SystemError({ code: name, errno: -number, syscall: START, text, cause: error })
}

const START = 'start a thread'
const errnos = (): Readonly<Record<string, number>> => process.getBuiltinModule('node:os').constants.errno

const HOST_LOOP: Giver = {
  undo: null,
  hostLoop: [START, "its answers come through the host's loop"],
}

/** In a blocking run no thread is started. */
const NEEDS_HOST_LOOP = new Trap<void>(SUSPEND, (resolve: () => void) => resolve(), HOST_LOOP, SUSPEND_HOST_LOOP)
