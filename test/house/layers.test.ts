/**
 * The rooms: which folder may load what, and that nothing imports in circles.
 *
 * The table is the one of CONTRIBUTING.md, read from there. Types count as much as values between two rooms: a type says what
 * a file knows. Inside a room only circles of values are forbidden, unless the table gives the room an order.
 */
import test from 'ava'
import { files, type Import, importsOf, textOf } from './sources.js'

interface Room {
  /** The folder, or a file of the root. */
  readonly name: string
  readonly mayLoad: readonly string[]
  /** Its files without folder and ending, if they have an order. */
  readonly order: readonly string[]
}

const quoted = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text)

function readTable(): Room[] {
  const [, table = ''] = textOf('CONTRIBUTING.md').split('<!-- rooms')
  return table.split('\n').flatMap((line) => {
    const [, names, load = '', order = ''] = line.split('|')
    return quoted(names ?? '').map((name) => ({ name, mayLoad: quoted(load), order: quoted(order) }))
  })
}

const ROOMS = readTable()

/** Breaches that are named one by one. */
const EXCEPTIONS: Readonly<Record<string, RegExp>> = {
  // Threads are the host's workers: who starts them, and what they run.
  'traps/bridge/host-worker.ts': /^node:(worker_threads|module)$/,
  'server-thread.ts': /^node:worker_threads$/,
  'worker.ts': /^node:worker_threads$/,
  // Between processes messages are bytes, which the host makes of them.
  'traps/os/frames.ts': /^node:v8$/,
  'traps/os/message-frame.ts': /^node:v8$/,
  // What is proved with a key is computed by the host.
  'traps/os/message-key.ts': /^node:crypto$/,
  // Where the driver cannot watch files, the host does.
  'traps/os/host-watch.ts': /^node:fs$/,
  // Why there is no thread, in the numbers of the system.
  'traps/os/remote-thread.ts': /^node:os$/,
  // How many processors there are.
  'traps/os/worker-pool.ts': /^node:os$/,
  // A Duplex of Node's: its class, when the first one is made, and its type.
  'traps/net/duplex-socket.ts': /^node:stream$/,
  'traps/net/duplex.ts': /^node:stream$/,
  // What was read shares memory, and the mark that it cannot be transferred is the host's.
  'traps/net/chunks.ts': /^node:worker_threads$/,
  // Signals reach the main thread alone; their numbers, which exit codes are made of, are the host's.
  'traps/os/signals.ts': /^node:worker_threads$/,
  'main.ts': /^node:os$/,
  // A driver is written in the house, of what its rooms have.
  'examples/kernel/new-driver.ts': /^(kernel|native)\//,
  // The bridge to the optional peer; only the door drupe/effection imports it.
  'traps/bridge/effection.ts': /^effection$/,
}

const sources = files('.ts').filter((path) => !path.endsWith('.d.ts'))
const imports = sources.flatMap(importsOf)

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1)
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1).replace(/\.ts$/, '')

/** The innermost room that a file is in. A room with rooms below it has only the files that lie right in it. */
function roomOf(path: string): Room | undefined {
  const exact = ROOMS.find(({ name }) => name === path || name === folderOf(path))
  return exact ?? ROOMS.find(({ name }) => name.endsWith('/') && path.startsWith(name) && isLeaf(name))
}

const isLeaf = (folder: string): boolean => !ROOMS.some(({ name }) => name !== folder && name.startsWith(folder))

function covers(entry: string, to: string): boolean {
  if (entry === '*') return true
  if (entry.endsWith('*')) return to.startsWith(entry.slice(0, -1))
  if (entry.endsWith('/')) return to.startsWith(entry)
  return to === entry || to.startsWith(`${entry}/`)
}

function isAllowed({ from, to }: Import): boolean {
  const room = roomOf(from)
  if (room === undefined) return false
  if (roomOf(to) === room) return isInOrder(room, from, to)
  // Among the doors: each may load the others.
  if (!from.includes('/') && !to.includes('/') && to.endsWith('.ts')) return true
  return room.mayLoad.some((entry) => covers(entry, to)) || (EXCEPTIONS[from]?.test(to) ?? false)
}

function isInOrder({ order }: Room, from: string, to: string): boolean {
  return order.length === 0 || order.indexOf(nameOf(to)) < order.indexOf(nameOf(from))
}

test('every source file is in a room of the table', (t) => {
  t.deepEqual(
    sources.filter((path) => roomOf(path) === undefined),
    [],
  )
})

test('a room with an order has exactly the files that the order names', (t) => {
  t.true(ROOMS.length > 20, 'the table is found')
  for (const { name, order } of ROOMS) {
    if (order.length === 0) continue
    const own = sources.filter((path) => folderOf(path) === name).map(nameOf)
    t.deepEqual([...order].sort(), own.sort(), name)
  }
})

test('no file imports what its room must not know, types included', (t) => {
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
