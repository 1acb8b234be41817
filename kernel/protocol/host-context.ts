/**
 * The host's ambient context: what Node keeps for AsyncLocalStorage, as the kernel sees it.
 *
 * The host follows its context through its own call-backs; between two steps of a task it loses sight of it. So each
 * task that was started in one carries it, hands it on to its children, and is stepped inside it. What a context is, and
 * how one is made, the host knows (native/host/async-context.ts); here it is something in which a function can be called.
 */
/** A context of the host's, as it was when this was made; Node's AsyncResource is one. */
export interface HostContext {
  runInAsyncScope<A extends unknown[], R>(step: (...operands: A) => R, self: unknown, ...operands: A): R
}

/** What a kernel needs of its host to carry contexts. */
export interface HostContexts {
  /** That of the program itself: the kernel's own work is done in it, not in that of whoever woke the kernel. */
  readonly base: HostContext
  /** The present one. */
  make(): HostContext
  /** The present one, or null if there is nothing in it. */
  capture(): HostContext | null
}
