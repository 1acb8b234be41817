/**
 * Notifying another thread's kernel: count the notification in shared memory, then wake the kernel
 * to look.
 */
import type { WakeToken } from '../kernel/driver/contract.js'
import { wrong } from '../kernel/protocol/operands.js'
import { isUserToken, wakeUser } from './bsd/wake-user.js'
import { isPipeToken, wakePipe } from './posix/wake-pipe.js'
import { isPortToken, wakePort } from './windows/wake-port.js'

/**
 * Lets the task that waits in `waker.wait()` go on, from any thread.
 *
 * Closing the kernel is only safe when no thread notifies it any more: the number in the token may
 * be something else's then.
 *
 * @param token `waker.token`, by way of `postMessage` or `workerData`.
 * @example
 * import { Kernel } from 'drupe'
 * import { notify } from 'drupe/lowlevel'
 *
 * const kernel = new Kernel()
 * const waker = kernel.waker()
 * const waiting = kernel.run(() => waker.wait())
 * notify(waker.token) // from any thread
 * console.log(await waiting) // => 1
 * await kernel.close()
 */
export function notify(token: { readonly wake: WakeToken; readonly notifications: SharedArrayBuffer }): void {
  if (!(token?.notifications instanceof SharedArrayBuffer) || !isWakeToken(token.wake))
    throw wrong('notify', 'token', 'the token of a waker', token, '')
  Atomics.add(new Int32Array(token.notifications), 0, 1)
  wakeFromThread(token.wake)
}

/** Wakes the kernel of another thread. The token is good until that kernel closes its driver. */
export function wakeFromThread(token: WakeToken): void {
  if (isPortToken(token)) wakePort(token)
  else if (isUserToken(token)) wakeUser(token)
  else wakePipe(token)
}

function isWakeToken(token: unknown): token is WakeToken {
  return isPipeToken(token) || isPortToken(token) || isUserToken(token)
}
