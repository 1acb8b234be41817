/**
 * Every code of an error has a page that says when it comes and what to do, and every page has a code.
 */
import test from 'ava'
import { files, textOf } from './sources.js'

/** `super('DRUPE_TIMEOUT', …)`: no other code is made. */
const codes = [
  ...new Set(
    files('.ts')
      .filter((path) => !/^(test|examples)\//.test(path))
      .flatMap((path) => [...textOf(path).matchAll(/\bsuper\(\s*'(DRUPE_\w+)'/g)].map(([, code = '']) => code)),
  ),
].sort()

const pages = files('.md', 'docs/errors').filter((path) => !path.endsWith('README.md'))
const codeOf = (path: string): string => path.slice('docs/errors/'.length, -'.md'.length)

test('there are codes', (t) => {
  t.true(codes.includes('DRUPE_TIMEOUT') && codes.length >= 14)
})

test('every code has its page, and every page its code', (t) => {
  t.deepEqual(pages.map(codeOf), codes)
})

test('a page has the code as its title, the message, when, what to do, and a program that prints the code', (t) => {
  for (const path of pages) {
    const text = textOf(path)
    t.true(text.startsWith(`---\ntitle: ${codeOf(path)}\n---\n\n# ${codeOf(path)}\n\n`), path)
    t.regex(text, /: "Cannot /, path)
    t.deepEqual(
      [...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title),
      ['When', 'What to do', 'Example'],
      path,
    )
    const [, program = ''] = /^```ts\n([\s\S]*?)^```$/m.exec(text) ?? []
    t.regex(program, /\/\/ => /, path)
  }
})

test('the list of codes is whole', (t) => {
  const listed = [...textOf('docs/errors/README.md').matchAll(/^\| \[(\w+)\]\((\w+)\.md\) \| .+ \|$/gm)]
  t.deepEqual(
    listed.map(([, text]) => text),
    codes,
  )
  for (const [, text, page] of listed) t.is(page, text)
})
