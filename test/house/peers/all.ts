/** The peers whose suites were gone through. */
import { curio } from './curio.js'
import { effection } from './effection.js'
import type { PeerSuites } from './peers.js'
import { trio } from './trio.js'

export const PEERS: Readonly<Record<string, PeerSuites>> = { curio, trio, effection }
