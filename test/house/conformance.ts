/**
 * Writes dist/conformance.md out of a run of all tests: `npm run conformance`. It is built, not committed. With two files as
 * arguments, what AVA printed and what DRUPE_COVERS named, it is made out of those.
 *
 * The tests have sentences for names, so the list of those that pass is what Drupe can be relied on to do; those that fail
 * are left out, and make this exit with 1. What tests cover of a peer's (covers.ts), and the reasons why some need none,
 * make the part about the peers (peers/peers.ts).
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Covered } from '../covers.js'
import { PEERS } from './peers/all.js'
import { namedIn } from './peers/peers.js'
import { ROOT } from './sources.js'

/** Rooms of test/ in the order of the page; those that are about the repository itself are left out. */
const ROOMS: Readonly<Record<string, string>> = {
  driver: 'Drivers',
  native: 'What drivers are made of',
  kernel: 'The kernel',
  traps: 'Traps: scopes, synchronisation, bridges, the testing kit',
  property: 'Random programs',
  modes: 'The same in every mode',
  child: 'Whole processes',
}

/** So many of our sentences stand beside a peer's test. */
const MOST_SENTENCES = 3

interface Passed {
  readonly room: string
  readonly file: string
  readonly title: string
}

/** The tests of peers by the titles of the tests that ran and cover them. */
const covered = new Map<string, readonly string[]>()

/** What a run of all tests said, and which tests of peers its tests cover, a line each. */
interface Run {
  readonly tap: string
  readonly covers: string
}

function runOfTests(): Run {
  const ava = `${ROOT}node_modules/ava/entrypoints/cli.mjs`
  const scratch = mkdtempSync(join(tmpdir(), 'drupe-'))
  const path = join(scratch, 'covers')
  const env = { ...process.env, DRUPE_COVERS: path }
  const { stdout } = spawnSync(process.execPath, [ava, '--tap'], { cwd: ROOT, encoding: 'utf8', maxBuffer: 1e8, env })
  const covers = readFileSync(path, 'utf8')
  rmSync(scratch, { recursive: true })
  return { tap: stdout, covers }
}

/** CI has run the tests already. */
function runOnRecord(tap: string, covers: string): Run {
  return { tap: readFileSync(tap, 'utf8'), covers: readFileSync(covers, 'utf8') }
}

