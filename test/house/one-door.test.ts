/**
 * One door: what traps/ changes of the kernel's records it changes by handing out a trap.
 *
 * The type checker says where each member that is written was declared. Nothing in traps/ may write
 * one that belongs to the kernel's records or to the driver: neither a member of the handles, of a
 * trap or of a wait queue, nor those fields of an `IoOp` that are not its owner's.
 */
import test from 'ava'
import ts from 'typescript'
import { compilerOptions } from './program.js'
import { files, ROOT } from './sources.js'

const RECORDS = /^kernel\/(task|schedule|time|watch)\/|^kernel\/protocol\/(handles|trap|wait-queue|io-op)\.ts$/

/** The fields of an `IoOp` that say what is asked for: its owner sets them before it hands it out. */
const ASKED = new Set(
  'fd buffer vector offset length position timeout all lend address path convert'
    .split(' ')
    .map((name) => `IoOp.${name}`),
)

/** Methods that change what they are called on. */
const CHANGING = /^(push|pop|shift|unshift|splice|sort|reverse|fill|copyWithin|set|add|delete|clear|remove|take|join)$/

/** Functions that write into their first argument. */
const WRITING = /^(Object\.(assign|defineProperty|defineProperties|setPrototypeOf)|Reflect\.(set|defineProperty))$/

const BREACHES = `
import type { Nursery, Scope, Task } from '../kernel/protocol/handles.js'
import type { IoOp } from '../kernel/protocol/io-op.js'
import type { WaitQueue } from '../kernel/protocol/wait-queue.js'
export function breach(task: Task, scope: Scope, n: Nursery, queue: WaitQueue, op: IoOp): void {
  task.next = null
  ;(task as { previous: Task | null }).previous = null
  delete (task as { next?: unknown } & Task).next
  op.moved++
  op.owner ??= task
  queue.length -= 1
  queue.add(task)
  ;[task.previous] = [null]
  Object.assign(scope, { shield: true })
  ;(n.later as unknown[]).push(1)
}
`

/** What is inside of brackets, casts and `!`. */
function bare(node: ts.Expression): ts.Expression {
  const isOuter =
    ts.isParenthesizedExpression(node) ||
    ts.isAsExpression(node) ||
    ts.isNonNullExpression(node) ||
    ts.isSatisfiesExpression(node)
  return isOuter ? bare(node.expression) : node
}

const isAssignment = (kind: ts.SyntaxKind): boolean =>
  kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment

interface Breach {
  readonly at: string
  readonly member: string
}

/** A program of all of traps/, and of one file more that exists only here. */
function programWith(name: string, text: string): ts.Program {
  const options = { ...compilerOptions(), noEmit: true }
  const host = ts.createCompilerHost(options, true)
  const { getSourceFile, fileExists, readFile } = host
  const path = ROOT + name
  host.fileExists = (file) => file === path || fileExists(file)
  host.readFile = (file) => (file === path ? text : readFile(file))
  host.getSourceFile = (file, version) =>
    file === path ? ts.createSourceFile(file, text, version, true) : getSourceFile(file, version)
  return ts.createProgram([...files('.ts', 'traps').map((file) => ROOT + file), path], options, host)
}

