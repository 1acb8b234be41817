/**
 * How fast is a file read, copied and sent to a socket, beside C and node's streams?
 *
 * One idea: the file is in the page cache, so it is not the disk that is measured but what is done for each piece. All take
 * pieces of 256 KiB. Whoever is sent to is a process of its own, in C, and the same for all.
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ratio, type Variant, value } from './harness.js'
import { type Bench, microBench, node, ours } from './micro.js'
import { type Child, start } from './process.js'
import { compileC } from './tools.js'

const PARTS = ['read', 'copy', 'send'] as const
const BYTES = 1024 ** 3
const QUICK_BYTES = 128 * 1024 ** 2
const PIECE_BYTES = 1024 ** 2
const C = 'C read/write'
const STREAMS = 'node streams'
const START_MS = 10_000

/** Where the file is, and who takes it. */
let place: readonly string[] = []

function variants(): readonly Variant[] {
  const c = compileC('files.c')
  return [
    node(ours, 'files-drupe', place),
    { ...node('drupe epoll', 'files-drupe', place), env: { DRUPE_DRIVER: 'epoll' } },
    'path' in c ? { name: C, command: [c.path, ...place] } : { name: C, command: [], skip: c.skip },
    node(STREAMS, 'files-node', place),
  ]
}

const micro = microBench({
  name: 'files',
  question: "How fast is a file read, copied and sent to a socket, beside C and node's streams?",
  note: 'MiB a second, of a file that is in the page cache, 1 GiB (128 MiB with --quick), in pieces of 256 KiB. `copy`: into another file, which is not flushed. `send`: over TCP, to another process.',
  columns: PARTS.map((key) => ({ key, title: key })),
  parts: PARTS,
  rounds: 3,
  everyCore: true,
  variants,
  claims: (all) =>
    PARTS.flatMap((key) => [
      { text: `${key} ÷ C`, value: ratio(value(all, ours, key), value(all, C, key)), bound: 0.9, want: 'at least' },
      {
        text: `${key} ÷ streams`,
        value: ratio(value(all, ours, key), value(all, STREAMS, key)),
        bound: 1,
        want: 'at least',
      },
    ]),
})

export const bench: Bench = {
  ...micro,
  async run(options) {
    const folder = mkdtempSync(join(tmpdir(), 'drupe-bench-'))
    let sink: Child | null = null
    try {
      fill(join(folder, 'file'), options.quick ? QUICK_BYTES : BYTES)
      const c = compileC('files.c')
      // Without C whoever takes it is Node's.
      if ('path' in c) sink = start({ command: [c.path, 'sink'] })
      else sink = start(node('sink', 'files-sink'))
      const port = (await sink.line(START_MS)).split(' ')[1] as string
      place = [join(folder, 'file'), join(folder, 'copy'), port]
      await micro.run(options)
    } finally {
      await sink?.stop()
      rmSync(folder, { recursive: true })
    }
  },
}

function fill(path: string, bytes: number): void {
  const fd = openSync(path, 'w')
  const piece = new Uint8Array(PIECE_BYTES).map((_, i) => i * 31)
  for (let at = 0; at < bytes; at += PIECE_BYTES) writeSync(fd, piece)
  closeSync(fd)
}
