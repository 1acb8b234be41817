/**
 * Writes docs/conformance.md out of a run of all tests: `npm run conformance`.
 *
 * The tests have sentences for names, so the list of those that pass is what Drupe can be relied on to do; those that fail
 * are left out, and make this exit with 1. A title that ends in `[trio run: basic_timeout]` is held against the test of
 * that name in that peer's suite.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { ROOT } from './sources.js'

/** Rooms of test/ in the order of the page; those that are about the repository itself are left out. */
const ROOMS: Readonly<Record<string, string>> = {
  native: 'Drivers',
  kernel: 'The kernel',
  traps: 'Traps',
  scope: 'Combinators, resources, context',
  sync: 'Synchronisation',
  bridge: 'Bridges to the host and to Effection',
  testing: 'The testing kit',
  property: 'Random programs',
  modes: 'The same in every mode',
  child: 'Whole processes',
}

const PEER = / *\[(\w+) ([^:\]]+): ([^\]]+)\]/g

interface Passed {
  readonly room: string
  readonly file: string
  readonly title: string
}

function runTests(): Passed[] {
  const ava = `${ROOT}node_modules/ava/entrypoints/cli.mjs`
  const { stdout } = spawnSync(process.execPath, [ava, '--tap'], { cwd: ROOT, encoding: 'utf8', maxBuffer: 1e8 })
  const failed = stdout.split('\n').filter((line) => line.startsWith('not ok'))
  for (const line of failed) console.error(`not on the page: ${line}`)
  if (failed.length > 0) process.exitCode = 1
  return stdout.split('\n').flatMap((line) => {
    const [, name] = /^ok \d+ - (.*)$/.exec(line) ?? []
    if (name === undefined || / # (SKIP|TODO)/.test(name)) return []
    const [room = '', file = '', ...rest] = name.split(' › ')
    return [{ room, file, title: rest.join(' › ') }]
  })
}

function escaped(text: string): string {
  return text.replaceAll(/[*_<>[\]`|\\]/g, '\\$&').replaceAll(/\s+/g, ' ')
}

function listOf(tests: readonly Passed[]): string {
  return [...new Set(tests.map(({ file }) => file))]
    .map((file) => {
      const own = tests.filter((test) => test.file === file)
      const sentences = own.map(({ title }) => `- ${escaped(title.replaceAll(PEER, ''))}`)
      return `### ${file}\n\n${sentences.sort().join('\n')}\n`
    })
    .sort()
    .join('\n')
}

function peersOf(tests: readonly Passed[]): string {
  const suites = new Map<string, Set<string>>()
  for (const { title } of tests) {
    for (const [, peer, suite, names] of title.matchAll(PEER)) {
      const key = `${peer} | ${suite}`
      const known = suites.get(key) ?? new Set()
      for (const name of (names as string).split(/[ ,]+/)) known.add(name)
      suites.set(key, known)
    }
  }
  const rows = [...suites].map(([key, names]) => `| ${key} | ${escaped([...names].sort().join(', '))} |`)
  return `| peer | suite | tests whose behaviour is covered |\n| --- | --- | --- |\n${rows.sort().join('\n')}\n`
}

const passed = runTests()
const about = passed.filter(({ room }) => room in ROOMS)
const sections = Object.entries(ROOMS).flatMap(([room, heading]) => {
  const own = about.filter((test) => test.room === room)
  return own.length === 0 ? [] : [`## ${heading}\n\n${listOf(own)}`]
})

writeFileSync(
  `${ROOT}docs/conformance.md`,
  `---
title: Conformance
---

# Conformance

What Drupe does, as its tests say it. This page is generated (\`npm run conformance\`) out of a run of all tests, on Node
${process.versions.node}, ${process.platform}. It lists those that passed, ${about.length}, without the ones about the repository itself.

The suite of [Drivers](#drivers) is one and the same for every driver with I/O; at present that is epoll. The host driver and
the virtual driver have timers only.

## Behaviour held against other systems

A test that was written after one of a peer's suite names it. Some of them are ported as they are, others say what Drupe
does instead; the sentence is what counts.

${peersOf(about)}
${sections.join('\n')}`,
)
console.log(`docs/conformance.md: ${about.length} tests`)
