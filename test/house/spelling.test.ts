/**
 * The spelling of the prose: README, CHANGELOG, CONTRIBUTING and docs/, in British English. Code, spans of code, addresses and
 * names that no dictionary could know (`SIGTERM`, `toDuplex`, `node:net`) are left out.
 *
 * docs/words.txt has the words that are right and in no dictionary, one a line. It cannot rot: each has to be used.
 */
import test from 'ava'
import dictionary from 'dictionary-en-gb'
import nspell from 'nspell'
import { PROSE } from './snippets.js'
import { textOf } from './sources.js'

const PAGES = [...PROSE, 'CHANGELOG.md', 'CONTRIBUTING.md']
const LIST = 'docs/words.txt'

const blank = (text: string): string => text.replaceAll(/[^\n]/g, ' ')

/** A page without all that is no prose; lines stay where they are. */
function proseOf(text: string): string {
  return text
    .replace(/^---\n[\s\S]*?\n---\n/, blank)
    .replaceAll(/^```[\s\S]*?^```$/gm, blank)
    .replaceAll(/(`+)[^`][\s\S]*?\1/g, blank)
    .replaceAll(/<[^>]*>|\]\([^)]*\)|https?:\S+/g, blank)
}

/** The words of a text that a dictionary may know, with their lines. */
function* wordsOf(text: string): Iterable<readonly [word: string, line: number]> {
  for (const [i, line] of proseOf(text).split('\n').entries()) {
    for (const [name] of line.replaceAll('’', "'").matchAll(/[\p{L}\p{N}_.:/@$']+/gu)) {
      const word = name.replaceAll(/^['.:/]+|('s|['.:/])+$/g, '')
      if (/^\p{L}[\p{Ll}']+$/u.test(word)) yield [word, i + 1]
    }
  }
}

const { aff, dic } = dictionary
const checker = nspell(Buffer.from(aff), Buffer.from(dic))
const listed = textOf(LIST).trimEnd().split('\n')

test('every word is in the dictionary or in the list', (t) => {
  const own = new Set(listed)
  const wrong = PAGES.flatMap((path) =>
    [...wordsOf(textOf(path))]
      .filter(([word]) => !checker.correct(word) && !own.has(word.toLowerCase()))
      .map(([word, line]) => `${path}:${line} ${word}`),
  )
  t.deepEqual(wrong, [], `correct them, or add them to ${LIST}`)
})

test('the list is in order, and every word of it is used and in no dictionary', (t) => {
  t.deepEqual(listed, [...new Set(listed)].sort())
  const used = new Set(PAGES.flatMap((path) => [...wordsOf(textOf(path))].map(([word]) => word.toLowerCase())))
  t.deepEqual(
    listed.filter((word) => !used.has(word)),
    [],
    'used nowhere',
  )
  t.deepEqual(
    listed.filter((word) => checker.correct(word)),
    [],
    'known to the dictionary',
  )
})

test('what is no prose is left out, and what is misspelt is found', (t) => {
  const text =
    "One kernal's `kernle`, [tsak](xyzzy.md)\n```ts\nlet misteak\n```\nSIGTERM toDuplex node:ent lib2 colour color"
  const wrong = [...wordsOf(text)].filter(([word]) => !checker.correct(word))
  t.deepEqual(wrong, [
    ['kernal', 1],
    ['tsak', 1],
    ['color', 5],
  ])
})
