/**
 * The reference as TypeDoc would write it: its model, with what docs/reference/ has put into it, and what of it is not
 * described.
 */
import {
  Application,
  type CommentDisplayPart,
  type ProjectReflection,
  type Reflection,
  ReflectionKind,
  TypeDocReader,
} from 'typedoc'
import { ROOT } from './sources.js'

export type Topic = readonly [title: string, summary: string, names: string]

/** The table of topics. */
export const { TOPICS } = (await import(new URL('../../../docs/reference/topics.mjs', import.meta.url).href)) as {
  readonly TOPICS: Readonly<Record<string, readonly Topic[]>>
}

/** Reads all sources; takes some seconds. */
export async function readReference(): Promise<ProjectReflection> {
  const app = await Application.bootstrapWithPlugins({ options: `${ROOT}typedoc.json`, logLevel: 'Error' }, [
    new TypeDocReader(),
  ])
  const project = await app.convert()
  if (project === undefined) throw new Error('Cannot read the sources: see what TypeDoc says')
  return project
}

/**
 * What is public and has no text, or no example, by what it is. A constructor makes what its class is described as, and
 * its parameters count.
 */
export interface Gaps {
  readonly functions: readonly string[]
  readonly methods: readonly string[]
  readonly properties: readonly string[]
  readonly parameters: readonly string[]
  readonly functionsWithoutExample: readonly string[]
  readonly classesWithoutExample: readonly string[]
}

const isDescribed = ({ comment }: Reflection): boolean => says(comment?.summary)
const says = (parts: readonly CommentDisplayPart[] = []): boolean => parts.some(({ text }) => text.trim() !== '')
const hasExample = ({ comment }: Reflection): boolean => comment?.getTag('@example') !== undefined

/** Members that only the kernel calls, named by a symbol. */
const isHidden = ({ name }: Reflection): boolean => name.startsWith('[')

/** What an operand that is a function gets is said where the operand is described. */
function isOfCallback(one: Reflection): boolean {
  const owner = one.parent?.parent
  return owner?.kindOf(ReflectionKind.TypeLiteral) ?? false
}

/** The members of a type that is written where it is used are described there. */
function isInPlace(one: Reflection): boolean {
  const literal = one.parent
  const owner = literal?.kindOf(ReflectionKind.TypeLiteral) ? literal.parent : undefined
  if (owner === undefined) return false
  return isDescribed(owner) || isInPlace(owner)
}

/** What is not described, by kind; sorted names, `drupe.Queue.put`. */
export function gapsOf(project: ProjectReflection): Gaps {
  const all = Object.values(project.reflections)
  const names = (kind: ReflectionKind, test: (one: Reflection) => boolean): string[] => {
    const found = all.filter((one) => one.kindOf(kind) && !isHidden(one) && test(one))
    return [...new Set(found.map((one) => one.getFullName()))].sort()
  }
  const signaturesOf = (one: Reflection) => (one.isDeclaration() ? (one.signatures ?? []) : [])
  const someSilent = (one: Reflection): boolean => signaturesOf(one).some((signature) => !isDescribed(signature))
  return {
    functions: names(ReflectionKind.Function, someSilent),
    methods: names(ReflectionKind.Method, someSilent),
    properties: [
      ...names(
        ReflectionKind.Property,
        (one) => !isDescribed(one) && !isInPlace(one) && signaturesOf(one).length === 0,
      ),
      ...names(
        ReflectionKind.Accessor,
        (one) => one.isDeclaration() && one.getSignature !== undefined && !isDescribed(one.getSignature),
      ),
    ],
    parameters: names(
      ReflectionKind.Parameter,
      (one) => !isOfCallback(one) && one.name !== 'this' && !isDescribed(one),
    ),
    functionsWithoutExample: names(ReflectionKind.Function, (one) => !signaturesOf(one).some(hasExample)),
    classesWithoutExample: names(ReflectionKind.Class, (one) => !hasExample(one)),
  }
}
