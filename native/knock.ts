/**
 * Knocking at another thread's kernel: count the knock in shared memory, then wake the kernel to look.
 */
import { wakeFromThread } from './epoll.js'

/**
 * Lets the task that waits in `waker.wait()` go on, from any thread.
 *
 * Who closes the kernel sees to it that nobody knocks any more: the descriptor in the token may be somebody else's then.
 *
 * @param token `waker.token`, by way of `postMessage` or `workerData`.
 */
export function knock(token: { readonly fd: number; readonly knocks: SharedArrayBuffer }): void {
  Atomics.add(new Int32Array(token.knocks), 0, 1)
  wakeFromThread(token)
}
