/**
 * What the worker tells the page while a program runs.
 *
 * Times are milliseconds since the program began, on the clock that it runs on. Tasks have numbers
 * of the worker's, because each kernel counts its own from 1.
 */

/** How a task ended. */
export type End = 'done' | 'failed' | 'cancelled'

export type News =
  | { readonly kind: 'print'; readonly at: number; readonly text: string; readonly error: boolean }
  | {
      readonly kind: 'spawn'
      readonly at: number
      readonly task: number
      readonly parent: number
      readonly name: string
    }
  | { readonly kind: 'step'; readonly at: number; readonly task: number; readonly until: number }
  | { readonly kind: 'wait'; readonly at: number; readonly task: number }
  | { readonly kind: 'cancel'; readonly at: number; readonly task: number }
  | { readonly kind: 'end'; readonly at: number; readonly task: number; readonly state: End }
  | { readonly kind: 'full' }
  | { readonly kind: 'over' }

/** What the page asks of the worker. */
export interface Order {
  /** The program, as JavaScript that imports by address. */
  readonly code: string
  /** On a clock that jumps, and with a simulated network, instead of the page's own timers. */
  readonly virtual: boolean
  readonly seed: number
}
