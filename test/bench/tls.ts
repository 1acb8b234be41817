/**
 * How many echoes over TLS does one core serve, and how many handshakes, beside node:tls?
 *
 * One idea: the closed loop of the echo bench with a load generator in C that speaks TLS; with handshakes each message is a
 * connection of its own. Both servers use the same OpenSSL, that of Node, and certificates of the same kind.
 */
import { perDriver } from './drivers.js'
import { chosen, takeTurns, type Variant } from './harness.js'
import { openJournal } from './journal.js'
import { type Load, measureServer, noLoad } from './load.js'
import type { Bench } from './micro.js'
import type { Options } from './options.js'
import { bytes, type Column, digits, machine, outcomeTable, thousands, whole } from './report.js'
import { variant } from './tools.js'

const columns: readonly Column[] = [
  { key: 'reqPerSec', title: 'k req/s', format: thousands },
  { key: 'p50us', title: 'p50 µs', format: digits },
  { key: 'p99us', title: 'p99 µs', format: digits },
  { key: 'cpuUs', title: 'CPU µs/req' },
  { key: 'busy', title: 'core %', format: whole },
]

const NODE = 'node:tls'

function servers(options: Options): Variant[] {
  return [
    ...perDriver(options, 'tls', [process.execPath, variant('tls-drupe')]),
    { name: NODE, command: [process.execPath, variant('node-tls')] },
  ]
}

export const bench: Bench = {
  name: 'tls',
  question: 'How many echoes over TLS does one core serve, and how many handshakes, beside node:tls?',
  async run(options) {
    const reason = noLoad('tls')
    if (reason !== undefined) return console.log(`### tls: skipped: ${reason}`)
    const rounds = options.rounds ?? 5
    const seconds = options.seconds ?? 3
    const warmup = options.warmup ?? 1
    const connections = options.connections[0] ?? 50
    const variants = chosen(servers(options), options, NODE)
    console.log(`### tls: ${bench.question}\n`)
    console.log(`${machine()} · medians of ${rounds} rounds of ${seconds} s after ${warmup} s of warm-up\n`)
    const cells: readonly (readonly [string, Load])[] = [
      ...[1024, 100 * 1024].map((size): readonly [string, Load] => [
        `${connections} connections × ${bytes(size)}`,
        { connections, size, seconds, warmup, over: 'tls' },
      ]),
      ['handshakes', { connections, size: 1, seconds, warmup, over: 'handshakes' }],
    ]
    for (const [title, load] of cells) {
      const journal = openJournal(options, `tls ${title}, ${seconds} s after ${warmup} s`)
      const outcomes = await takeTurns(variants, rounds, (v) => measureServer(v, load, options), journal)
      console.log(`#### ${title}\n\n${outcomeTable(outcomes, columns, NODE)}\n`)
    }
  },
}
