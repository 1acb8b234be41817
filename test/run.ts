/**
 * `npm test`: AVA, told in few lines. One line for each folder, then every failure whole, then "N
 * passed, N failed".
 *
 * AVA writes TAP, which is parsed line by line; its titles begin with folder and file: `kernel ›
 * timers › a title`. If all files are of one folder, AVA leaves it out, and there is a line for
 * each file. Arguments go to AVA as they are: files, `--match`. What tests print themselves comes
 * at once, since none should.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The tests of one folder. */
interface Group {
  passed: number
  failed: number
  skipped: number
  readonly startMs: number
  endMs: number
}

/**
 * Titles without a folder: all of a single file, uncaught exceptions, workers that ended by
 * themselves.
 */
const ELSEWHERE = 'other'

const groups = new Map<string, Group>()
/** Each with all of its lines. */
const failures: string[][] = []
const skipped: string[] = []
let latestMs = performance.now()
/** The result that further lines are about. */
let current: { readonly title: string; readonly group: Group; readonly details: string[] | null } | null = null

function take(line: string): void {
  const result = /^(not )?ok \d+ - (.*)$/.exec(line)
  if (result === null) {
    elaborate(line)
    return
  }
  const [, not, title = ''] = result
  const group = groupOf(title)
  const details = not === undefined ? null : [title]
  current = { title, group, details }
  if (details === null) {
    group.passed++
    if (title.endsWith(' # SKIP')) skip(group, title.replace(' # SKIP', ', skipped'))
  } else {
    group.failed++
    failures.push(details)
  }
}

/** AVA counts it as passed. */
function skip(group: Group, line: string): void {
  group.passed--
  group.skipped++
  skipped.push(line)
}

/**
 * A line about the result before it. A test that cannot run here passes and logs "skipped: why".
 */
function elaborate(line: string): void {
  if (current === null || line.trim() === '') return
  const why = /^# +(skipped: .*)$/.exec(line)?.[1]
  if (why !== undefined && current.details === null) skip(current.group, `${current.title}, ${why}`)
  else if (/^(# \S|1\.\.)/.test(line)) current = null
  else current.details?.push(line)
}

/**
 * A folder's time begins where the result before its first one came, so it has the loading of its
 * files in it.
 */
function groupOf(title: string): Group {
  const name = /^((?:(?:kernel|native|traps) › )?.+?) › /.exec(title)?.[1]?.replace(' › ', '/') ?? ELSEWHERE
  const startMs = latestMs
  latestMs = performance.now()
  const group = groups.get(name) ?? { passed: 0, failed: 0, skipped: 0, startMs, endMs: 0 }
  group.endMs = latestMs
  groups.set(name, group)
  return group
}

const ava = fileURLToPath(new URL('../../node_modules/ava/entrypoints/cli.mjs', import.meta.url))
const child = spawn(process.execPath, [ava, '--tap', ...process.argv.slice(2)], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const ended = once(child, 'close') as Promise<[code: number | null, signal: NodeJS.Signals | null]>
for await (const line of createInterface({ input: child.stdout })) take(line)
const [code, signal] = await ended

for (const [name, group] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
  const counts = [`${group.passed} passed`]
  if (group.failed > 0) counts.push(`${group.failed} failed`)
  if (group.skipped > 0) counts.push(`${group.skipped} skipped`)
  const seconds = ((group.endMs - group.startMs) / 1000).toFixed(1)
  console.log(`${name.padEnd(16)} ${counts.join(', ')}, ${seconds} s`)
}
for (const line of skipped) console.log(line)
for (const [title, ...lines] of failures) console.log(`\nfailed: ${title}\n${lines.join('\n')}`)
// AVA may break off without a failure: no file matches, or a signal.
const broke = code !== 0 && failures.length === 0
if (broke) console.log(`\nAVA ended with ${signal ?? `exit code ${code}`}`)
const failed = failures.length + (broke ? 1 : 0)
const passed = [...groups.values()].reduce((sum, group) => sum + group.passed, 0)
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
