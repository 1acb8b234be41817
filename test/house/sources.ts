/**
 * The repository as its own tests see it: which files there are, and what each of them imports.
 *
 * Imports are read from the syntax tree. An import is *for types only* if nothing of it is left when it is compiled, so
 * `import { type A }` is none of those: `verbatimModuleSyntax` keeps the bare import, and the module is loaded.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** The folder of package.json, seen from dist/test/house. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** What is generated, or belongs to somebody else. */
const SKIPPED = new Set(['node_modules', 'dist', 'api'])

export interface Import {
  /** The importing file, from the root: `kernel/schedule/loop.ts`. */
  readonly from: string
  /** The imported file in the same form, or the package as it was written. */
  readonly to: string
  readonly typeOnly: boolean
  readonly line: number
}

/** Every file below the root (or below a folder) whose name ends so, as sorted paths from the root. */
export function files(ending: string, folder = ''): string[] {
  return readdirSync(`${ROOT}/${folder}`, { withFileTypes: true })
    .flatMap((entry) => {
      if (entry.name.startsWith('.') || SKIPPED.has(entry.name)) return []
      const path = posix.join(folder, entry.name)
      if (entry.isDirectory()) return files(ending, path)
      return path.endsWith(ending) ? [path] : []
    })
    .sort()
}

export function textOf(path: string): string {
  return readFileSync(`${ROOT}/${path}`, 'utf8')
}

/** What a file imports: by declaration, by `import()`, by `import('…')` in a type, and through `require`. */
export function importsOf(path: string): Import[] {
  const source = ts.createSourceFile(path, textOf(path), ts.ScriptTarget.Latest, true)
  const found: Import[] = []
  const add = (node: ts.Node, typeOnly: boolean): void => {
    if (!ts.isStringLiteralLike(node)) return
    const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1
    found.push({ from: path, to: resolve(path, node.text), typeOnly, line })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword)
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      add(node.moduleSpecifier, node.isTypeOnly)
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true)
    } else if (ts.isCallExpression(node) && node.arguments[0] !== undefined && loads(node.expression)) {
      add(node.arguments[0], false)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function loads(callee: ts.Expression): boolean {
  return callee.kind === ts.SyntaxKind.ImportKeyword || /(^|\.)(require|getBuiltinModule)$/.test(callee.getText())
}

function resolve(from: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts')
}