function passedIn({ tap, covers }: Run): Passed[] {
  for (const line of covers.trim().split('\n')) {
    const { title, names } = JSON.parse(line) as Covered
    // Modes and drivers have tests of one title.
    covered.set(title, [...new Set([...(covered.get(title) ?? []), ...names])])
  }
  const lines = tap.split('\n')
  const failed = lines.filter((line) => line.startsWith('not ok'))
  for (const line of failed) console.error(`not on the page: ${line}`)
  if (failed.length > 0) process.exitCode = 1
  return lines.flatMap((line) => {
    const [, name] = /^ok \d+ - (.*)$/.exec(line) ?? []
    if (name === undefined || / # (SKIP|TODO)/.test(name)) return []
    const [room = '', ...parts] = name.split(' › ')
    const file = parts.splice(0, existsSync(`${ROOT}test/${room}/${parts[0]}`) ? 2 : 1).join('/')
    // These are other suites once more, in frames.
    if (file.endsWith('frames')) return []
    return [{ room, file, title: parts.join(' › ') }]
  })
}

function escaped(text: string): string {
  return text.replaceAll(/[*_<>[\]`|\\]/g, '\\$&').replaceAll(/\s+/g, ' ')
}

function listOf(tests: readonly Passed[]): string {
  return [...new Set(tests.map(({ file }) => file))]
    .map((file) => {
      const own = tests.filter((test) => test.file === file)
      const sentences = own.map(({ title }) => `- ${escaped(title)}`)
      return `### ${file}\n\n${sentences.sort().join('\n')}\n`
    })
    .sort()
    .join('\n')
}

/** A peer's test, our sentences for it, and the reason if there are none. */
interface Held {
  readonly name: string
  readonly sentences: readonly string[]
  readonly reason: string | undefined
}

interface HeldSuite {
  readonly heading: string
  readonly partial: boolean
  readonly held: readonly Held[]
}

/** Our sentences by the peer's test. */
function sentencesByName(tests: readonly Passed[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  for (const { room, file, title } of tests) {
    for (const { peer, suite, names } of (covered.get(title) ?? []).map(namedIn).filter((named) => named !== null)) {
      for (const name of names) {
        const key = `${peer} ${suite}: ${name}`
        const sentences = found.get(key) ?? new Set()
        found.set(key, sentences.add(`${escaped(title)} (${room}/${file})`))
      }
    }
  }
  return found
}

function heldSuites(tests: readonly Passed[]): HeldSuite[] {
  const sentences = sentencesByName(tests)
  return Object.entries(PEERS).flatMap(([peer, suites]) =>
    Object.entries(suites).map(([suite, { tests, instead = {}, partial = false }]) => ({
      heading: `${peer} ${suite}`,
      partial,
      held: tests.map((name) => ({
        name,
        sentences: [...(sentences.get(`${peer} ${suite}: ${name}`) ?? [])],
        reason: instead[name],
      })),
    })),
  )
}

function tableOf(suites: readonly HeldSuite[]): string {
  const rows = suites.map(({ heading, partial, held }) => {
    const [total, ours, none] = countsOf(held)
    return `| ${heading} | ${total}${partial ? ' looked at' : ''} | ${ours} | ${none} |`
  })
  const [total, ours, none] = countsOf(suites.flatMap(({ held }) => held))
  rows.push(`| **all** | ${total} | ${ours} | ${none} |`)
  return `| suite | tests of the peer | held by tests of ours | not applicable |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`
}

function countsOf(held: readonly Held[]): readonly [total: number, ours: number, none: number] {
  const ours = held.filter(({ sentences }) => sentences.length > 0).length
  return [held.length, ours, held.filter(({ reason }) => reason !== undefined).length]
}

/** One behaviour in many modes has as many sentences; the first ones will do. */
function inShort(sentences: readonly string[]): string {
  const rest = sentences.length - MOST_SENTENCES
  return `${sentences.slice(0, MOST_SENTENCES).join('; ')}${rest > 0 ? `; and ${rest} more like it` : ''}`
}

function suiteOf({ heading, held }: HeldSuite): string {
  const ours = held.filter(({ sentences }) => sentences.length > 0)
  const none = held.filter(({ reason }) => reason !== undefined)
  const covered = ours.map(({ name, sentences }) => `- *${escaped(name)}*: ${inShort(sentences)}`)
  const reasons = none.map(({ name, reason }) => `- *${escaped(name)}*: ${escaped(reason as string)}`)
  const rest = reasons.length === 0 ? '' : `\nNot applicable:\n\n${reasons.join('\n')}\n`
  return `### ${heading}\n\n${covered.join('\n')}\n${rest}`
}

const [tap, covers] = process.argv.slice(2)
const passed = passedIn(tap === undefined || covers === undefined ? runOfTests() : runOnRecord(tap, covers))
const about = passed.filter(({ room }) => room in ROOMS)
const sections = Object.entries(ROOMS).flatMap(([room, heading]) => {
  const own = about.filter((test) => test.room === room)
  return own.length === 0 ? [] : [`## ${heading}\n\n${listOf(own)}`]
})

const suites = heldSuites(about)
for (const { heading, held } of suites) {
  for (const { name, sentences, reason } of held) {
    if (sentences.length > 0 || reason !== undefined) continue
    console.error(`neither a passing test nor a reason: ${heading}: ${name}`)
    process.exitCode = 1
  }
}

writeFileSync(
  `${ROOT}dist/conformance.md`,
  `---
title: Conformance
---

# Conformance

What Drupe does, as its tests say it. This page is generated (\`npm run conformance\`) out of a run of all tests, on Node
${process.versions.node}, ${process.platform}. It lists those that passed, ${about.length}, without the ones about the repository itself.

The suite of [Drivers](#drivers) is one and the same for every driver with I/O: io_uring (on the usual ring, on one too small for
anything, on one as old systems have it), epoll, and parts of it the simulated network's. The host driver and the virtual driver have
timers only.

## Behaviour held against other systems

The suites of other systems, name by name. Each of their tests is followed by the sentences of ours that were written after
it; some say the same, others what Drupe does instead, so the sentence is what counts. Where there is nothing to test, the
reason stands in its place.

${tableOf(suites)}
${suites.map(suiteOf).join('\n')}
${sections.join('\n')}`,
)
console.log(`dist/conformance.md: ${about.length} tests`)
