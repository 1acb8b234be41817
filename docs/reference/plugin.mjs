/**
 * The plugin that makes TypeDoc's pages those of a reference: exports by topic instead of by kind
 * and alphabet, each with a sentence, and links both ways between the API and what explains it.
 *
 * Nothing of that is written into the sources. topics.mjs has the topics, links.mjs finds what a
 * code span names; this file puts both into TypeDoc's model, after it has copied the comments of
 * interfaces to what implements them, and before it groups what is left.
 */
import { Comment, CommentTag, ReflectionCategory, ReflectionKind } from 'typedoc'
import { linkAll, pathOf } from './links.mjs'
import { namesOf, PAGES, TOPICS } from './topics.mjs'

/** Between what copies comments (0) and what makes groups (-100). */
const AFTER_COMMENTS = -50

/** @param {import('typedoc').Application} app TypeDoc. */
export function load(app) {
  app.converter.on(
    'resolveEnd',
    ({ project }) => {
      for (const one of Object.values(project.reflections)) if (one.parent?.implementationOf) nameParameters(one)
      linkAll(project)
      for (const module of modulesOf(project)) arrange(module)
      arrangePages(project)
    },
    AFTER_COMMENTS,
  )
}

/** @param {import('typedoc').ProjectReflection} project */
function modulesOf(project) {
  const order = Object.keys(TOPICS)
  const found = (project.children ?? []).filter((child) => child.kindOf(ReflectionKind.Module))
  return found.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
}

/** What does not use a parameter calls it `_fd`; here it is as its interface has it. */
function nameParameters(signature) {
  const contract = signature.parent.implementationOf.reflection?.signatures?.[0]
  for (const [i, { name, comment }] of (contract?.parameters ?? []).entries()) {
    const parameter = signature.parameters?.[i]
    if (parameter === undefined || parameter.comment !== undefined) continue
    parameter.name = name
    parameter.comment = comment?.clone()
  }
}

/** Puts the exports of a module under their topics, in the order of the table. */
function arrange(module) {
  const children = new Map((module.children ?? []).map((child) => [child.name, child]))
  for (const child of children.values()) summarise(child)
  module.categories = []
  for (const topic of TOPICS[module.name] ?? []) {
    const [title, summary] = topic
    add(
      module,
      title,
      namesOf(topic).flatMap((name) => take(children, name)),
      [{ kind: 'text', text: summary }],
    )
  }
  // What the table has forgotten is not lost; the test says so.
  add(module, 'Other', [...children.values()])
}

function take(children, name) {
  const child = children.get(name)
  children.delete(name)
  return child === undefined ? [] : [child]
}

function add(owner, title, children, description) {
  if (children.length === 0) return
  const category = new ReflectionCategory(title)
  category.children = children
  if (description !== undefined) category.description = description
  owner.categories.push(category)
}

/** The pages that are no modules, by folder, under the modules. */
function arrangePages(project) {
  const documents = new Set(project.documents ?? [])
  project.categories = []
  add(project, 'Reference', modulesOf(project))
  for (const [title, folder] of PAGES) {
    const found = [...documents].filter((one) => folder.test(pathOf(project, one)))
    for (const one of found) documents.delete(one)
    add(project, title, found)
  }
  add(project, 'Other', [...documents])
}

/** Gives an export the first sentence of its comment as the line that stands beside its name. */
function summarise(child) {
  const owner = child.isReference() ? child.getTargetReflectionDeep() : child
  const comment = owner.comment ?? owner.signatures?.[0]?.comment ?? owner.type?.declaration?.signatures?.[0]?.comment
  const sentence = comment?.getTag('@summary')?.content ?? firstSentence(comment?.summary ?? [])
  if (sentence.length === 0) return
  child.comment ??= new Comment()
  if (child.comment.getTag('@summary') === undefined) child.comment.blockTags.push(new CommentTag('@summary', sentence))
}

/** @param {readonly import('typedoc').CommentDisplayPart[]} parts */
export function firstSentence(parts) {
  const found = []
  for (const part of parts) {
    const end = part.kind === 'text' ? /\n\n|[.:](?=\s|$)/.exec(part.text) : null
    if (end === null) {
      found.push(part)
      continue
    }
    found.push({ kind: 'text', text: `${part.text.slice(0, end.index)}.` })
    break
  }
  return found
}
