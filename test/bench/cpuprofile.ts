/**
 * Reads a CPU profile of V8's and says whose time it was.
 *
 * One idea: each sample belongs to the innermost function that has a file, and its file says which part of the house that is.
 * What has none (a built-in, a call into C) counts for its caller. The functions of native/libc are the system calls: V8 sees
 * koffi's trampoline, the C function and the kernel below as one.
 */
import { readFileSync } from 'node:fs'

interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  readonly children?: readonly number[]
}

interface Profile {
  readonly nodes: readonly ProfileNode[]
  /** Microseconds on the system's monotonic clock. */
  readonly startTime: number
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** Microseconds by part, and by function. */
export interface Shares {
  readonly parts: ReadonlyMap<string, number>
  readonly functions: ReadonlyMap<string, number>
  /** The thread was busy for so long; idle time is in neither map. */
  readonly busyUs: number
  readonly idleUs: number
}

/** The order of the table. A call is a part of its own, named `call NAME`. */
export const parts = {
  kernel: 'kernel/',
  traps: 'traps/',
  native: 'native/',
  bench: 'the program itself',
  node: 'Node: JavaScript of its own',
  program: 'Node: C++ (libuv, start-up, callbacks)',
  gc: 'garbage collection',
  other: 'other JavaScript',
} as const

/** Sums the samples taken between two moments of the monotonic clock, in microseconds. */
export function readProfile(file: string, from = 0, to = Number.POSITIVE_INFINITY): Shares {
  const profile = JSON.parse(readFileSync(file, 'utf8')) as Profile
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const parents = new Map<number, ProfileNode>()
  for (const node of profile.nodes) for (const child of node.children ?? []) parents.set(child, node)

  const byPart = new Map<string, number>()
  const byFunction = new Map<string, number>()
  const add = (map: Map<string, number>, key: string, us: number): unknown => map.set(key, (map.get(key) ?? 0) + us)
  let at = profile.startTime
  let idleUs = 0
  let busyUs = 0
  for (const [i, id] of profile.samples.entries()) {
    // A delta is the time since the sample before: it belongs to what was running then and now, which is mostly the same.
    const us = profile.timeDeltas[i] ?? 0
    at += us
    const node = nodes.get(id)
    if (at < from || at > to || !node) continue
    if (node.callFrame.functionName === '(idle)') {
      idleUs += us
      continue
    }
    busyUs += us
    add(byPart, partOf(node, parents), us)
    add(byFunction, nameOf(node), us)
  }
  return { parts: byPart, functions: byFunction, busyUs, idleUs }
}

function partOf(sample: ProfileNode, parents: ReadonlyMap<number, ProfileNode>): string {
  let node = sample
  while (node.callFrame.url === '' && !node.callFrame.functionName.startsWith('(')) {
    const parent = parents.get(node.id)
    if (!parent) break
    node = parent
  }
  const { url, functionName } = node.callFrame
  if (functionName === '(garbage collector)') return parts.gc
  if (url === '') return parts.program
  if (url.startsWith('node:')) return parts.node
  // koffi's functions are called through one arrow each, of the C function's name or nearly so.
  if (/\/native\/libc\.js$/.test(url) && functionName !== '') return `call ${functionName}`
  const folder = /\/dist\/(kernel|traps|native|test\/bench)\//.exec(url)?.[1]
  if (folder === 'kernel' || folder === 'traps' || folder === 'native') return parts[folder]
  return folder === undefined ? parts.other : parts.bench
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const name = functionName === '' ? '(anonymous)' : functionName
  if (url === '') return name
  return `${name} ${url.replace(/^.*\/(dist|node_modules)\//, '')}:${lineNumber + 1}`
}
