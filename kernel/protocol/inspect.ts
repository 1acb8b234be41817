/**
 * One line for `console.log`: what a task, a scope, a kernel, a stream is, instead of all that
 * hangs on it.
 *
 * Node asks an object for its text under a name that every program can know; other hosts do not
 * ask.
 */

/** The name of the method that Node's `console.log` calls. */
export const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom')
