/**
 * The bench command: `npm run bench -- <name> [flags]`; without a name it lists the benches.
 *
 * One idea: one file per question, and this file only knows their names. A bench is loaded when it is asked for, so
 * that asking for one does not look for the tools of another.
 */
import type { Bench } from './micro.js'
import { parseOptions, usage } from './options.js'
import { otherCpuMs } from './process.js'

const benches: Readonly<Record<string, () => Promise<{ bench: Bench }>>> = {
  switch: () => import('./switch.js'),
  spawn: () => import('./spawn.js'),
  handover: () => import('./handover.js'),
  depth: () => import('./depth.js'),
  sync: () => import('./sync.js'),
  sleepers: () => import('./sleepers.js'),
  timers: () => import('./timers.js'),
  garbage: () => import('./garbage.js'),
  echo: () => import('./echo.js'),
  udp: () => import('./udp.js'),
  tls: () => import('./tls.js'),
  turns: () => import('./turns.js'),
  rate: () => import('./rate.js'),
  connections: () => import('./connections.js'),
  host: () => import('./host.js'),
  http: () => import('./http.js'),
  threads: () => import('./threads.js'),
  processes: () => import('./processes.js'),
  files: () => import('./files.js'),
  messages: () => import('./messages.js'),
  start: () => import('./start.js'),
  profile: () => import('./profile.js'),
}

async function main(name: string | undefined, flags: readonly string[]): Promise<void> {
  if (name === undefined || name === '--help') {
    console.log(`${usage}\n`)
    for (const load of Object.values(benches)) {
      const { bench } = await load()
      console.log(`  ${`${bench.name} ${bench.words ?? ''}`.padEnd(16)} ${bench.question}`)
    }
    return
  }
  const load = benches[name]
  if (!load) throw new Error(`There is no bench "${name}". There are: ${Object.keys(benches).join(', ')}`)
  const { bench } = await load()
  const options = parseOptions(flags)
  if (options.words.length > 0 && bench.words === undefined)
    throw new Error(`Cannot do anything with "${options.words.join(' ')}": ${name} takes flags only\n${usage}`)
  const before = otherCpuMs()
  const begin = performance.now()
  await bench.run(options)
  const after = otherCpuMs()
  if (before === undefined || after === undefined) return
  const share = Math.max(0, (after - before) / (performance.now() - begin)) * 100
  console.log(`\nOther processes used ${share.toFixed(0)} % of one core during this run.`)
}

try {
  const [name, ...flags] = process.argv.slice(2)
  await main(name, flags)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
