/**
 * What does an open connection hold while nothing happens on it?
 *
 * One idea: client and server are two processes, as each side needs a descriptor for every connection: as many as the
 * system allows. The server is weighed after a hundred connections have come and gone (the code is warm, the pools are
 * filled) and again with all of them open, echoed once, and idle; then all must echo once more at the same time. Beside
 * that, a hundred thousand connections over a driver without a system, where the buffers on loan can be counted.
 */
import { spawnSync } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { baseDriver, drivers, ourName, perDriver } from './drivers.js'
import { chosen, type Outcome, type Sample, takeTurns, type Variant, value } from './harness.js'
import { openJournal } from './journal.js'
import { cores } from './load.js'
import type { Bench } from './micro.js'
import type { Options } from './options.js'
import { listening, measureOnce, start } from './process.js'
import { bytes, type Claim, claimTable, machine, outcomeTable, whole } from './report.js'
import { nodeCallback } from './servers.js'
import { onPath, variant } from './tools.js'

const most = 100_000
/** Descriptors that a process needs besides. */
const others = 200
const simulated = 'simulated'

/** A command under a higher limit of descriptors, where that is allowed. */
function withDescriptors(count: number, command: readonly string[]): readonly string[] {
  const tool = onPath('prlimit')
  if ('skip' in tool) return command
  const limited = [tool.path, `--nofile=${count}:${count}`]
  return spawnSync(tool.path, [...limited.slice(1), 'true']).status === 0 ? [...limited, ...command] : command
}

/** How many connections a process may have: those wanted, or as many as the limit allows. */
function allowed(wanted: number): number {
  const [file = '', ...args] = withDescriptors(wanted + others, ['sh', '-c', 'ulimit -Hn'])
  const limit = Number(spawnSync(file, args, { encoding: 'utf8' }).stdout)
  return Number.isNaN(limit) ? wanted : Math.min(wanted, limit - others)
}

function variants(options: Options): Variant[] {
  const command = (file: string, ...args: string[]): string[] => [
    process.execPath,
    '--expose-gc',
    '--max-old-space-size=8192',
    variant(file),
    ...args,
  ]
  return [
    ...['stream', 'borrow'].flatMap((api) => perDriver(options, api, command('connections-drupe', api))),
    { name: nodeCallback, command: command('node-net', 'connections') },
    { name: 'node:net iterator', command: command('node-net', 'connections', 'iterator') },
    ...['stream', 'borrow'].map((api) => ({
      name: `${simulated} ${api}`,
      command: command('connections-canned', api, `n=${most}`),
    })),
  ]
}

async function measure(server: Variant, count: number, options: Options): Promise<Sample> {
  const [serverCore, clientCore] = cores(options)
  if (server.name.startsWith(simulated)) return measureOnce(server, serverCore, 120_000)
  const limited = (command: readonly string[]): readonly string[] => withDescriptors(count + others, command)
  const running = start({ ...server, command: limited(server.command) }, serverCore)
  const client = (port: number, connections: number): ReturnType<typeof start> => {
    const command = [process.execPath, '--max-old-space-size=8192', variant('connections-client')]
    return start({ command: limited([...command, String(port), String(connections)]) }, clientCore)
  }
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
      const first = await all.json(180_000)
      const after = await weigh()
      all.send('again')
      const second = await all.json(60_000)
      const grown = (key: string): number => (after[key] ?? 0) - (before[key] ?? 0)
      return {
        heap: grown('heap') / count,
        held: grown('held') / count,
        rss: grown('rss') / count,
        // The pool keeps some idle buffers, however many connections there are; what counts is how that grows.
        buffers: Math.max(0, Math.round(grown('buffers') / (256 * 1024))),
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

function claims(outcomes: readonly Outcome[], count: number, options: Options): Claim[] {
  const names = [
    ...drivers(options).flatMap((driver) => ['stream', 'borrow'].map((api) => ourName(driver, api))),
    `${simulated} stream`,
    `${simulated} borrow`,
  ]
  return names
    .filter((name) => outcomes.some((o) => o.name === name))
    .flatMap((name): Claim[] => {
      const real = !name.startsWith(simulated)
      const of = real ? count : most
      return [
        {
          text: `${name}: connections that echo, of ${whole(of)}`,
          value: value(outcomes, name, 'echoed'),
          bound: of,
          want: 'at least',
        },
        {
          text: `${name}: heap per idle connection, bytes`,
          value: value(outcomes, name, 'heap'),
          bound: 1536,
          want: 'at most',
        },
        real
          ? {
              text: `${name}: read buffers held by all of them, idle ones of the pool included`,
              value: value(outcomes, name, 'buffers'),
              bound: 64,
              want: 'at most',
            }
          : { text: `${name}: buffers on loan`, value: value(outcomes, name, 'buffers'), bound: 0, want: 'at most' },
      ]
    })
}

export const bench: Bench = {
  name: 'connections',
  question: 'What does an open connection hold while nothing happens on it?',
  async run(options) {
    const rounds = options.rounds ?? (options.quick ? 1 : 3)
    const count = allowed(options.connections[0] ?? (options.quick ? 10_000 : most))
    const ours = ourName(baseDriver(options), 'stream')
    const outcomes = await takeTurns(
      chosen(variants(options), options, ours),
      rounds,
      (v) => measure(v, count, options),
      openJournal(options, `connections ${count}`),
    )
    console.log(`### connections: ${bench.question}\n`)
    console.log(`${machine()} · ${whole(count)} connections, ${whole(most)} simulated · medians of ${rounds} rounds\n`)
    console.log(
      'Per idle connection, after collection: the JavaScript heap; heap and external memory; resident memory. `buffers`: growth of all array buffers together, in read buffers of 256 KiB (simulated: buffers on loan). `all echo`: seconds until all have echoed once more at the same time.\n',
    )
    const columns = [
      { key: 'heap', title: 'heap', format: bytes },
      { key: 'held', title: 'heap + external', format: bytes },
      { key: 'rss', title: 'resident', format: bytes },
      { key: 'buffers', title: 'buffers', format: whole },
      { key: 'echoed', title: 'echoed', format: whole },
      { key: 'seconds', title: 'all echo, s' },
    ]
    console.log(`${outcomeTable(outcomes, columns, ours)}\n`)
    console.log(claimTable(claims(outcomes, count, options)))
  },
}
