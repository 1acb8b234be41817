/**
 * Effection and Drupe in one program: operations of either run inside the other.
 *
 * Neither engine drives the other's generators. `fromEffection` lets Effection run an operation in
 * a scope of its own and waits for its end; a cancel becomes a halt, and is not over before the
 * halt is. `toEffection` is one Effection effect: entering it starts a task, leaving it cancels the
 * task and waits until it is out. So each side keeps its own rules, and structure and context go
 * through both: below a `fromEffection` the tasks of `toEffection` are children of the task that
 * called it, and below a `toEffection` Effection sees the contexts of the scope that it came from.
 *
 * Only the public surface of Effection is used. What its halt does not do (a caller goes on after
 * an asynchronous `finally` under it, effection #1190) it does not do here either, inside Effection
 * code; tasks of Drupe are safe from it.
 */
import {
  createContext,
  createScope,
  type Effect,
  type Operation as EffectionOperation,
  type Scope as EffectionScope,
  type Result,
  scoped,
} from 'effection'
import { operation } from '../../kernel/protocol/debug.js'
import { Cancelled, KernelStateError } from '../../kernel/protocol/errors.js'
import { checkMethods, checkOperation } from '../../kernel/protocol/operands.js'
import { nameOf } from '../../kernel/protocol/operation.js'
import type { Op, Operation } from '../../kernel/protocol/trap.js'
import { context } from '../scope/context.js'
import { nursery } from '../scope/nursery.js'
import { type Agent, KernelAgent, NurseryAgent, type Reply } from './agent.js'
import type { HostKernel } from './async-iterable.js'

/** In a scope of Effection: the agent that runs operations of Drupe here. */
const AGENT = createContext<Agent>('drupe.agent')

/** In a task of Drupe: the scope of Effection that it runs for. */
const SCOPE = context<EffectionScope | undefined>('effection scope', undefined)

/**
 * Runs an operation of Effection inside a task and returns its result. Effection drives it, on the
 * host's event loop: use `run`, not `runSync`. If the task is cancelled while it waits, the
 * operation is halted, and the task goes on (to its own cleanup) when Effection is done with that;
 * an error of its cleanup is thrown. When the grace is over, the task leaves without waiting any
 * longer.
 *
 * @param op An operation of Effection, or a function that returns one.
 * @throws what the operation throws, the same object.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { run, timeout } from 'drupe'
 * import { fromEffection } from 'drupe/effection'
 * import { all, sleep } from 'effection'
 *
 * function* double(n: number) {
 *   yield* sleep(1)
 *   return n * 2
 * }
 * await run(function* () {
 *   const pair = yield* timeout(1000, fromEffection(all([double(1), double(2)])))
 *   console.log(pair.join(' ')) // => 2 4
 * })
 * @see https://frontside.com/effection
 */
export function fromEffection<T>(op: EffectionOperation<T> | (() => EffectionOperation<T>)): Operation<T> {
  checkOperation('run the Effection operation', 'op', op as unknown as Op<T>)
  return operation('fromEffection', function* () {
    const make = typeof op === 'function' ? op : () => op
    const [scope, destroy] = createScope(yield* SCOPE.get())
    return yield* nursery(function* (n) {
      const agent = new NurseryAgent(n)
      const observed = new Set<object>()
      let leaving: Cancelled | null = null
      let outcome: Reply | null = null

      function settle(end: Reply): void {
        agent.post(function* settled() {
          outcome ??= end
        })
      }
      // An error stays inside: outside it would be raised in the Effection task around this one,
      // past all `catch`.
      function* boxed(): EffectionOperation<Reply> {
        try {
          return { ok: true, value: yield* scoped(make) }
        } catch (error) {
          if (leaving !== null) throw error
          return { ok: false, error }
        }
      }
      function halt(): void {
        destroy().then(
          () => settle({ ok: true, value: undefined }),
          (error: unknown) => settle({ ok: false, error }),
        )
      }

      scope.set(AGENT, agent)
      scope.run(boxed).then(
        (end) => leaving ?? settle(end),
        (error: unknown) => leaving ?? settle({ ok: false, error }),
      )
      try {
        while (outcome === null) {
          try {
            yield* agent.serve()
          } catch (error) {
            // The same scope twice: its grace is over.
            if (!(error instanceof Cancelled) || observed.has(error.scope)) throw error
            observed.add(error.scope)
            if (leaving !== null) continue
            // Before the halt: what that throws at once is its outcome, and no longer the
            // operation's.
            leaving = error
            agent.leave()
            halt()
          }
        }
      } finally {
        agent.close()
        if (leaving === null) void destroy()
      }
      return unbox(outcome, leaving) as T
    })
  })
}

function unbox(outcome: Reply, leaving: Cancelled | null): unknown {
  if (!outcome.ok) throw outcome.error
  if (leaving !== null) throw leaving
  return outcome.value
}

/**
 * Makes an operation of Drupe one of Effection. Inside `fromEffection` it runs as a child of the
 * task that called that, with its context; elsewhere on the kernel that is given. Halted, its task
 * is cancelled and Effection waits until it is out, cleanup included; an error of the cleanup is
 * thrown there.
 *
 * @param op An operation of Drupe, or a function that returns one.
 * @param kernel Where to run it. Not needed inside `fromEffection`.
 * @throws (inside Effection) what the operation throws, the same object; TaskCancelledError if its
 * task was cancelled.
 * @throws KernelStateError (inside Effection) if there is neither a kernel nor a `fromEffection`
 * around it.
 * @example
 * import { Kernel, sleep } from 'drupe'
 * import { toEffection } from 'drupe/effection'
 * import { race, run, sleep as effectionSleep } from 'effection'
 *
 * const kernel = new Kernel()
 * function* answer() {
 *   yield* sleep(1)
 *   return 42
 * }
 * console.log(await run(() => race([toEffection(answer, kernel), effectionSleep(60_000)]))) // => 42
 * await kernel.close()
 */
export function toEffection<T>(op: Op<T>, kernel?: HostKernel): EffectionOperation<T> {
  checkOperation('run in Effection', 'op', op)
  if (kernel !== undefined) checkMethods('run in Effection', 'kernel', kernel, 'a Kernel', ['run', 'cancel'])
  const name = nameOf(op)
  const given = kernel === undefined ? undefined : new KernelAgent(kernel)
  return {
    *[Symbol.iterator]() {
      const agent = given ?? (yield* AGENT.get())
      if (agent === undefined) {
        throw new KernelStateError(`run ${name}`, 'there is no kernel: give one, toEffection(op, kernel)')
      }
      return (yield effectOf(agent, op, name)) as T
    },
  }
}

function effectOf(agent: Agent, op: Op<unknown>, name: string): Effect<unknown> {
  return {
    description: `drupe: ${name}`,
    enter(resolve, routine) {
      const job = agent.start(
        () => SCOPE.with(routine.scope, op),
        name,
        (reply) => resolve(reply as Result<unknown>),
      )
      // Also called after the reply; then it is out already.
      return (left) => job.stop((reply) => left(reply as Result<void>))
    },
  }
}
