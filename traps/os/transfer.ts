/**
 * What goes to another thread and is not copied: a value, and what in it is handed over.
 *
 * An argument and a result are plain values, so what is to be handed over is said beside the value,
 * by something that wraps both and is unwrapped on the way.
 */
import { MessageChannel } from '../../kernel/protocol/host-functions.js'
import { checkList } from '../../kernel/protocol/operands.js'

/**
 * What can be handed over to another thread: a buffer, a port, and what else the host lets go. The
 * host says what that is: its own type is not named here, because there are hosts without it.
 */
export type Transferable = object

/** A value, and what in it is handed over; made by `transfer`. */
export class Transferred<T> {
  /** @internal */
  constructor(
    /** @internal */
    readonly value: T,
    /** @internal */
    readonly list: readonly Transferable[],
  ) {}
}

/**
 * Marks what in an argument, or in a result, of a call to another thread is handed over instead of
 * copied: buffers, ports. This side cannot use them afterwards. Between processes everything is
 * copied, and buffers stay usable.
 *
 * @param value The argument or the result.
 * @param list What in it is handed over.
 * @throws TypeError if `list` is no list.
 * @example
 * import { run, thread, transfer } from 'drupe'
 *
 * const module = new URL(`data:text/javascript,export const last = (bytes) => bytes.at(-1)`)
 * await run(function* () {
 *   const bytes = new Uint8Array(1_000_000).fill(7)
 *   console.log(yield* thread(module, 'last', transfer(bytes, [bytes.buffer]))) // => 7
 *   console.log(bytes.length) // => 0
 * })
 * @see https://developer.mozilla.org/en-US/docs/Web/API/Web_Workers_API/Transferable_objects
 */
export function transfer<T>(value: T, list: readonly Transferable[]): Transferred<T> {
  checkList('transfer the value', 'list', list)
  return new Transferred(value, [...list])
}

/** The class of ports, where the host has one. */
const Port = MessageChannel === undefined ? null : Object.getPrototypeOf(new MessageChannel().port1).constructor

/** The value itself; what is to be handed over is added to `list`. */
export function unwrap(value: unknown, list: Transferable[]): unknown {
  if (value instanceof Transferred) {
    list.push(...value.list)
    return value.value
  }
  // It can be handed over and nothing else.
  if (Port !== null && value instanceof Port) list.push(value as object)
  return value
}
