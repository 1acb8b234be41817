/**
 * The documents: short where they must be short, and their links lead somewhere.
 */
import { existsSync } from 'node:fs'
import { posix } from 'node:path'
import test from 'ava'
import { files, ROOT, textOf } from './sources.js'

const documents = [...files('.md', 'docs'), 'README.md', 'CONTRIBUTING.md', 'CHANGELOG.md']

/** Lines at most; what grows beyond belongs into a decision, or is raw. */
const MOST_LINES: Readonly<Record<string, number>> = { 'docs/design.md': 150, 'docs/benchmarks.md': 200 }

test('pages that must stay short are', (t) => {
  for (const [path, most] of Object.entries(MOST_LINES)) {
    const lines = textOf(path).trimEnd().split('\n').length
    t.true(lines <= most, `${path} has ${lines} lines`)
  }
})

test('every link between files leads to one', (t) => {
  const broken = documents.flatMap((path) =>
    [...textOf(path).matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)]
      .map(([, target = '']) => posix.join(posix.dirname(path), target))
      .filter((target) => !existsSync(ROOT + target))
      .map((target) => `${path} → ${target}`),
  )
  t.deepEqual(broken, [])
})

/** What the headings of a page are called in addresses, by GitHub and by the site. */
function anchorsOf(path: string): Set<string> {
  const anchors = new Set<string>()
  const prose = textOf(path).replace(/^```[\s\S]*?^```/gm, '')
  for (const [, heading = ''] of prose.matchAll(/^#+ (.+)$/gm)) {
    const words = heading
      .toLowerCase()
      .replace(/\]\([^)]*\)/g, '')
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-')
    let anchor = words
    for (let i = 1; anchors.has(anchor); i++) anchor = `${words}-${i}`
    anchors.add(anchor)
  }
  return anchors
}

test('every link to a heading leads to one', (t) => {
  const broken = documents.flatMap((path) =>
    [...textOf(path).matchAll(/\]\(([^)#:\s]*\.md)?#([^)\s]+)\)/g)]
      .map(
        ([, target, anchor = '']) =>
          [target === undefined ? path : posix.join(posix.dirname(path), target), anchor] as const,
      )
      .filter(([target, anchor]) => !anchorsOf(target).has(anchor))
      .map(([target, anchor]) => `${path} → ${target}#${anchor}`),
  )
  t.deepEqual(broken, [])
})

test('every row of a table belongs to one', (t) => {
  const torn = documents.flatMap((path) => {
    const lines = textOf(path).split('\n')
    return lines.flatMap((line, i) =>
      line.startsWith('|') && !lines[i - 1]?.startsWith('|') && !/^\|[ :|-]+\|$/.test(lines[i + 1] ?? '')
        ? [`${path}:${i + 1}`]
        : [],
    )
  })
  t.deepEqual(torn, [])
})

test('the glossary has 25 to 40 words, in order, each in two sentences with a place', (t) => {
  const entries = [...textOf('docs/glossary.md').matchAll(/^- \*\*(.+?)\*\*: (.+)$/gm)]
  t.true(entries.length >= 25 && entries.length <= 40, `${entries.length} words`)
  const words = entries.map(([, word = '']) => word.toLowerCase())
  t.deepEqual(words, [...words].sort())
  for (const [, word, text = ''] of entries) {
    t.regex(text, /\]\([^)]+\)\)\.$/, `${word} has a place`)
    const sentences = text.split(/[.](?= [A-Z`]|$)/).filter((part) => part.trim() !== '')
    t.is(sentences.length, 2, `${word}: ${text}`)
  }
})

test('a decision has a title, a date, at most 60 lines, and a place in the list', (t) => {
  const list = textOf('docs/decisions/README.md')
  for (const path of files('.md', 'docs/decisions')) {
    if (path.endsWith('README.md')) continue
    t.regex(textOf(path), /^# .+\n\n\d{4}-\d\d-\d\d\n\n/, path)
    t.true(list.includes(`(${path.slice(path.lastIndexOf('/') + 1)})`), path)
    t.true(textOf(path).trimEnd().split('\n').length <= 60, path)
  }
})

test('a word that was given up is in no page', (t) => {
  const given = /\bknocks?\b|\bburied\b|in its hand/
  const pages = documents.filter((path) => !/decisions|CHANGELOG/.test(path))
  t.deepEqual(
    pages.flatMap((path) =>
      textOf(path)
        .split('\n')
        .flatMap((line, i) => (given.test(line) ? [`${path}:${i + 1}`] : [])),
    ),
    [],
  )
})
