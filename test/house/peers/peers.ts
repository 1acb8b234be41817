/**
 * Drupe held against the suites of its peers, name by name: what a list of them looks like, and how our tests name them.
 *
 * A test of ours that was written after one of a peer's says so in its first line: `covers(t, 'curio kernel: sleep, clock')`.
 * Effection's names are sentences, so semicolons stand between them: `'effection race: …; …'`. A name in a list is either
 * in such a text or has a reason why there is nothing to test (peers.test.ts); conformance.ts writes both into the docs.
 */

export interface PeerSuite {
  /** The names of the suite's tests. */
  readonly tests: readonly string[]
  /** Why a name has no test of ours. */
  readonly instead?: Readonly<Record<string, string>>
  /** The suite has more tests, which nobody went through. */
  readonly partial?: boolean
}

export type PeerSuites = Readonly<Record<string, PeerSuite>>

/** Tests of one suite that a text names. */
export interface Named {
  readonly peer: string
  readonly suite: string
  readonly names: readonly string[]
}

const NAMED = /^(curio|trio|effection|uvloop) ([^:]+): (.+)$/s

/** What a text for `covers` names; null if it is no such text. */
export function namedIn(text: string): Named | null {
  const [, peer = '', suite = '', names = ''] = NAMED.exec(text) ?? []
  if (peer === '') return null
  return { peer, suite, names: names.split(peer === 'effection' ? ';' : ',').map((name) => name.trim()) }
}
