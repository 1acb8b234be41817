/**
 * TypeScript to a module that a worker can import: types are left out, lines stay where they are,
 * and the package's names become addresses.
 *
 * This file has the compiler in it, so it is loaded when the first program is run.
 */
import { transform } from 'sucrase'

const DOORS: Readonly<Record<string, string>> = {
  drupe: 'drupe.js',
  'drupe/lowlevel': 'drupe-lowlevel.js',
  'drupe/testing': 'drupe-testing.js',
  'node:timers/promises': 'timers.js',
}

const SPECIFIER = /(\bfrom\s*|\bimport\s*\(?\s*)(['"])((?:drupe|node:)[\w/]*)\2/g

/** @throws Error if it is no TypeScript, with the line. */
export function toModule(source: string, base: string): string {
  const { code } = transform(source, { transforms: ['typescript'], disableESTransforms: true })
  return code.replace(SPECIFIER, (whole, before: string, quote: string, name: string) => {
    const file = DOORS[name]
    return file === undefined ? whole : before + quote + new URL(file, base).href + quote
  })
}
