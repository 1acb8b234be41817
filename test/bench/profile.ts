/**
 * Where does the time go? A CPU profile of one server under load, or of one small bench of ours.
 *
 * One idea: two instruments, each in a run of its own, since each would show in the other. V8's profiler knows the parts of
 * the house but takes a system call for a leaf; perf knows the system calls but takes our JavaScript for one lump. Both
 * are scaled to what a request costs, so the two tables can be laid side by side.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parts, readProfile, type Shares } from './cpuprofile.js'
import type { Sample, Variant } from './harness.js'
import { cores, drive, type Load, noLoad } from './load.js'
import type { Bench } from './micro.js'
import type { Options } from './options.js'
import { countCalls, perf, readRecording, recordCommand, recordProcess } from './perf.js'
import { listening, start } from './process.js'
import { bytes, digits, machine, show, table } from './report.js'
import { ourServers, peerServers } from './servers.js'
import { pinned, root, variant } from './tools.js'

const patience = 300_000
const most = 20

interface Subject extends Variant {
  /** A file name. */
  readonly file: string
  readonly server: boolean
}

function subject(options: Options): Subject {
  const name = options.words.join(' ')
  const file = join(folder(), name.replace(/\W+/g, '-'))
  const servers = [...ourServers(options, true), ...peerServers()]
  const server = servers.find((v) => v.name === name)
  if (server) return { ...server, file, server: true }
  const [bench = '', ...args] = options.words
  const small = variant(`${bench}-drupe`)
  if (bench !== 'echo' && existsSync(small))
    return { name, command: [process.execPath, '--expose-gc', small, ...args], file, server: false }
  throw new Error(
    `Cannot profile "${name}": name a server (${servers.map((v) => v.name).join(', ')}) or a small bench with its part (switch, spawn, sync lock, timers each, sleepers time)`,
  )
}

function folder(): string {
  const path = join(root(), 'profiles')
  mkdirSync(path, { recursive: true })
  return path
}

const isNode = (v: Variant): boolean => v.command[0] === process.execPath

function withProfiler(v: Subject, seconds: number): Variant {
  const [node = '', ...args] = v.command
  const flags = ['--cpu-prof', `--cpu-prof-dir=${folder()}`, `--cpu-prof-name=${basename(v.file)}.cpuprofile`]
  // A blocking run never hears a signal, so it ends when its time is up.
  const end = v.name.includes('sync') && v.server ? ['--seconds', String(seconds)] : []
  return { ...v, command: [node, '--import', variant('ends'), ...flags, '--cpu-prof-interval=250', ...args, ...end] }
}

const clockUs = (): number => Number(process.hrtime.bigint() / 1000n)

/** V8's profile of a server, between the moments at which the load generator starts and stops counting. */
async function profileServer(v: Subject, load: Load, options: Options): Promise<[Shares, Sample]> {
  const [serverCore, loadCore] = cores(options)
  const server = start(withProfiler(v, load.warmup + load.seconds + 1.5), serverCore)
  try {
    const port = await listening(server)
    let from = 0
    const sample = await drive(server, port, load, loadCore, () => {
      from = clockUs()
    })
    const to = clockUs()
    await server.finish(!v.name.includes('sync'), 30_000)
    return [readProfile(`${v.file}.cpuprofile`, from, to), sample]
  } finally {
    await server.stop()
  }
}

async function profileSmall(v: Subject, options: Options): Promise<Shares> {
  const child = start(withProfiler(v, 0), options.pin ? 0 : undefined)
  try {
    const sample = await child.json(patience)
    await child.finish(false, 30_000)
    console.log(`${v.name}: ${JSON.stringify(sample)} (with the profiler on)\n`)
    return readProfile(`${v.file}.cpuprofile`)
  } finally {
    await child.stop()
  }
}

/** Shares as rows: the parts of the house in their order, then the calls by weight. */
function shareTable(shares: Shares, usPerRequest: number | undefined): string {
  const calls = [...shares.parts].filter(([name]) => name.startsWith('call ')).sort((a, b) => b[1] - a[1])
  const house = Object.values(parts).map((name): [string, number] => [name, shares.parts.get(name) ?? 0])
  return byShare(
    [...calls, ...house]
      .map(([name, us]): [string, number] => [name, (us / shares.busyUs) * 100])
      .filter(([, share]) => share >= 0.05),
    usPerRequest,
    'part',
  )
}

function byShare(
  rows: readonly (readonly [string, number])[],
  usPerRequest: number | undefined,
  title: string,
): string {
  const perRequest = usPerRequest === undefined ? [] : ['µs/request']
  return table(
    [title, '%', ...perRequest],
    rows.map(([name, share]) => [
      name,
      share.toFixed(1),
      ...(usPerRequest === undefined ? [] : [show((share / 100) * usPerRequest)]),
    ]),
  )
}

