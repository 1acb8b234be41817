/**
 * One echo measurement: a fresh server on core 0, the C load generator on core 1.
 *
 * One idea: server and generator never share a core, and the server's CPU time is read at the same two moments at
 * which the generator starts and stops counting; so throughput and cost per request belong to the same interval.
 */
import { availableParallelism } from 'node:os'
import type { Sample, Variant } from './harness.js'
import type { Options } from './options.js'
import { type Child, cpuMs, listening, start } from './process.js'
import { compileC, type Tool } from './tools.js'

export interface Load {
  readonly connections: number
  readonly size: number
  readonly seconds: number
  readonly warmup: number
  /** Requests per second, due at fixed moments; without it a closed loop. */
  readonly rate?: number | undefined
  /** Over TLS: messages, or connections that are one message each. Over UDP: datagrams. Default: messages over TCP. */
  readonly over?: 'tls' | 'handshakes' | 'udp' | undefined
}

/** Core of the server and core of the generator; with a single core there is nothing to choose. */
export function cores(options: Options): readonly [number, number] | readonly [] {
  return options.pin && availableParallelism() > 1 ? [0, 1] : []
}

function generatorFor(over: Load['over']): Tool {
  if (over === undefined) return compileC('load.c')
  return over === 'udp' ? compileC('load-udp.c') : compileC('load-tls.c', '-lssl', '-lcrypto')
}

/** Why no load can be made here, or undefined. */
export function noLoad(over?: Load['over']): string | undefined {
  const tool = generatorFor(over)
  return 'skip' in tool ? tool.skip : undefined
}

/** Drives a server that listens on `port`. `measuring` is called when the warm-up is over. */
export async function drive(
  server: Child,
  port: number,
  load: Load,
  core?: number,
  measuring?: () => void,
): Promise<Sample> {
  const tool = generatorFor(load.over)
  if ('skip' in tool) throw new Error(tool.skip)
  const { connections, size, seconds, warmup } = load
  const pace = load.rate === undefined ? [] : ['--rate', String(load.rate)]
  if (load.over === 'handshakes') pace.push('--handshakes')
  const command = [tool.path, ...pace, '127.0.0.1', ...[port, connections, size, seconds, warmup].map(String)]
  const generator = start({ command }, core)
  try {
    const patience = (warmup + seconds) * 1000 + 20_000
    while ((await generator.line(patience)) !== 'measuring');
    measuring?.()
    const before = cpuMs(server.pid)
    const sample = await generator.json(patience)
    const after = cpuMs(server.pid)
    const requests = sample['requests'] ?? 0
    if (before === undefined || after === undefined || requests === 0) return sample
    const used = after - before
    return { ...sample, cpuUs: (used * 1000) / requests, busy: (used / (seconds * 1000)) * 100 }
  } finally {
    await generator.stop()
  }
}

/** Starts a server, loads it, stops it. */
export async function measureServer(variant: Variant, load: Load, options: Options): Promise<Sample> {
  const [serverCore, loadCore] = cores(options)
  const server = start(variant, serverCore)
  try {
    return await drive(server, await listening(server), load, loadCore)
  } finally {
    await server.stop()
  }
}
