/**
 * A worker thread that wakes the kernel whose token it was given, after some milliseconds, and
 * says so in `woken`: until then the driver must not be closed, or what it writes goes to
 * whatever has the number by then.
 */
import { workerData } from 'node:worker_threads'
import type { WakeToken } from '../../kernel/driver/contract.js'
import { wakeFromThread } from '../../native/notify.js'

const { token, ms, woken } = workerData as { token: WakeToken; ms: number; woken: Int32Array }
setTimeout(() => {
  wakeFromThread(token)
  Atomics.store(woken, 0, 1)
  Atomics.notify(woken, 0)
}, ms)
