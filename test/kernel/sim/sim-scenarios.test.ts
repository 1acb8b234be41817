/**
 * The network scenarios of real sockets, unchanged, on simulated ones: blocking and as a guest, in both styles of driver, in
 * order and shuffled, with reads and writes that move odd pieces.
 */
import test from 'ava'
import { Kernel } from 'drupe'
import { assertNoLeaks, type HostOptions, SimNetwork, virtual } from 'drupe/testing'
import { BUFFER_SCENARIOS } from '../../modes/buffers.js'
import { SERVER_SCENARIOS } from '../../modes/servers.js'
import { STREAM_SCENARIOS } from '../../modes/streams.js'

const SCENARIOS = [...STREAM_SCENARIOS, ...BUFFER_SCENARIOS, ...SERVER_SCENARIOS]
const SEEDS = [1, 2, 3]

/** These rely on a small message coming in one piece. */
const WHOLE = new Set([
  'bytes that arrived before the end are read before it',
  'a read that times out leaves the stream whole',
  'one reader at a time, one writer at a time',
  'nothing to read into, nothing to write, and operands that are none',
  'what read returns belongs to the reader',
  'raw descriptors: read, write, end, close',
])

const hosts: readonly (readonly [string, HostOptions])[] = [
  ['readiness', {}],
  ['completion', { style: 'completion' }],
]

function networkOf(options: HostOptions, seed = 0): SimNetwork {
  const network = new SimNetwork({ seed })
  network.host('main', options)
  return network
}

for (const [style, options] of hosts) {
  for (const { name, op, gives } of SCENARIOS) {
    test(`simulated network, ${style}: ${name}`, (t) => {
      t.deepEqual(virtual({ network: networkOf(options) }, op), gives)
    })

    test(`simulated network, ${style}, as a guest: ${name}`, async (t) => {
      const kernel = new Kernel({ driver: networkOf(options).host('main').driver() })
      try {
        t.deepEqual(await kernel.run(op), gives)
        assertNoLeaks(kernel)
      } finally {
        await kernel.close()
      }
    })
  }
}

for (const seed of SEEDS) {
  for (const { name, op, gives } of SCENARIOS) {
    test(`simulated network, seed ${seed}, in odd pieces: ${name}`, (t) => {
      const style = seed % 2 === 0 ? 'completion' : 'readiness'
      t.deepEqual(virtual({ network: networkOf({ style, partial: WHOLE.has(name) ? 0 : 0.5 }, seed), seed }, op), gives)
    })
  }
}
