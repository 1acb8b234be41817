/**
 * Random programs: trees of tasks, scopes, shields, waits and failures, as plain data.
 *
 * Every program ends by itself: waits that others must end have a time limit. Times come from a small set, so that things
 * that are set for the same moment are common. What a program does is in play.ts, what must hold in books.ts.
 */
import fc from 'fast-check'

export type Node =
  | { readonly k: 'sleep'; readonly ms: number }
  | { readonly k: 'checkpoint' }
  | { readonly k: 'fail' }
  | { readonly k: 'seq'; readonly body: readonly Node[] }
  | { readonly k: 'spawn'; readonly child: Node; readonly daemon: boolean }
  | {
      readonly k: 'start'
      readonly before: Node
      readonly after: Node
      /** In a nursery of its own, or in one that some task has opened before. */
      readonly own: boolean
      readonly which: number
    }
  | {
      readonly k: 'nursery'
      readonly body: readonly Node[]
      readonly errors: 'first' | 'group'
      readonly collect: boolean
    }
  | { readonly k: 'next' }
  | { readonly k: 'call'; readonly body: Node }
  | { readonly k: 'timeout'; readonly ms: number; readonly body: Node }
  | { readonly k: 'moveOn'; readonly ms: number; readonly body: Node }
  | { readonly k: 'shield'; readonly body: Node }
  | { readonly k: 'scope'; readonly ms: number; readonly grace: number; readonly shield: boolean; readonly body: Node }
  | { readonly k: 'cleanup'; readonly body: Node; readonly last: Node }
  | { readonly k: 'catch'; readonly body: Node; readonly all: boolean }
  | { readonly k: 'cancel'; readonly which: number; readonly wait: boolean }
  | { readonly k: 'leave'; readonly which: number }
  | { readonly k: 'adjust'; readonly which: number; readonly ms: number }
  | { readonly k: 'raise'; readonly which: number; readonly on: boolean }
  | { readonly k: 'join'; readonly which: number }
  | { readonly k: 'park'; readonly queue: number; readonly ms: number }
  | { readonly k: 'wake'; readonly queue: number; readonly count: number }
  | { readonly k: 'suspend'; readonly ms: number; readonly late: boolean; readonly fails: boolean }

/** A program, and the kernel that it runs in. */
export interface Case {
  readonly root: Node
  readonly seed: number
  readonly grace: number
}

const ms = fc.constantFrom(0, 1, 2, 2, 3, 5, 10, 30)
const grace = fc.constantFrom(0, 2, 5, 5000, Number.POSITIVE_INFINITY)
const which = fc.nat(7)

const leaf: fc.Arbitrary<Node> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ k: fc.constant('sleep' as const), ms }) },
  { weight: 3, arbitrary: fc.constant<Node>({ k: 'checkpoint' }) },
  { weight: 1, arbitrary: fc.constant<Node>({ k: 'fail' }) },
  { weight: 1, arbitrary: fc.record({ k: fc.constant('cancel' as const), which, wait: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ k: fc.constant('leave' as const), which }) },
  { weight: 1, arbitrary: fc.record({ k: fc.constant('adjust' as const), which, ms }) },
  { weight: 1, arbitrary: fc.record({ k: fc.constant('raise' as const), which, on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ k: fc.constant('join' as const), which }) },
  { weight: 1, arbitrary: fc.constant<Node>({ k: 'next' }) },
  { weight: 2, arbitrary: fc.record({ k: fc.constant('park' as const), queue: fc.nat(1), ms }) },
  {
    weight: 2,
    arbitrary: fc.record({ k: fc.constant('wake' as const), queue: fc.nat(1), count: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ k: fc.constant('suspend' as const), ms, late: fc.boolean(), fails: fc.boolean() }),
  },
)

const { node } = fc.letrec<{ node: Node; body: readonly Node[] }>((tie) => ({
  body: fc.array(tie('node'), { maxLength: 6, depthIdentifier: 'tree' }),
  node: fc.oneof(
    { depthIdentifier: 'tree', maxDepth: 8, depthSize: 'medium' },
    { weight: 4, arbitrary: leaf },
    { weight: 4, arbitrary: fc.record({ k: fc.constant('seq' as const), body: tie('body') }) },
    { weight: 4, arbitrary: fc.record({ k: fc.constant('spawn' as const), child: tie('node'), daemon: fc.boolean() }) },
    {
      weight: 1,
      arbitrary: fc.record({
        k: fc.constant('start' as const),
        before: tie('node'),
        after: tie('node'),
        own: fc.boolean(),
        which,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        k: fc.constant('nursery' as const),
        body: tie('body'),
        errors: fc.constantFrom('first' as const, 'group' as const),
        collect: fc.boolean(),
      }),
    },
    { weight: 4, arbitrary: fc.record({ k: fc.constant('call' as const), body: tie('node') }) },
    { weight: 2, arbitrary: fc.record({ k: fc.constant('timeout' as const), ms, body: tie('node') }) },
    { weight: 2, arbitrary: fc.record({ k: fc.constant('moveOn' as const), ms, body: tie('node') }) },
    { weight: 1, arbitrary: fc.record({ k: fc.constant('shield' as const), body: tie('node') }) },
    {
      weight: 2,
      arbitrary: fc.record({ k: fc.constant('scope' as const), ms, grace, shield: fc.boolean(), body: tie('node') }),
    },
    { weight: 3, arbitrary: fc.record({ k: fc.constant('cleanup' as const), body: tie('node'), last: tie('node') }) },
    { weight: 2, arbitrary: fc.record({ k: fc.constant('catch' as const), body: tie('node'), all: fc.boolean() }) },
  ),
}))

/** Programs that do something: a few things side by side at the top. */
export const cases: fc.Arbitrary<Case> = fc.record({
  root: fc.array(node, { minLength: 2, maxLength: 8 }).map((body): Node => ({ k: 'seq', body })),
  seed: fc.nat(),
  grace,
})
