/**
 * A host with a kernel that echoes as a guest on its loop, and its own work beside it.
 */
import { startHostWork } from './host-work.js'

startHostWork()
await import('./echo-drupe.js')
