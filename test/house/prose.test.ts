/**
 * The prose of the sources: every parameter of what is public is described, and comments are narrow.
 */
import test from 'ava'
import ts from 'typescript'
import { compilerOptions, DOORS } from './program.js'
import { files, ROOT, textOf } from './sources.js'

const COLUMNS = 100

/** Rooms whose comments are still to be set narrower; none is added. */
const OWED_ROOMS: readonly string[] = []

/** Described elsewhere: by the contract of drivers; and what only the kernel makes. */
const ELSEWHERE = /: ((Host|Virtual|Sim)Driver\.(?!advance)|new \w*(Error|Cancelled|Trap|IoOp)\()/

/** What is public and still has parameters that are not described; none is added. */
const OWED_PARAMETERS = /^kernel\/(driver\/contract|protocol\/(request|io-op))\.ts: |^native\//

const isHidden = (node: ts.Node): boolean =>
  ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'internal') ||
  (ts.getCombinedModifierFlags(node as ts.Declaration) & ts.ModifierFlags.NonPublicAccessibilityModifier) !== 0

type Signature = ts.SignatureDeclaration & { readonly parameters: ts.NodeArray<ts.ParameterDeclaration> }

const isSignature = (node: ts.Node): node is Signature =>
  ts.isFunctionDeclaration(node) ||
  ts.isMethodDeclaration(node) ||
  ts.isMethodSignature(node) ||
  ts.isConstructorDeclaration(node)

/** The parameters of some overloads that no `@param` of theirs describes. */
function undescribed(declarations: readonly ts.Node[]): string[] {
  const signatures = declarations.filter(isSignature).filter((one) => !isHidden(one))
  // Where there are overloads the implementation is not public.
  const shown =
    signatures.length > 1 ? signatures.filter((one) => !('body' in one) || one.body === undefined) : signatures
  const described = new Set(
    shown.flatMap((one) =>
      ts.getJSDocTags(one).flatMap((tag) => {
        const text = ts.getTextOfJSDocComment(tag.comment)
        return ts.isJSDocParameterTag(tag) && text ? [tag.name.getText()] : []
      }),
    ),
  )
  const names = shown.flatMap(({ parameters }) => parameters.map(({ name }) => name.getText()))
  return [...new Set(names)].filter((name) => name !== 'this' && !described.has(name))
}

/** Everything that a door exports, and the public members of what has any, with their undescribed parameters. */
function undescribedOfDoors(): string[] {
  const program = ts.createProgram(
    DOORS.map((door) => ROOT + door),
    { ...compilerOptions(), noEmit: true },
  )
  const checker = program.getTypeChecker()
  const found = new Set<string>()
  const report = (name: string, declarations: readonly ts.Node[] = []): void => {
    const ours = declarations.filter((one) => !one.getSourceFile().fileName.includes('node_modules'))
    const missing = undescribed(ours)
    if (missing.length === 0) return
    found.add(`${ours[0]?.getSourceFile().fileName.slice(ROOT.length)}: ${name}(${missing.join(', ')})`)
  }
  for (const door of DOORS) {
    const source = program.getSourceFile(ROOT + door)
    const module = source === undefined ? undefined : checker.getSymbolAtLocation(source)
    for (const exported of module === undefined ? [] : checker.getExportsOfModule(module)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
      report(exported.name, symbol.declarations)
      if (!(symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface))) continue
      report(`new ${exported.name}`, symbol.members?.get(ts.InternalSymbolName.Constructor)?.declarations)
      for (const member of checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol))) {
        if (!member.name.startsWith('__@')) report(`${exported.name}.${member.name}`, member.declarations)
      }
    }
  }
  return [...found].sort()
}

test('every parameter of what is public is described', (t) => {
  t.deepEqual(
    undescribedOfDoors().filter((one) => !ELSEWHERE.test(one) && !OWED_PARAMETERS.test(one)),
    [],
  )
})

/** The lines of comments, without addresses, and without the programs in doc comments, which are code. */
function* commentLines(text: string): Iterable<readonly [line: number, text: string]> {
  let inExample = false
  for (const [i, line] of text.split('\n').entries()) {
    if (!/^ *(\/\*\*|\*|\/\/)/.test(line)) continue
    if (/^ *(\/\*\*|\* @|\*\/)/.test(line)) inExample = line.includes('@example')
    if (!inExample && !/https?:|biome-ignore|reference lib/.test(line)) yield [i + 1, line]
  }
}

test(`no comment is wider than ${COLUMNS} columns`, (t) => {
  const ours = files('.ts').filter((path) => /^(kernel|traps|native|examples)\/|^[^/]+$/.test(path))
  const wide = ours
    .filter((path) => !OWED_ROOMS.some((room) => path.startsWith(room)))
    .flatMap((path) =>
      [...commentLines(textOf(path))].filter(([, text]) => text.length > COLUMNS).map(([line]) => `${path}:${line}`),
    )
  t.deepEqual(wide, [])
})

test('every room that is owed is in need of that', (t) => {
  t.true(OWED_ROOMS.length <= 4)
  for (const room of OWED_ROOMS) {
    const wide = files('.ts').filter(
      (path) => path.startsWith(room) && [...commentLines(textOf(path))].some(([, text]) => text.length > COLUMNS),
    )
    t.true(wide.length > 0, `${room} is narrow enough`)
  }
})
