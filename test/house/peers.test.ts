/**
 * The lists of the peers' tests (peers/) against what tests of ours name: nothing is left out, and nothing is made up.
 *
 * This reads the sources and runs nothing, so it says that a test exists; that it passes, `npm run conformance` says.
 */
import test from 'ava'
import ts from 'typescript'
import { PEERS } from './peers/all.js'
import { type Named, namedIn } from './peers/peers.js'
import { files, textOf } from './sources.js'

/** What the string literals of a file name: of tables, too. */
function namesIn(path: string): Named[] {
  const found: Named[] = []
  const visit = (node: ts.Node): void => {
    const named = ts.isStringLiteralLike(node) ? namedIn(node.text) : null
    if (named !== null) found.push(named)
    ts.forEachChild(node, visit)
  }
  const text = textOf(path)
  if (/\b(covers|peers)\b/.test(text)) visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true))
  return found
}

const covered = files('.ts', 'test')
  .filter((path) => !path.startsWith('test/house/'))
  .flatMap(namesIn)

const named = new Set(covered.flatMap(({ peer, suite, names }) => names.map((name) => `${peer} ${suite}: ${name}`)))

const listed = Object.entries(PEERS).flatMap(([peer, suites]) =>
  Object.entries(suites).flatMap(([suite, { tests, instead = {} }]) =>
    tests.map((name) => ({ name: `${peer} ${suite}: ${name}`, hasReason: Object.hasOwn(instead, name) })),
  ),
)

test("each test of a peer's suite has one of ours, or a reason why there is nothing to test", (t) => {
  t.true(named.size > 100, 'the walk finds names at all')
  const open = listed.filter(({ name, hasReason }) => !hasReason && !named.has(name))
  t.deepEqual(
    open.map(({ name }) => name),
    [],
  )
})

test('none has both', (t) => {
  const both = listed.filter(({ name, hasReason }) => hasReason && named.has(name))
  t.deepEqual(
    both.map(({ name }) => name),
    [],
  )
})

test("no test and no reason names one that is not in the peer's list", (t) => {
  const known = new Set(listed.map(({ name }) => name))
  t.deepEqual(
    [...named].filter((name) => !known.has(name)),
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
