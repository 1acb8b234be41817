/**
 * What two kernels say to each other, of which one works for the other.
 *
 * The caller asks for calls, calls them off, says when their grace is over, and asks whether the
 * other one hears at all; that is how a task that takes its time is told from a thread that is
 * stuck. Each call gets exactly one answer.
 */
import type { Operation } from '../../kernel/protocol/trap.js'
import type { Carried } from './carried.js'
import type { Transferable } from './transfer.js'

/** A call. */
export interface CallRequest {
  readonly id: number
  /** The address of a module, and what it exports. */
  readonly module: string
  readonly name: string
  readonly args: readonly unknown[]
  /** How long it has, in milliseconds: clocks differ. */
  readonly left: number
  /** Milliseconds to clean up if the kernel ends, and there may be nobody who says when. */
  readonly grace: number
  /** Values of contexts that travel. */
  readonly context: readonly (readonly [name: string, value: unknown])[]
}

/**
 * What the caller says. `force`: the grace of a call that was cancelled is over. `end`: the kernel
 * is to end, and all of its calls with it.
 */
export type Request =
  | CallRequest
  | { readonly cancel: number }
  | { readonly force: number }
  | { readonly ping: number }
  | { readonly end: true }

/** What comes back. `unread`: why the call or its answer could not be read. `up`: it hears. */
export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: Carried }
  | { readonly id: number; readonly cancelled: true }
  | { readonly id: number; readonly unread: string }
  | { readonly pong: number }
  | { readonly up: true }

/** What carries messages there and back. */
export interface Line {
  /** What it leads to, for messages. */
  readonly name: string
  /** Do answers come through the host's loop? */
  readonly hosted: boolean
  /** @throws if the request cannot be copied. */
  post(request: Request, transfer: readonly Transferable[]): void
  /** Whether the call with this number had begun when the other side was last heard of. */
  begun(id: number): boolean
  /** Whether it keeps the process alive. */
  hold(on: boolean): void
  /** Ends what is there, whatever it does. */
  terminate(): Operation<void>
}
