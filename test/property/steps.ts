/**
 * Counts steps: Drupe's own code in a copy where every function and every turn of a loop adds one to a counter.
 *
 * No clock and no engine has a part in it, so the numbers are the same everywhere. What the language does for us in one
 * call counts as much as it costs: the methods of arrays that move or search their items, and those of typed arrays that
 * copy, add the number of items.
 */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as Drupe from 'drupe'
import type * as LowLevel from 'drupe/lowlevel'
import type * as Testing from 'drupe/testing'
import ts from 'typescript'

const COUNT = 'globalThis.drupeSteps++;'
const counter = globalThis as unknown as { drupeSteps: number }

/** The copy of the package. */
export interface Counted {
  readonly drupe: typeof Drupe
  readonly lowlevel: typeof LowLevel
  readonly testing: typeof Testing
  remove(): void
}

/** Makes the copy from what was built, and loads it. */
export async function counted(): Promise<Counted> {
  const dist = path.join(import.meta.dirname, '../..')
  const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'drupe-steps-'))
  fs.writeFileSync(path.join(copy, 'package.json'), '{ "type": "module" }')
  fs.symlinkSync(path.resolve(dist, '../node_modules'), path.join(copy, 'node_modules'))
  for (const place of ['.', 'kernel', 'traps', 'native']) {
    const recursive = place !== '.'
    for (const entry of fs.readdirSync(path.join(dist, place), { recursive, encoding: 'utf8' })) {
      if (!entry.endsWith('.js')) continue
      const file = path.join(place, entry)
      fs.mkdirSync(path.dirname(path.join(copy, file)), { recursive: true })
      fs.writeFileSync(path.join(copy, file), counting(fs.readFileSync(path.join(dist, file), 'utf8')))
    }
  }
  const load = (name: string): Promise<unknown> => import(pathToFileURL(path.join(copy, `${name}.js`)).href)
  return {
    drupe: (await load('index')) as typeof Drupe,
    lowlevel: (await load('lowlevel')) as typeof LowLevel,
    testing: (await load('testing')) as typeof Testing,
    remove: () => fs.rmSync(copy, { recursive: true }),
  }
}

/** The same program, which counts. */
function counting(source: string): string {
  const inserts: { at: number; text: string }[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined && ts.isBlock(node.body as ts.Node)) {
      inserts.push({ at: (node.body as ts.Block).getStart() + 1, text: COUNT })
    } else if (ts.isIterationStatement(node, false)) {
      const { statement } = node
      if (ts.isBlock(statement)) {
        inserts.push({ at: statement.getStart() + 1, text: COUNT })
      } else {
        inserts.push({ at: statement.getStart(), text: `{${COUNT}` }, { at: statement.getEnd(), text: '}' })
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('it.js', source, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS))
  let text = source
  for (const { at, text: more } of inserts.sort((a, b) => b.at - a.at)) text = text.slice(0, at) + more + text.slice(at)
  return text
}

type Method = (this: { readonly length: number }, ...args: unknown[]) => unknown
const ARRAYS = ['shift', 'unshift', 'splice', 'slice', 'indexOf', 'includes', 'findIndex', 'find', 'filter', 'concat']
const BYTES = ['set', 'slice', 'indexOf', 'copyWithin', 'fill']

/** How many steps the copy makes while this runs. */
export function steps(body: () => void): number {
  const bytes = Object.getPrototypeOf(Uint8Array.prototype) as object
  const undo = [...count(Array.prototype, ARRAYS), ...count(bytes, BYTES)]
  counter.drupeSteps = 0
  try {
    body()
    return counter.drupeSteps
  } finally {
    for (const one of undo) one()
  }
}

function count(prototype: object, names: readonly string[]): (() => void)[] {
  const methods = prototype as Record<string, Method>
  return names.map((name) => {
    const original = methods[name] as Method
    methods[name] = function (...args) {
      const { length } = this
      const result = Reflect.apply(original, this, args)
      counter.drupeSteps += cost(name, length, args, result)
      return result
    }
    return () => {
      methods[name] = original
    }
  })
}

/** How many items it copied, moved or looked at. */
function cost(name: string, length: number, args: readonly unknown[], result: unknown): number {
  if (name === 'set') return (args[0] as { readonly length: number }).length
  if (name === 'slice') return (result as { readonly length: number }).length
  if (name === 'indexOf' || name === 'findIndex') {
    const from = typeof args[1] === 'number' ? args[1] : 0
    return (result as number) < 0 ? length - from : (result as number) - from
  }
  return length
}
