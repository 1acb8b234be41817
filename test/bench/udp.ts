/**
 * How many datagrams does one core echo, beside node:dgram?
 *
 * One idea: the closed loop of the echo bench with a load generator in C that speaks UDP: so many sockets, one datagram of each
 * in flight. All servers have one socket,
 * as UDP wants it. The C servers say what of it is the OS's, and what batches (recvmmsg, sendmmsg) could save.
 */
import { perDriver } from './drivers.js'
import { chosen, takeTurns, type Variant, withTool } from './harness.js'
import { openJournal } from './journal.js'
import { type Load, measureServer, noLoad } from './load.js'
import type { Bench } from './micro.js'
import type { Options } from './options.js'
import { bytes, type Column, digits, machine, outcomeTable, thousands, whole } from './report.js'
import { compileC, variant } from './tools.js'

const columns: readonly Column[] = [
  { key: 'reqPerSec', title: 'k echoes/s', format: thousands },
  { key: 'p50us', title: 'p50 µs', format: digits },
  { key: 'p99us', title: 'p99 µs', format: digits },
  { key: 'cpuUs', title: 'CPU µs/echo' },
  { key: 'busy', title: 'core %', format: whole },
  { key: 'lost', title: 'lost', format: whole },
]

const NODE = 'node:dgram'

function servers(options: Options): Variant[] {
  return [
    ...perDriver(options, 'udp', [process.execPath, variant('udp-drupe')]),
    { name: NODE, command: [process.execPath, variant('node-dgram')] },
    withTool('C', compileC('echo-udp.c'), (path) => [path]),
    withTool('C, 64 a call', compileC('echo-udp.c'), (path) => [path, '64']),
  ]
}

export const bench: Bench = {
  name: 'udp',
  question: 'How many datagrams does one core echo, beside node:dgram?',
  async run(options) {
    const reason = noLoad('udp')
    if (reason !== undefined) return console.log(`### udp: skipped: ${reason}`)
    const rounds = options.rounds ?? (options.quick ? 3 : 5)
    const seconds = options.seconds ?? (options.quick ? 2 : 3)
    const warmup = options.warmup ?? 1
    const connections = options.connections[0] ?? 50
    const sizes = options.sizes.length > 0 ? options.sizes : options.quick ? [64] : [64, 1024]
    const variants = chosen(servers(options), options, NODE)
    console.log(`### udp: ${bench.question}\n`)
    console.log(`${machine()} · medians of ${rounds} rounds of ${seconds} s after ${warmup} s of warm-up\n`)
    for (const size of sizes) {
      const title = `${connections} sockets × ${bytes(size)}`
      const load: Load = { connections, size, seconds, warmup, over: 'udp' }
      const journal = openJournal(options, `udp ${title}, ${seconds} s after ${warmup} s`)
      const outcomes = await takeTurns(variants, rounds, (v) => measureServer(v, load, options), journal)
      console.log(`#### ${title}\n\n${outcomeTable(outcomes, columns, NODE)}\n`)
    }
  },
}
