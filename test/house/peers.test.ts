/**
 * The lists of the peers' tests (peers/) against the titles of ours: nothing is left out, and nothing is made up.
 *
 * This reads the sources and runs nothing, so it says that a test exists; that it passes, `npm run conformance` says.
 */
import test from 'ava'
import ts from 'typescript'
import { PEERS } from './peers/all.js'
import { type Tag, tagsOf } from './peers/peers.js'
import { files, textOf } from './sources.js'

/** The tags in all string literals of a file; titles are built in many ways, comments are no titles. */
function tagsIn(path: string): Tag[] {
  const found: Tag[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node))
      found.push(...tagsOf(node.text))
    ts.forEachChild(node, visit)
  }
  const text = textOf(path)
  if (text.includes('[')) visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true))
  return found
}

const tags = files('.ts', 'test')
  .filter((path) => !path.startsWith('test/house/'))
  .flatMap(tagsIn)

const tagged = new Set(tags.flatMap(({ peer, suite, names }) => names.map((name) => `${peer} ${suite}: ${name}`)))

const listed = Object.entries(PEERS).flatMap(([peer, suites]) =>
  Object.entries(suites).flatMap(([suite, { tests, instead = {} }]) =>
    tests.map((name) => ({ name: `${peer} ${suite}: ${name}`, hasReason: Object.hasOwn(instead, name) })),
  ),
)

test("each test of a peer's suite has one of ours, or a reason why there is nothing to test", (t) => {
  t.true(tagged.size > 100, 'the walk finds tags at all')
  const open = listed.filter(({ name, hasReason }) => !hasReason && !tagged.has(name))
  t.deepEqual(
    open.map(({ name }) => name),
    [],
  )
})

test('none has both', (t) => {
  const both = listed.filter(({ name, hasReason }) => hasReason && tagged.has(name))
  t.deepEqual(
    both.map(({ name }) => name),
    [],
  )
})

test("no title and no reason names a test that is not in the peer's list", (t) => {
  const known = new Set(listed.map(({ name }) => name))
  t.deepEqual(
    [...tagged].filter((name) => !known.has(name)),
    [],
  )
  const reasons = Object.entries(PEERS).flatMap(([peer, suites]) =>
    Object.entries(suites).flatMap(([suite, { instead = {} }]) =>
      Object.keys(instead).map((name) => `${peer} ${suite}: ${name}`),
    ),
  )
  t.deepEqual(
    reasons.filter((name) => !known.has(name)),
    [],
  )
})

test('no list has a name twice', (t) => {
  t.is(new Set(listed.map(({ name }) => name)).size, listed.length)
})
