/**
 * The API reference: every export under a topic with a line of its own, linked with the guides and examples that use it, and
 * with nothing in it that is not the package's.
 */
import test from 'ava'
import { type CommentDisplayPart, type ProjectReflection, type Reflection, ReflectionKind } from 'typedoc'
import { type Gaps, gapsOf, readReference, TOPICS, type Topic } from './reference.js'

let project: ProjectReflection
let all: readonly Reflection[]

test.before(async (t) => {
  t.timeout(180_000)
  project = await readReference()
  all = Object.values(project.reflections)
})

const modules = () => (project.children ?? []).filter((one) => one.kindOf(ReflectionKind.Module))
const namesOf = ([, , names]: Topic): string[] => names.trim().split(/\s+/)
const textOf = (parts: readonly CommentDisplayPart[] = []): string => parts.map(({ text }) => text).join('')

/** What is called so in a module: the function's signature, or the thing. */
function find(name: string): Reflection {
  const found = all.find((one) => one.getFullName() === name && !one.kindOf(ReflectionKind.SomeSignature))
  if (found === undefined) throw new Error(`Cannot find ${name} in the reference: there is none`)
  return (found.isDeclaration() ? found.signatures?.at(-1) : undefined) ?? found
}

/** What a text links to, by name. */
function linksOf(parts: readonly CommentDisplayPart[] = []): string[] {
  return parts.flatMap((part) =>
    part.kind === 'inline-tag' && typeof part.target === 'object' && 'getFullName' in part.target
      ? [part.target.getFullName()]
      : part.kind === 'relative-link'
        ? [part.text]
        : [],
  )
}

test('there are the modules that the table of topics has, and all are shown first', (t) => {
  const names = Object.keys(TOPICS)
  t.deepEqual(
    modules()
      .map(({ name }) => name)
      .sort(),
    [...names].sort(),
  )
  t.deepEqual(
    project.categories?.[0]?.children.map(({ name }) => name),
    names,
  )
})

test('every export belongs to one topic of its module, and every name of a topic is an export', (t) => {
  for (const module of modules()) {
    const listed = (TOPICS[module.name] ?? []).flatMap(namesOf)
    t.deepEqual(
      listed.filter((name, i) => listed.indexOf(name) !== i),
      [],
      `${module.name}: in two topics`,
    )
    const exported = (module.children ?? []).map(({ name }) => name)
    t.deepEqual(
      exported.filter((name) => !listed.includes(name)),
      [],
      `${module.name}: give these a topic in docs/reference/topics.mjs`,
    )
    t.deepEqual(
      listed.filter((name) => !exported.includes(name)),
      [],
      `${module.name}: no export of that name`,
    )
  }
})

test('the pages of modules have the topics in the order of the table, each with its line', (t) => {
  for (const module of modules()) {
    const shown = module.categories?.map(({ title, description, children }) => [
      title,
      textOf(description),
      children.map(({ name }) => name),
    ])
    t.deepEqual(
      shown,
      TOPICS[module.name]?.map((topic) => [topic[0], topic[1], namesOf(topic)]),
    )
  }
})

test('every export has a line that stands beside its name', (t) => {
  for (const child of modules().flatMap((module) => module.children ?? [])) {
    const line = textOf(child.comment?.getTag('@summary')?.content)
    t.regex(line, /\w.*\.$/s, child.getFullName())
    t.false(line.includes('\n\n'), child.getFullName())
  }
})

test('every page has its folder in the list', (t) => {
  t.false(project.categories?.some(({ title }) => title === 'Other'))
})

test('code spans lead to what they name: in comments, in pages, from the README', (t) => {
  t.true(linksOf(find('drupe').comment?.summary).includes('drupe.run'))
  t.true(
    linksOf(find('drupe.Queue.put').comment?.blockTags.flatMap(({ content }) => content)).includes('drupe.ClosedError'),
  )
  const guide = project.documents?.find(({ name }) => name === 'Synchronisation')
  t.true(linksOf(guide?.content).includes('drupe.Lock'))
  t.true(linksOf(project.readme).length > 0)
})

test('a name means what is nearest', (t) => {
  const all = linksOf(find('drupe/testing.SimNetwork').comment?.summary)
  t.false(all.includes('drupe/testing.SimNetwork'), 'a page does not link to itself')
  const throws = find('drupe.retry').comment?.getTags('@throws') ?? []
  t.false(
    throws.flatMap(({ content }) => linksOf(content)).includes('drupe.timeout'),
    'the option `timeout` is not the function',
  )
  const guide = project.documents?.find(({ name }) => name === 'Streams')
  t.false(linksOf(guide?.content).includes('drupe/lowlevel.close'), '`close` is that of the stream')
  t.true(linksOf(guide?.content).includes('drupe.toDuplex'))
})

test('@throws leads to the error', (t) => {
  const throws = find('drupe.retry').comment?.getTags('@throws') ?? []
  t.true(throws.flatMap(({ content }) => linksOf(content)).includes('drupe.TimeoutError'))
})

test('what guides and examples use says so, and where', (t) => {
  const usedIn = (name: string) => linksOf(find(name).comment?.getTag('@usedIn')?.content)
  t.true(usedIn('drupe.retry').includes('Around I/O'))
  t.true(usedIn('drupe.retry').includes('Retry with back-off'))
  t.false(usedIn('drupe.sleep').includes('Retry with back-off'), 'which only needs it')
  t.true(usedIn('drupe.serve').includes('examples/network/echo-server.ts'))
})

test('nothing is shown that is not public, not ours, or only half there', (t) => {
  const names = (test: (one: Reflection) => boolean) => all.filter(test).map((one) => one.getFullName())
  t.deepEqual(
    names((one) => one.flags.isProtected || one.flags.isPrivate),
    [],
    'protected or private',
  )
  t.deepEqual(
    names((one) => one.flags.isExternal),
    [],
    'of the language, or of another package',
  )
  t.deepEqual(
    names((one) => /^["']?~/.test(one.name)),
    [],
    'of Effect',
  )
  t.deepEqual(
    names((one) => one.comment?.hasModifier('@internal') ?? false),
    [],
    'internal',
  )
  t.deepEqual(
    names((one) => one.kindOf(ReflectionKind.Accessor) && one.isDeclaration() && one.getSignature === undefined),
    [],
    'a setter without a getter',
  )
})

/** How much is not described. These numbers fall; whoever makes one fall writes the new one here. */
const GAPS: Readonly<Record<keyof Gaps, number>> = {
  functions: 0,
  methods: 0,
  properties: 0,
  parameters: 0,
  functionsWithoutExample: 0,
  classesWithoutExample: 0,
}

for (const [what, count] of Object.entries(GAPS) as [keyof Gaps, number][]) {
  test(`not described, or without example: ${count} ${what}`, (t) => {
    const gaps = gapsOf(project)[what]
    t.is(gaps.length, count, gaps.join('\n'))
  })
}
