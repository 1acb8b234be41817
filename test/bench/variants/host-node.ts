/**
 * The same host with an echo server on node:net; with `idle` the server gets no load and shows what the work alone does.
 */
import { startHostWork } from './host-work.js'

startHostWork()
await import('./echo-node-callback.js')
