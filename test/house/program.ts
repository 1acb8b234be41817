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

/** What belongs to one kernel. */
const OWNED = new Set(['Task', 'Scope', 'Nursery', 'Waker'])

/**
 * Everything exported that takes a thing that belongs to one kernel: functions and methods with such a parameter, and the
 * methods of these things themselves, as `Task.join`.
 */
export function takersOfOwned(): readonly string[] {
  const program = ts.createProgram(
    DOORS.map((door) => ROOT + door),
    { ...compilerOptions(), noEmit: true },
  )
  const checker = program.getTypeChecker()
  const takers = new Set<string>()
  const takes = (symbol: ts.Symbol): boolean =>
    checker
      .getTypeOfSymbol(symbol)
      .getCallSignatures()
      .some((one) => one.parameters.some((parameter) => isOwned(checker, checker.getTypeOfSymbol(parameter))))
  for (const door of DOORS) {
    const source = program.getSourceFile(ROOT + door)
    const module = source === undefined ? undefined : checker.getSymbolAtLocation(source)
    for (const exported of module === undefined ? [] : checker.getExportsOfModule(module)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
      if (symbol.flags & ts.SymbolFlags.Function && takes(symbol)) takers.add(exported.name)
      if (!(symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface))) continue
      for (const member of checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol))) {
        // Methods that are named by a symbol, as the checker writes it, are for the host.
        const hidden =
          member.getJsDocTags(checker).some(({ name }) => name === 'internal') ||
          member.declarations?.some(
            (node) => ts.getCombinedModifierFlags(node) & ts.ModifierFlags.NonPublicAccessibilityModifier,
          )
        if (hidden || !(member.flags & ts.SymbolFlags.Method) || member.name.startsWith('__@')) continue
        if (OWNED.has(exported.name) || takes(member)) takers.add(`${exported.name}.${member.name}`)
      }
    }
  }
  return [...takers].sort()
}

function isOwned(checker: ts.TypeChecker, type: ts.Type): boolean {
  if (type.isUnionOrIntersection()) return type.types.some((one) => isOwned(checker, one))
  if (OWNED.has(type.symbol?.name ?? '')) return true
  return (
    checker.isArrayType(type) && checker.getTypeArguments(type as ts.TypeReference).some((one) => isOwned(checker, one))
  )
}

/**
 * The names of the parameters of everything public that takes any: `sleep`, `new Queue`, `Queue.put`. A name that a door before
 * has for something else is told apart by its own: `lowlevel connect`.
 */
export function parametersOfDoors(): ReadonlyMap<string, readonly string[]> {
  const program = ts.createProgram(
    DOORS.map((door) => ROOT + door),
    { ...compilerOptions(), noEmit: true },
  )
  const checker = program.getTypeChecker()
  const found = new Map<string, readonly string[]>()
  const owners = new Map<string, ts.Symbol>()
  const add = (key: string, signatures: readonly ts.Signature[]): void => {
    const names = signatures
      .map(({ parameters }) => parameters.map(({ name }) => name))
      .reduce((longest, some) => (some.length > longest.length ? some : longest), [])
    if (names.length > 0) found.set(key, names)
  }
  for (const door of DOORS) {
    const source = program.getSourceFile(ROOT + door)
    const module = source === undefined ? undefined : checker.getSymbolAtLocation(source)
    for (const exported of module === undefined ? [] : checker.getExportsOfModule(module)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
      const owner = owners.get(exported.name)
      if (owner === symbol) continue
      const key = owner === undefined ? exported.name : `${door.replace('.ts', '')} ${exported.name}`
      owners.set(exported.name, symbol)
      if (symbol.flags & ts.SymbolFlags.Function) add(key, checker.getTypeOfSymbol(symbol).getCallSignatures())
      // What programs hold of the kernel's records are interfaces.
      if (!(symbol.flags & ts.SymbolFlags.Class) && !OWNED.has(exported.name)) continue
      if (symbol.flags & ts.SymbolFlags.Class) {
        const constructors = checker.getTypeOfSymbol(symbol).getConstructSignatures()
        add(
          `new ${key}`,
          constructors.filter((one) => !one.getJsDocTags().some(({ name }) => name === 'internal')),
        )
      }
      for (const member of checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol))) {
        if (!isPublicMethod(checker, member)) continue
        add(`${key}.${member.name}`, checker.getTypeOfSymbol(member).getCallSignatures())
      }
    }
  }
  return found
}

function isPublicMethod(checker: ts.TypeChecker, member: ts.Symbol): boolean {
  if (!(member.flags & ts.SymbolFlags.Method)) return false
  if (member.getJsDocTags(checker).some(({ name }) => name === 'internal')) return false
  return !member.declarations?.some(
    (node) => ts.getCombinedModifierFlags(node) & ts.ModifierFlags.NonPublicAccessibilityModifier,
  )
}

/**
 * What is public and not described: `sleep: ms` for a parameter, `sleep` for a function without a comment. Overloads count one by
 * one; what a class has from an interface is described there, and so is what it does not use of it (`_op`).
 */
export function undescribed(): readonly string[] {
  const program = ts.createProgram(
    DOORS.map((door) => ROOT + door),
    { ...compilerOptions(), noEmit: true },
  )
  const checker = program.getTypeChecker()
  const missing = new Set<string>()
  const look = (key: string, signatures: readonly ts.Signature[]): void => {
    for (const one of signatures) {
      const tags = one.getJsDocTags()
      if (tags.some(({ name }) => name === 'internal')) continue
      const described = new Set(
        tags.filter(({ name }) => name === 'param').map(({ text = [] }) => text.find(isName)?.text ?? ''),
      )
      if (one.parameters.length === 0 && one.getDocumentationComment(checker).length === 0) missing.add(key)
      for (const { name } of one.parameters) if (!described.has(name) && name[0] !== '_') missing.add(`${key}: ${name}`)
    }
  }
  for (const door of DOORS) {
    const source = program.getSourceFile(ROOT + door)
    const module = source === undefined ? undefined : checker.getSymbolAtLocation(source)
    for (const exported of module === undefined ? [] : checker.getExportsOfModule(module)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
      if (isFromElsewhere(symbol)) continue
      const type = checker.getTypeOfSymbol(symbol)
      if (symbol.flags & ts.SymbolFlags.Function) look(exported.name, type.getCallSignatures())
      if (symbol.flags & ts.SymbolFlags.Class && symbol.members?.has(ts.InternalSymbolName.Constructor))
        look(`new ${exported.name}`, type.getConstructSignatures())
      if (!(symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface))) continue
      for (const member of checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol))) {
        if (isFromElsewhere(member) || member.name.startsWith('__@') || !isPublicMethod(checker, member)) continue
        look(`${exported.name}.${member.name}`, checker.getTypeOfSymbol(member).getCallSignatures())
      }
    }
  }
  return [...missing].sort()
}

const isName = ({ kind }: ts.SymbolDisplayPart): boolean => kind === 'parameterName'

function isFromElsewhere(symbol: ts.Symbol): boolean {
  return symbol.declarations?.some((node) => node.getSourceFile().fileName.includes('/node_modules/')) ?? false
}
