/**
 * The host's timers, queues and clock, as they were when this file was loaded.
 *
 * Tests put fake timers over the globals while they run. A kernel that looked its functions up at
 * each use would then wait for a clock that does not move. So this file takes them once, and all
 * others take them from here. A host without one of them (a browser has no setImmediate) gives
 * `undefined`, as the global itself would be.
 */
export const clearTimeout: typeof globalThis.clearTimeout = globalThis.clearTimeout
export const setTimeout: typeof globalThis.setTimeout = globalThis.setTimeout
export const setInterval: typeof globalThis.setInterval = globalThis.setInterval
export const clearInterval: typeof globalThis.clearInterval = globalThis.clearInterval
export const queueMicrotask: typeof globalThis.queueMicrotask = globalThis.queueMicrotask
export const MessageChannel: typeof globalThis.MessageChannel = globalThis.MessageChannel
// The type is written out, because programs for a browser have no types of Node's.
export const setImmediate: (callback: () => void) => { unref(): unknown } = globalThis.setImmediate

/** Whether the host's `node:fs` watches files: Deno's leaves out what follows a link or rename. */
export const canWatchFiles =
  typeof process === 'object' &&
  typeof process.getBuiltinModule === 'function' &&
  process.versions['deno'] === undefined

const { performance } = globalThis
const read = performance?.now

/** Milliseconds on the host's clock, fractions included. */
export function now(): number {
  return read.call(performance)
}

/** A variable of the environment; undefined if it is empty, or if one may not ask (Deno). */
export function environment(name: string): string | undefined {
  try {
    return (typeof process === 'object' && process.env?.[name]) || undefined
  } catch {
    return undefined
  }
}