function breachesIn(program: ts.Program, source: ts.SourceFile): Breach[] {
  const checker = program.getTypeChecker()
  const found: Breach[] = []

  function declaredIn(node: ts.Node): string | null {
    const symbol = checker.getSymbolAtLocation(node)
    const declaration = symbol?.declarations?.[0]
    if (declaration === undefined) return null
    if (!RECORDS.test(declaration.getSourceFile().fileName.slice(ROOT.length))) return null
    const owner = declaration.parent as ts.Node & { readonly name?: ts.Identifier }
    return `${owner.name?.text ?? ''}.${symbol?.name}`
  }
  function record(node: ts.Node, member: string | null): void {
    if (member === null || ASKED.has(member)) return
    const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
    found.push({ at: `${source.fileName.slice(ROOT.length)}:${line}`, member })
  }
  /** What is written to: through brackets, casts and patterns. */
  function written(target: ts.Expression): void {
    const node = bare(target)
    if (ts.isPropertyAccessExpression(node)) {
      // Seen through the cast as well: a cast to a type of its own would hide where the member is from.
      const object = bare(node.expression)
      const own = checker.getTypeAtLocation(object).getProperty(node.name.text)?.declarations?.[0]
      const hidden = own !== undefined && RECORDS.test(own.getSourceFile().fileName.slice(ROOT.length))
      const owner = own?.parent as (ts.Node & { readonly name?: ts.Identifier }) | undefined
      record(node, declaredIn(node.name) ?? (hidden ? `${owner?.name?.text}.${node.name.text}` : null))
    } else if (ts.isElementAccessExpression(node)) {
      record(node, memberOf(node.expression))
    } else if (ts.isArrayLiteralExpression(node)) {
      node.elements.forEach(written)
    } else if (ts.isObjectLiteralExpression(node)) {
      for (const one of node.properties) if (ts.isPropertyAssignment(one)) written(one.initializer)
    }
  }
  /** The member of a record that an expression reads. */
  function memberOf(expression: ts.Expression): string | null {
    const node = bare(expression)
    return ts.isPropertyAccessExpression(node) ? declaredIn(node.name) : null
  }
  function isRecord(expression: ts.Expression): boolean {
    const declaration = checker.getTypeAtLocation(expression).getSymbol()?.declarations?.[0]
    return declaration !== undefined && RECORDS.test(declaration.getSourceFile().fileName.slice(ROOT.length))
  }
  function visit(node: ts.Node): void {
    if (ts.isBinaryExpression(node) && isAssignment(node.operatorToken.kind)) {
      written(node.left)
    } else if (ts.isDeleteExpression(node)) {
      written(node.expression)
    } else if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
      const { operator } = node
      if (operator === ts.SyntaxKind.PlusPlusToken || operator === ts.SyntaxKind.MinusMinusToken) written(node.operand)
    } else if (ts.isCallExpression(node)) {
      called(node)
    }
    ts.forEachChild(node, visit)
  }
  function called(node: ts.CallExpression): void {
    const [first] = node.arguments
    if (WRITING.test(node.expression.getText(source)) && first !== undefined && isRecord(first)) {
      record(node, `${node.expression.getText(source)} of a record`)
    }
    if (!ts.isPropertyAccessExpression(node.expression) || !CHANGING.test(node.expression.name.text)) return
    // `TaskList.add` is the record's own; `later.push` changes what a record has. A trap that a handle makes is neither.
    const own = declaredIn(node.expression.name)
    const isTrap = /^(Task|Scope|Nursery)\./.test(own ?? '')
    record(node, isTrap ? null : (own ?? memberOf(node.expression.expression)))
  }
  visit(source)
  return found
}

const PROBE = 'traps/breach-for-the-test.ts'
const program = programWith(PROBE, BREACHES)

test('nothing in traps/ writes into a record of the kernel', (t) => {
  const sources = files('.ts', 'traps').map((file) => program.getSourceFile(ROOT + file) as ts.SourceFile)
  t.true(sources.length > 40)
  t.deepEqual(
    sources.flatMap((source) => breachesIn(program, source)),
    [],
  )
})

test('the check sees each way to write into one', (t) => {
  const source = program.getSourceFile(ROOT + PROBE) as ts.SourceFile
  t.deepEqual(
    breachesIn(program, source).map(({ member }) => member),
    [
      'Task.next',
      'Task.previous',
      'Task.next',
      'IoOp.moved',
      'IoOp.owner',
      'TaskList.length',
      'TaskList.add',
      'Task.previous',
      'Object.assign of a record',
      'Nursery.later',
    ],
  )
})
