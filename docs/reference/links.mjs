/**
 * Links between the API and the pages around it.
 *
 * A code span that names an export (`sleep`, `Queue.put`, `new Kernel()`, `DRUPE_TIMEOUT`) becomes
 * a link to it, in comments and in pages. So does the class of an error in a comment, as after
 * `@throws`. And each export says which guides and examples use it.
 *
 * A name has the meaning that is nearest: a parameter of the same function is no link; then come
 * the members of the same class, the exports of the same module, those of the modules in order.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Comment, CommentTag, ReflectionKind } from 'typedoc'

const ROOT = new URL('../../', import.meta.url)
/** As TypeDoc writes paths. */
const FOLDER = fileURLToPath(ROOT).replaceAll('\\', '/')

/** Pages that use an export for its sake. */
const USERS = /^docs\/(guides|errors|cookbook)\//

/** Programs that need more than they are about: what that is, their prose says. */
const RECIPES = /^docs\/cookbook\//

/** `sleep`, `sleep(10)`, `yield* sleep(10)`, `new Queue()`, `Queue.put`, `drupe/testing`. */
const SPAN = /^`(?:yield\* |await |new )*([A-Za-z]\w*(?:[./][A-Za-z]\w*)?)(\([^`]*\))?`$/

/** What stands in a comment without quotes and is a class of ours all the same. */
const ERROR = /\b([A-Z]\w*Error|Cancelled)\b/g

/** Where a page was, from the root: `docs/guides/files.md`. */
export function pathOf(project, page) {
  const path = project.files.getReflectionPath(page) ?? ''
  return path.startsWith(FOLDER) ? path.slice(FOLDER.length) : path
}

/** What a code span or an import names. */
class Names {
  constructor(project) {
    this.modules = (project.children ?? []).filter((child) => child.kindOf(ReflectionKind.Module))
    this.exports = new Map()
    this.members = new Map()
    // The words of what programs hold; drivers and their requests have others.
    this.fields = new Set()
    this.methods = new Set()
    for (const module of this.modules) {
      if (module.name !== 'drupe') this.exports.set(module.name, module)
      for (const child of module.children ?? []) {
        const target = child.isReference() ? child.getTargetReflectionDeep() : child
        this.exports.set(`${module.name} ${child.name}`, target)
        if (!this.exports.has(child.name)) this.exports.set(child.name, target)
        for (const member of child.children ?? []) {
          this.members.set(`${child.name}.${member.name}`, member)
          if (module.name !== 'drupe') continue
          const names = member.kindOf(ReflectionKind.Method) ? this.methods : this.fields
          names.add(member.name)
        }
      }
    }
    this.pages = new Map()
    for (const page of project.documents ?? []) {
      const code = /^docs\/errors\/(DRUPE_\w+)\.md$/.exec(pathOf(project, page))?.[1]
      if (code !== undefined) this.pages.set(code, page)
    }
  }

  /** What a text names, seen from a place; undefined for nothing, and for the place itself. */
  find(text, called, place) {
    const found = this.pages.get(text) ?? this.member(text) ?? this.near(text, called, place)
    return found === undefined || place?.chain.includes(found) ? undefined : found
  }

  /** `Queue.put`, and `queue.put` as well; a nursery is called `n` everywhere. */
  member(text) {
    const [name, member] = text.replace(/^n\./, 'nursery.').split('.')
    return this.members.get(`${name[0].toUpperCase()}${name.slice(1)}.${member}`)
  }

  near(text, called, place) {
    if (text.includes('.') || place?.parameters.has(text)) return undefined
    const member = place?.members.get(text)
    // What is said of an operand names its fields, not those of the class.
    if (member !== undefined) return place.ofOperand && this.fields.has(text) ? undefined : member
    const own = this.exports.get(`${place?.module} ${text}`)
    const found = own ?? this.exports.get(text)
    if (place?.imported?.has(found)) return found
    // Elsewhere a method or a field of that name may be meant: `close`, `timeout`.
    if (this.methods.has(text) && own === undefined) return undefined
    return called || !this.fields.has(text) ? found : undefined
  }
}

/** Where a comment stands: what its names may mean there. */
function placeOf(reflection) {
  const chain = []
  for (let one = reflection; one !== undefined && !one.isProject(); one = one.parent) chain.push(one)
  const signatures = chain.flatMap((one) => (one.kindOf(ReflectionKind.SomeSignature) ? [one] : (one.signatures ?? [])))
  const owners = chain.filter((one) => one.kindOf(ReflectionKind.ClassOrInterface))
  return {
    chain,
    ofOperand: reflection.kindOf(ReflectionKind.Parameter),
    module: chain.find((one) => one.kindOf(ReflectionKind.Module))?.name,
    parameters: new Set(signatures.flatMap((one) => (one.parameters ?? []).map(({ name }) => name))),
    members: new Map(owners.flatMap((one) => (one.children ?? []).map((child) => [child.name, child]))),
  }
}

/** Makes links of the code spans among some parts, and tells what they lead to. */
function linkSpans(parts, names, place, seen) {
  return parts.map((part) => {
    const [, text, call] = (part.kind === 'code' && SPAN.exec(part.text)) || []
    const target = text === undefined ? undefined : names.find(text, call !== undefined, place)
    if (target === undefined || part.text.includes('<')) return part
    seen?.add(target)
    return { kind: 'inline-tag', tag: '@linkcode', text: part.text.slice(1, -1), target }
  })
}

/** Makes links of the classes of errors in the text of a comment. */
function linkErrors(parts, names, place) {
  return parts.flatMap((part) => {
    if (part.kind !== 'text') return [part]
    const found = []
    let end = 0
    for (const { 0: name, index } of part.text.matchAll(ERROR)) {
      const target = names.exports.get(name)
      if (target === undefined || place.chain.includes(target)) continue
      found.push({ kind: 'text', text: part.text.slice(end, index) })
      found.push({ kind: 'inline-tag', tag: '@linkcode', text: name, target })
      end = index + name.length
    }
    return [...found, { kind: 'text', text: part.text.slice(end) }]
  })
}

/** What the programs in a text import from the package. */
function* importsIn(text, names) {
  for (const [, list, from] of text.matchAll(/import (?:type )?\{([^}]*)\} from '(drupe[\w/-]*)'/g)) {
    for (const word of list.split(',')) {
      const name = word.replace(/^\s*(type\s+)?/, '').split(/\s/)[0]
      const target = names.exports.get(`${from} ${name}`)
      if (target !== undefined) yield target
    }
  }
}

/** @param {import('typedoc').ProjectReflection} project */
export function linkAll(project) {
  const names = new Names(project)
  for (const reflection of Object.values(project.reflections)) {
    const { comment } = reflection
    if (comment === undefined || reflection.isProject()) continue
    const place = placeOf(reflection)
    const link = (parts) => linkErrors(linkSpans(parts, names, place), names, place)
    comment.summary = link(comment.summary)
    for (const tag of comment.blockTags) if (tag.tag !== '@example') tag.content = link(tag.content)
  }
  if (project.readme !== undefined) project.readme = linkSpans(project.readme, names)
  const users = new Map()
  const note = (target, link) => {
    if (!target.isDeclaration()) return
    const owner = target.parent?.kindOf(ReflectionKind.ClassOrInterface) ? target.parent : target
    users.set(owner, (users.get(owner) ?? []).filter((one) => one.key !== link.key).concat(link))
  }
  for (const page of project.documents ?? []) {
    lendExample(page, names)
    const imported = new Set(importsIn(page.content.map(({ text }) => text).join(''), names))
    const seen = new Set(RECIPES.test(pathOf(project, page)) ? [] : imported)
    const place = { chain: [page], members: new Map(), parameters: new Set(), imported }
    page.content = linkSpans(page.content, names, place, seen)
    if (!USERS.test(pathOf(project, page))) continue
    const parts = [{ kind: 'inline-tag', tag: '@link', text: page.name, target: page }]
    for (const target of seen) note(target, { key: page.name, parts })
  }
  for (const path of examplesIn('examples/')) {
    const { target } = project.files.register(`${FOLDER}index.ts`, path)
    const parts = [
      { kind: 'text', text: `[${path}](` },
      { kind: 'relative-link', text: path, target, targetAnchor: undefined },
      { kind: 'text', text: ')' },
    ]
    const text = readFileSync(new URL(path, ROOT), 'utf8')
    for (const used of importsIn(text, names)) note(used, { key: path, parts })
  }
  for (const [target, links] of users) say(target, links)
}

/** The program on the page of an error's code is the example of its class, too. */
function lendExample(page, names) {
  const [name, program] = page.content.flatMap(({ kind, text }) => (kind === 'code' ? [text] : []))
  const target = names.exports.get(/^`(\w+Error|Cancelled)`$/.exec(name)?.[1])
  if (names.pages.get(page.name) !== page || target === undefined) return
  target.comment.blockTags.push(new CommentTag('@example', [{ kind: 'code', text: program }]))
}

/** The programs in a folder, as paths from the root. */
function examplesIn(folder) {
  return readdirSync(new URL(folder, ROOT), { withFileTypes: true })
    .flatMap((entry) => {
      if (entry.isDirectory()) return examplesIn(`${folder}${entry.name}/`)
      return entry.name.endsWith('.ts') ? [folder + entry.name] : []
    })
    .sort()
}

/** Writes "Used in" at the end of what is said of an export. */
function say(target, links) {
  const owner = target.signatures?.at(-1) ?? target
  owner.comment ??= new Comment()
  const parts = links.flatMap(({ parts }, i) => (i === 0 ? parts : [{ kind: 'text', text: ', ' }, ...parts]))
  owner.comment.blockTags.push(new CommentTag('@usedIn', parts))
}
