/**
 * The layers: who may import whom, and that nobody imports in circles.
 *
 * The table is the one of docs/design.md. A rule says what a room may load at run time and what it may know by type.
 */
import test from 'ava'
import { files, type Import, importsOf } from './sources.js'

interface Rule {
  /** Which files it is about. */
  readonly room: RegExp
  /** What these may load. */
  readonly values: RegExp
  /** What they may name in types besides. */
  readonly types: RegExp
}

const NOTHING = /^$/

const TABLE: readonly Rule[] = [
  { room: /^kernel\//, values: /^kernel\//, types: NOTHING },
  {
    room: /^traps\//,
    // The trap protocol, calls, the errors, the I/O record (which is a trap), wait queues (each holds one), queues, debug mode's book,
    // the host's functions as they were, and the checks of operands.
    values: /^(traps\/|kernel\/(trap|frame|errors|io-op|park|fifo|forgotten|host-functions|inspect|operands)\.ts$)/,
    types: /^kernel\/(?!kernel\.ts|loop\.ts)/,
  },
  {
    room: /^native\//,
    values: /^(native\/|kernel\/(driver|host-context|host-functions|operands)\.ts$|koffi$|node:)/,
    types: NOTHING,
  },
  { room: /^[^/]+\.ts$/, values: /^(kernel\/|traps\/|native\/|[^/:]+\.ts$)/, types: NOTHING },
  { room: /^examples\//, values: /^(drupe(\/(lowlevel|testing|effection))?$|node:)/, types: NOTHING },
  { room: /^test\//, values: /./, types: NOTHING },
]

/** Breaches that the table names one by one. */
const EXCEPTIONS: Readonly<Record<string, RegExp>> = {
  // Names are looked up as the host does it.
  'traps/net/address.ts': /^node:dns$/,
  // The threads of a server are the host's workers: who starts them, and what they run.
  'traps/net/threads.ts': /^node:(worker_threads|module)$/,
  'server-thread.ts': /^node:worker_threads$/,
  // What was read shares memory, and the mark that it cannot be transferred is the host's.
  'traps/net/chunks.ts': /^node:worker_threads$/,
  // The bridge to the optional peer; only the door drupe/effection imports it.
  'traps/bridge/effection.ts': /^effection$/,
}

const sources = files('.ts').filter((path) => !path.endsWith('.d.ts'))
const imports = sources.flatMap(importsOf)

function isAllowed({ from, to, typeOnly }: Import): boolean {
  const rule = TABLE.find(({ room }) => room.test(from))
  if (rule === undefined) return false
  return rule.values.test(to) || (typeOnly && rule.types.test(to)) || (EXCEPTIONS[from]?.test(to) ?? false)
}

test('every source file lives in a room of the table', (t) => {
  t.deepEqual(
    sources.filter((path) => !TABLE.some(({ room }) => room.test(path))),
    [],
  )
})

test('no file imports from a layer that it must not know', (t) => {
  t.true(imports.length > 100, 'the walk finds imports at all')
  const breaches = imports.filter((one) => !isAllowed(one))
  t.deepEqual(
    breaches.map(({ from, to, line, typeOnly }) => `${from}:${line} imports ${to}${typeOnly ? ' (types)' : ''}`),
    [],
  )
})

test('every exception to the table is in use', (t) => {
  for (const [from, to] of Object.entries(EXCEPTIONS)) {
    t.true(
      imports.some((one) => one.from === from && to.test(one.to)),
      `${from} has no need of its exception any more`,
    )
  }
})

test('no modules import each other in a circle', (t) => {
  const edges = new Map<string, string[]>()
  for (const { from, to, typeOnly } of imports) {
    if (!typeOnly && sources.includes(to)) edges.set(from, [...(edges.get(from) ?? []), to])
  }
  const done = new Set<string>()
  const path: string[] = []
  const circles: string[] = []
  const visit = (file: string): void => {
    const start = path.indexOf(file)
    if (start >= 0) circles.push([...path.slice(start), file].join(' → '))
    if (start >= 0 || done.has(file)) return
    path.push(file)
    for (const next of edges.get(file) ?? []) visit(next)
    path.pop()
    done.add(file)
  }
  for (const file of sources) visit(file)
  t.deepEqual(circles, [])
})
