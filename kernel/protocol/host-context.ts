/**
 * The host's ambient context: what Node keeps for AsyncLocalStorage, as the kernel sees it.
 *
 * The host follows its context through its own callbacks, but not from one step of a task to the
 * next. So each task that was started in a context carries it, passes it to its children, and is
 * stepped inside it. What a context is, the host knows (native/host/async-context.ts); here it is
 * something in which a function can be called.
 */
/** A context of the host, as it was when this was made; Node's AsyncResource is one. */
export interface HostContext {
  /**
   * Calls a function in this context; returns what it returns.
   *
   * @param step The function.
   * @param self Its `this`.
   * @param operands Its arguments.
   */
  runInAsyncScope<A extends unknown[], R>(step: (...operands: A) => R, self: unknown, ...operands: A): R
}

/** What a kernel needs of its host to carry contexts. */
export interface HostContexts {
  /**
   * The context of the program itself: the kernel does its own work in it, and not in that of the
   * code that woke it.
   */
  readonly base: HostContext
  /** The present context. */
  make(): HostContext
  /** The present context, or null if there is nothing in it. */
  capture(): HostContext | null
}
