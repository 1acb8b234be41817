/**
 * The look of the sources: small files, each of which says at its head what it is.
 */
import test from 'ava'
import { files, textOf } from './sources.js'

const HARD_LINES = 400
const HARD_LINES_OF_TESTS = 500
/** A file above this explains itself in CONTRIBUTING.md. */
const SOFT_LINES = 250
const HEADER_LINES = 20
const EXAMPLE_LINES = 80
/** A recipe walks through it. */
const RECIPE = 'examples/kernel/new-driver.ts'
/** Its header is the contract of the drivers, in full. */
const CONTRACT = 'kernel/driver/contract.ts'

const programs = [...files('.ts'), ...files('.mjs')].filter((path) => !path.startsWith('test/bench/peers/'))

function lines(path: string): number {
  return textOf(path).trimEnd().split('\n').length
}

test(`no file has more than ${HARD_LINES} lines, and no test more than ${HARD_LINES_OF_TESTS}`, (t) => {
  const tooLong = programs.filter((path) => lines(path) > (path.startsWith('test/') ? HARD_LINES_OF_TESTS : HARD_LINES))
  t.deepEqual(tooLong, [])
})

test(`CONTRIBUTING.md explains exactly the files of the package with more than ${SOFT_LINES} lines`, (t) => {
  const [, section = ''] = /\n## Files over the soft cap\n([\s\S]*?)(\n## |$)/.exec(textOf('CONTRIBUTING.md')) ?? []
  const explained = [...section.matchAll(/^- `([^`]+)`/gm)].map(([, path]) => path)
  const large = programs.filter((path) => !path.startsWith('test/') && lines(path) > SOFT_LINES)
  t.deepEqual(explained.sort(), large.sort())
})

test('each file begins with a comment that says what it is', (t) => {
  const silent = programs.filter((path) => {
    const header = /^(\/\*\*[\s\S]*?\*\/|(\/\/ .*\n)+)/.exec(textOf(path))?.[0]
    return header === undefined || (header.split('\n').length > HEADER_LINES && path !== CONTRACT)
  })
  t.deepEqual(silent, [])
})

test(`an example has at most ${EXAMPLE_LINES} lines, and is in the folder of its topic`, (t) => {
  const examples = files('.ts', 'examples').filter((path) => !/\/(handlers|protocols|recipes)\//.test(path))
  t.deepEqual(
    examples.filter((path) => path !== RECIPE && lines(path) > EXAMPLE_LINES),
    [],
  )
  t.deepEqual(
    examples.filter((path) => path.split('/').length !== 3),
    ['examples/demo.ts'],
  )
})

test('an example says how it is started, and what to try', (t) => {
  for (const path of files('.ts', 'examples').filter((path) => !path.includes('/recipes/'))) {
    const head = /^\/\*\*[\s\S]*?\*\//.exec(textOf(path))?.[0] ?? ''
    t.regex(head, /Start it: `npm run (demo|example -- [a-z-]+)/, path)
    t.regex(head, /\b[Tt]ry\b/, path)
  }
})

test('nothing queues with an array’s shift: it moves all the others', (t) => {
  const shifting = programs.filter((path) => /^(kernel|traps|native)\//.test(path) && /\.shift\(/.test(textOf(path)))
  t.deepEqual(shifting, [], 'kernel/protocol/fifo.ts has queues')
})

test('what is internal is a member: a declaration that others mention would be missing from the published types', (t) => {
  const marked = files('.ts')
    .filter((path) => !path.startsWith('test/'))
    .flatMap((path) => {
      const found = textOf(path).matchAll(
        /^\/\*\*(?:(?!\*\/)[\s\S])*@internal(?:(?!\*\/)[\s\S])*\*\/\n(?:export|abstract|class|interface)/gm,
      )
      return [...found].map(({ index }) => `${path}:${textOf(path).slice(0, index).split('\n').length}`)
    })
  t.deepEqual(marked, [])
})
