/**
 * Which tests of peers one of ours was written after: `covers(t, 'curio kernel: sleep, clock')` at the head of its body.
 *
 * The names are data, for two readers: peers.test.ts finds them in the sources, and `npm run conformance` is told of those
 * that ran, a line each, in the file that DRUPE_COVERS names.
 */

/** A line of that file. */
export interface Covered {
  readonly title: string
  readonly names: readonly string[]
}

const path = typeof process === 'object' ? process.env['DRUPE_COVERS'] : undefined

/**
 * @param test What AVA gives to a test.
 * @param names `peer suite: name, name`; Effection's names are sentences, so semicolons stand between them.
 */
export function covers({ title }: { readonly title: string }, ...names: readonly string[]): void {
  if (path === undefined || names.length === 0) return
  const covered: Covered = { title, names }
  process.getBuiltinModule('node:fs').appendFileSync(path, `${JSON.stringify(covered)}\n`)
}
