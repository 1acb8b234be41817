/**
 * The three doors as the type checker sees them: their names, and what each name's doc comment says.
 */
import ts from 'typescript'
import { ROOT } from './sources.js'

export const DOORS = ['index.ts', 'lowlevel.ts', 'testing.ts', 'effection.ts'] as const

export interface Exported {
  readonly name: string
  /** Is there something at run time, or only for the type checker? */
  readonly value: boolean
  /** The text of the doc comment; '' without one. */
  readonly comment: string
}

/** Compiler options of tsconfig.json. */
export function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(`${ROOT}/tsconfig.json`, ts.sys.readFile)
  return ts.parseJsonConfigFileContent(config, ts.sys, ROOT).options
}

/** What each door exports, in the order of the names. */
export function exportsOfDoors(): ReadonlyMap<string, readonly Exported[]> {
  const program = ts.createProgram(
    DOORS.map((door) => ROOT + door),
    { ...compilerOptions(), noEmit: true },
  )
  const checker = program.getTypeChecker()
  const found = new Map<string, Exported[]>()
  for (const door of DOORS) {
    const source = program.getSourceFile(ROOT + door)
    const module = source === undefined ? undefined : checker.getSymbolAtLocation(source)
    const symbols = module === undefined ? [] : checker.getExportsOfModule(module)
    found.set(
      door,
      symbols.map((symbol) => describe(checker, symbol)).sort((a, b) => (a.name < b.name ? -1 : 1)),
    )
  }
  return found
}

function describe(checker: ts.TypeChecker, exported: ts.Symbol): Exported {
  const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
  const typeOnly = exported.declarations?.some(
    (node) => ts.isExportSpecifier(node) && (node.isTypeOnly || node.parent.parent.isTypeOnly),
  )
  return {
    name: exported.name,
    value: !typeOnly && (symbol.flags & ts.SymbolFlags.Value) !== 0,
    comment: ts.displayPartsToString(symbol.getDocumentationComment(checker)),
  }
}
