/**
 * Does the host still get its turns while a kernel echoes at full load as its guest?
 *
 * One idea: lateness needs a yardstick, so beside our server stand node:net under the same load, which shares the
 * loop by its nature, and the host's work without any load at all.
 */

import { setTimeout as wait } from 'node:timers/promises'
import { baseDriver, ourName, perDriver } from './drivers.js'
import { chosen, type Outcome, type Sample, takeTurns, type Variant, value } from './harness.js'
import { openJournal } from './journal.js'
import { cores, drive, noLoad } from './load.js'
import type { Bench } from './micro.js'
import type { Options } from './options.js'
import { listening, start } from './process.js'
import { bytes, type Claim, claimTable, machine, outcomeTable, thousands } from './report.js'
import { apis, nodeCallback } from './servers.js'
import { variant } from './tools.js'

const noLoadName = 'no load'

function variants(options: Options): Variant[] {
  const command = (file: string, ...args: string[]): string[] => [process.execPath, variant(file), ...args]
  return [
    ...apis.flatMap((api) => perDriver(options, api, command('host-drupe', '--api', api))),
    { name: nodeCallback, command: command('node-net', 'host') },
    { name: noLoadName, command: command('node-net', 'host') },
  ]
}

async function measure(
  v: Variant,
  connections: number,
  size: number,
  seconds: number,
  options: Options,
): Promise<Sample> {
  const [serverCore, loadCore] = cores(options)
  const server = start(v, serverCore)
  try {
    const port = await listening(server)
    let load: Sample = {}
    if (v.name === noLoadName) {
      await wait(1000)
      server.send('begin')
      await wait(seconds * 1000)
    } else {
      load = await drive(server, port, { connections, size, seconds, warmup: options.warmup ?? 1 }, loadCore, () =>
        server.send('begin'),
      )
    }
    // The answer to `begin`, then the report.
    await server.json(30_000)
    server.send('report')
    return { ...load, ...(await server.json(30_000)) }
  } finally {
    await server.stop()
  }
}

function claims(outcomes: readonly Outcome[], at: string): Claim[] {
  return outcomes
    .filter((o) => o.name.startsWith('drupe'))
    .flatMap(({ name }) => [
      {
        text: `${name}: host timer lateness p99, ms, ${at}`,
        value: value(outcomes, name, 'lateP99'),
        bound: 20,
        want: 'at most' as const,
      },
      {
        text: `${name}: fetches per second, ${at}`,
        value: value(outcomes, name, 'fetchesPerSec'),
        bound: 1,
        want: 'at least' as const,
      },
      {
        text: `${name}: file reads per second, ${at}`,
        value: value(outcomes, name, 'readsPerSec'),
        bound: 1,
        want: 'at least' as const,
      },
    ])
}

export const bench: Bench = {
  name: 'host',
  question: 'Does the host still get its turns while a kernel echoes at full load as its guest?',
  async run(options) {
    const reason = noLoad()
    if (reason !== undefined) return console.log(`### host: skipped: ${reason}`)
    const rounds = options.rounds ?? (options.quick ? 2 : 5)
    const seconds = options.seconds ?? (options.quick ? 2 : 5)
    const connections = options.connections[0] ?? 50
    const sizes = options.sizes.length > 0 ? options.sizes : [1024, 100 * 1024]
    const columns = [
      { key: 'reqPerSec', title: 'k req/s', format: thousands },
      { key: 'lateP50', title: 'timer late p50, ms' },
      { key: 'lateP99', title: 'p99, ms' },
      { key: 'lateMax', title: 'max, ms' },
      { key: 'timersPerSec', title: 'timers/s' },
      { key: 'fetchesPerSec', title: 'fetches/s' },
      { key: 'fetchP99', title: 'fetch p99, ms' },
      { key: 'readsPerSec', title: 'reads/s' },
      { key: 'readP99', title: 'read p99, ms' },
    ]
    console.log(`### host: ${bench.question}\n`)
    console.log(`${machine()} · medians of ${rounds} rounds of ${seconds} s\n`)
    console.log(
      'The host sets a timer of 10 ms again and again, and fetches and reads a file 5 ms after the last time.\n',
    )
    const all: Claim[] = []
    const ours = ourName(baseDriver(options), 'borrow')
    for (const size of sizes) {
      const at = `${connections} × ${bytes(size)}`
      const outcomes = await takeTurns(
        chosen(variants(options), options, ours),
        rounds,
        (v) => measure(v, connections, size, seconds, options),
        openJournal(options, `host ${at}, ${seconds} s`),
      )
      console.log(`#### ${at}\n\n${outcomeTable(outcomes, columns, ours)}\n`)
      all.push(...claims(outcomes, at))
    }
    console.log(claimTable(all))
  },
}
