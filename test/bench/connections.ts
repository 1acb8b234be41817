/**
 * What does an open connection hold while nothing happens on it?
 *
 * One idea: client and server are two processes, as ten thousand connections need that many descriptors on each side.
 * The server is weighed after a hundred connections have come and gone (the code is warm, the pools are filled) and
 * again with all of them open, echoed once, and idle; then all must echo once more at the same time.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { chosen, type Sample, takeTurns, type Variant, value } from './harness.js'
import { cores } from './load.js'
import type { Bench } from './micro.js'
import type { Options } from './options.js'
import { listening, start } from './process.js'
import { bytes, claimTable, machine, outcomeTable, whole } from './report.js'
import { variant } from './tools.js'

const ours = 'drupe stream'

function variants(): Variant[] {
  const node = (name: string, file: string, ...args: string[]): Variant => ({
    name,
    command: [process.execPath, '--expose-gc', variant(file), ...args],
  })
  return [
    node(ours, 'connections-drupe', 'stream'),
    node('drupe borrow', 'connections-drupe', 'borrow'),
    node('node:net', 'connections-node'),
    node('node:net iterator', 'connections-node', 'iterator'),
  ]
}

async function measure(server: Variant, count: number, options: Options): Promise<Sample> {
  const [serverCore, clientCore] = cores(options)
  const running = start(server, serverCore)
  const client = (port: number, connections: number): ReturnType<typeof start> =>
    start({ command: [process.execPath, variant('connections-client'), String(port), String(connections)] }, clientCore)
  const weigh = async (): Promise<Sample> => {
    // The server still has closed or fresh connections to look after.
    await wait(500)
    running.send('memory')
    return running.json(30_000)
  }
  try {
    const port = await listening(running)
    const few = client(port, 100)
    await few.json(30_000)
    await few.stop()
    const before = await weigh()

    const all = client(port, count)
    try {
      const first = await all.json(60_000)
      const after = await weigh()
      all.send('again')
      const second = await all.json(60_000)
      const each = (key: string): number => ((after[key] ?? 0) - (before[key] ?? 0)) / count
      return {
        heap: each('heap'),
        held: each('held'),
        rss: each('rss'),
        echoed: Math.min(first['echoed'] ?? 0, second['echoed'] ?? 0),
        seconds: second['seconds'] ?? 0,
      }
    } finally {
      await all.stop()
    }
  } finally {
    await running.stop()
  }
}

export const bench: Bench = {
  name: 'connections',
  question: 'What does an open connection hold while nothing happens on it?',
  async run(options) {
    const rounds = options.rounds ?? (options.quick ? 1 : 3)
    const count = options.connections[0] ?? 10_000
    const outcomes = await takeTurns(chosen(variants(), options, ours), rounds, (v) => measure(v, count, options))
    console.log(`### connections: ${bench.question}\n`)
    console.log(`${machine()} · ${whole(count)} connections · medians of ${rounds} rounds\n`)
    console.log(
      'Per idle connection, after collection: the JavaScript heap; heap and external memory; resident memory. `all echo`: seconds until all have echoed once more at the same time.\n',
    )
    const columns = [
      { key: 'heap', title: 'heap', format: bytes },
      { key: 'held', title: 'heap + external', format: bytes },
      { key: 'rss', title: 'resident', format: bytes },
      { key: 'echoed', title: 'echoed', format: whole },
      { key: 'seconds', title: 'all echo, s' },
    ]
    console.log(`${outcomeTable(outcomes, columns, ours)}\n`)
    console.log(
      claimTable([
        {
          text: `connections that echo, of ${whole(count)}`,
          value: value(outcomes, ours, 'echoed'),
          bound: count,
          want: 'at least',
        },
        {
          text: 'heap per idle connection, bytes',
          value: value(outcomes, ours, 'heap'),
          bound: 3 * 1024,
          want: 'at most',
        },
      ]),
    )
  },
}
