/**
 * The page of an error's code, named in the error when it leaves a kernel in debug mode.
 *
 * That is where a program ends and somebody reads what is printed. An error that a task handles
 * never gets here, so nothing is looked up for it. The pages are in the package.
 */
import { DrupeError } from '../protocol/errors.js'

const SEE = '\n    see node_modules/drupe/docs/errors/'

/** In debug mode writes below the stack of an error of Drupe's where more of it is to read. */
export function withPage(error: unknown, debug = false): unknown {
  if (!debug) return error
  try {
    // A frozen one can be written to on newer engines, whose stack is an accessor.
    if (Object.isFrozen(error)) return error
    if (error instanceof DrupeError && error.code.startsWith('DRUPE_') && !error.stack?.includes(SEE))
      Reflect.set(error, 'stack', `${error.stack}${SEE}${error.code}.md`)
  } catch {
    // Anything can be thrown; it leaves as it is.
  }
  return error
}
