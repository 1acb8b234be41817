/**
 * What Linux's own profiler says of a process: how its time splits between user and kernel, which system calls it is in,
 * and how many it makes.
 *
 * One idea: a JavaScript profile cannot see into a system call, and this can. `perf` is asked for two plain reports, and
 * where it is missing or not allowed the reason is printed instead.
 */
import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { onPath } from './tools.js'

const run = promisify(execFile)
const much = { maxBuffer: 1 << 28 }
const samplesPerSecond = 1999

/** The path of a perf that works here, or why there is none. */
export function perf(): { readonly path: string } | { readonly skip: string } {
  const tool = onPath('perf')
  if ('skip' in tool) return tool
  const { status, stderr } = spawnSync(tool.path, ['record', '-o', '/dev/null', 'true'], { encoding: 'utf8' })
  return status === 0 ? tool : { skip: `perf may not record here: ${stderr.trim().split('\n')[0] ?? ''}` }
}

/** Samples a process, with call chains, for so many seconds. */
export async function recordProcess(tool: string, file: string, pid: number, seconds: number): Promise<void> {
  await run(tool, [...recording(file), '-p', String(pid), '--', 'sleep', String(seconds)], much)
}

/** Samples a command from its start to its end. */
export async function recordCommand(tool: string, file: string, command: readonly string[]): Promise<void> {
  await run(tool, [...recording(file), '--', ...command], much)
}

const recording = (file: string): string[] => ['record', '-q', '-g', '-F', String(samplesPerSecond), '-o', file]

/** Share of samples by where the code lies (the kernel, node, the C library, koffi, code made by V8), and by system call. */
export async function readRecording(
  tool: string,
  file: string,
): Promise<{ places: [string, number][]; calls: [string, number][] }> {
  const report = async (...args: string[]): Promise<string> =>
    (await run(tool, ['report', '-i', file, '--stdio', '-g', 'none', ...args], much)).stdout
  const places = new Map<string, number>()
  for (const [, share, place] of (await report('--no-children', '--sort', 'dso')).matchAll(
    /^ +([\d.]+)% +(\S.*?) *$/gm,
  )) {
    const name = placeOf(place ?? '')
    places.set(name, (places.get(name) ?? 0) + Number(share))
  }
  // With children a symbol counts for all that it called: of the entry of a system call that is the call. Some entries
  // (read, write) jump to a second function and leave only that one in the chain, and others (io_uring_enter) are built into theirs.
  const calls = new Map<string, number>()
  const entry = /^ +([\d.]+)% +[\d.]+% +\[k\] (?:__(?:x64|arm64|do|se)_sys|ksys)_(\w+)/gm
  for (const [, share, name = ''] of (await report('--children', '--sort', 'sym')).matchAll(entry))
    calls.set(name, Math.max(calls.get(name) ?? 0, Number(share)))
  return { places: [...places], calls: [...calls] }
}

function placeOf(dso: string): string {
  if (dso.includes('kernel')) return 'Linux'
  if (dso.includes('JIT') || dso.includes('perf-')) return 'JavaScript, compiled'
  if (dso.startsWith('node')) return 'node (V8, libuv, interpreter)'
  if (dso.startsWith('koffi')) return 'koffi'
  if (/^lib|^ld-|vdso/.test(dso)) return 'C library'
  return dso
}

/** Calls by name, while `seconds` pass. */
export async function countCalls(tool: string, pid: number, seconds: number): Promise<[string, number][]> {
  const events = ['-e', 'syscalls:sys_enter_*', '-x', ';']
  const { stderr } = await run(tool, ['stat', ...events, '-p', String(pid), '--', 'sleep', String(seconds)], much)
  return [...stderr.matchAll(/^(\d+);[^;]*;syscalls:sys_enter_(\w+)/gm)]
    .map(([, count, name]): [string, number] => [name ?? '', Number(count)])
    .filter(([, calls]) => calls > 0)
}
