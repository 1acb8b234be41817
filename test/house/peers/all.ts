/** The peers whose suites were gone through. */
import { curio } from './curio.js'
import { effection } from './effection.js'
import type { PeerSuites } from './peers.js'
import { curioThreads, trioThreads } from './threads.js'
import { trio } from './trio.js'
import { trioNet } from './trio-net.js'
import { trioOs } from './trio-os.js'
import { uvloop } from './uvloop.js'
import { uvloopNet } from './uvloop-net.js'

export const PEERS: Readonly<Record<string, PeerSuites>> = {
  curio: { ...curio, ...curioThreads },
  trio: { ...trio, ...trioNet, ...trioOs, ...trioThreads },
  effection,
  uvloop: { ...uvloop, ...uvloopNet },
}
