/** A worker thread that wakes the kernel whose token it was given, after some milliseconds. */
import { workerData } from 'node:worker_threads'
import type { WakeToken } from '../../kernel/driver/contract.js'
import { wakeFromThread } from '../../native/notify.js'

const { token, ms } = workerData as { token: WakeToken; ms: number }
setTimeout(() => wakeFromThread(token), ms)