async function perfServer(tool: string, v: Subject, load: Load, options: Options): Promise<void> {
  const [serverCore, loadCore] = cores(options)
  const server = start(v, serverCore)
  const file = `${v.file}.perf.data`
  try {
    const port = await listening(server)
    // perf looks for a moment at the process before it starts; the load has to outlast it.
    const longer = { ...load, seconds: load.seconds + 1 }
    let watched: Promise<unknown> = Promise.resolve()
    const sample = await drive(server, port, longer, loadCore, () => {
      watched = recordProcess(tool, file, server.pid, load.seconds)
    })
    await watched
    // All calls and all requests: counting begins before the load and ends after it.
    const counted = countCalls(tool, server.pid, load.seconds + 2)
    await wait(700)
    const counting = await drive(server, port, { ...load, warmup: 0 }, loadCore)
    await printRecording(tool, file, sample['cpuUs'])
    const rows = (await counted)
      .map(([name, calls]): [string, number] => [name, calls / (counting['requests'] ?? Number.NaN)])
      .filter(([, each]) => each >= 0.001)
      .sort((a, b) => b[1] - a[1])
    console.log(
      `${table(
        ['system call', 'per request'],
        rows.map(([name, each]) => [name, each.toFixed(3)]),
      )}\n`,
    )
  } finally {
    await server.stop()
  }
}

async function printRecording(tool: string, file: string, usPerRequest: number | undefined): Promise<void> {
  const { places, calls } = await readRecording(tool, file)
  const notable = calls.filter(([, share]) => share >= 0.1).sort((a, b) => b[1] - a[1])
  const lines = places.filter(([, share]) => share >= 0.1).sort((a, b) => b[1] - a[1])
  console.log(`perf: where the code lies; then, of Linux's share, the system calls\n`)
  console.log(`${byShare(lines, usPerRequest, 'place')}\n`)
  console.log(`${byShare(notable, usPerRequest, 'system call')}\n`)
  console.log(`Recording: ${relative(process.cwd(), file)}\n`)
}

function printProfile(v: Subject, shares: Shares, usPerRequest: number | undefined): void {
  if (v.name.includes('sync'))
    console.log('A blocking run waits inside a call of its own, which counts as that call.\n')
  const idle = (shares.idleUs / (shares.idleUs + shares.busyUs)) * 100
  console.log(`V8's profiler: whose time it was (the thread waited for ${digits(idle)} % of the time, not counted)\n`)
  console.log(`${shareTable(shares, usPerRequest)}\n`)
  const functions = [...shares.functions]
    .sort((a, b) => b[1] - a[1])
    .slice(0, most)
    .map(([name, us]): [string, number] => [name, (us / shares.busyUs) * 100])
  console.log(`${byShare(functions, usPerRequest, 'function')}\n`)
  console.log(`Profile: ${relative(process.cwd(), `${v.file}.cpuprofile`)} (open it in a browser's developer tools)\n`)
}

export const bench: Bench = {
  name: 'profile',
  words: 'NAME',
  question: 'Where does the time go? An echo server by its name, or a small bench of ours',
  async run(options) {
    const v = subject(options)
    if (v.skip !== undefined) return console.log(`### profile ${v.name}: skipped: ${v.skip}`)
    const reason = v.server ? noLoad() : undefined
    if (reason !== undefined) return console.log(`### profile ${v.name}: skipped: ${reason}`)
    const connections = options.connections[0] ?? 50
    const size = options.sizes[0] ?? 1024
    const load = { connections, size, seconds: options.seconds ?? 4, warmup: options.warmup ?? 1.5, rate: options.rate }
    const pace = load.rate === undefined ? 'as fast as it goes' : `${load.rate} requests per second`
    console.log(`### profile: ${v.name}${v.server ? `, ${connections} × ${bytes(size)}, ${pace}` : ''}\n`)
    console.log(`${machine()}\n`)
    rmSync(`${v.file}.cpuprofile`, { force: true })
    const tool = perf()

    if (v.server) {
      if (isNode(v)) {
        const [shares, sample] = await profileServer(v, load, options)
        console.log(
          `${digits(sample['reqPerSec'] ?? 0)} requests per second, ${digits(sample['cpuUs'] ?? 0)} µs of CPU each\n`,
        )
        printProfile(v, shares, sample['cpuUs'])
      } else console.log(`No profile of V8's: ${v.name} is not Node.\n`)
      if ('path' in tool) await perfServer(tool.path, v, load, options)
    } else {
      printProfile(v, await profileSmall(v, options), undefined)
      if ('path' in tool) {
        const file = `${v.file}.perf.data`
        await recordCommand(tool.path, file, options.pin ? pinned(0, v.command) : v.command)
        await printRecording(tool.path, file, undefined)
      }
    }
    if ('skip' in tool) console.log(`No split between user and kernel: ${tool.skip}`)
  },
}
