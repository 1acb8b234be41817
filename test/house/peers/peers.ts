/**
 * Drupe held against the suites of its peers, name by name: what a list of them looks like, and the tags in our titles.
 *
 * A test of ours that was written after one of a peer's says so at the end of its title: `[curio kernel: sleep, clock]`.
 * Effection's names are sentences, so semicolons stand between them: `[effection race: …; …]`. A name in a list is either
 * in such a tag or has a reason why there is nothing to test (peers.test.ts); conformance.ts writes both into the docs.
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

export interface Tag {
  readonly peer: string
  readonly suite: string
  readonly names: readonly string[]
}

const TAG = / *\[(\w+) ([^\]:]+): ([^\]]+)\]/g

/** The peers' tests that a title names. */
export function tagsOf(title: string): Tag[] {
  return [...title.matchAll(TAG)].map(([, peer = '', suite = '', names = '']) => ({
    peer,
    suite,
    names: names.split(peer === 'effection' ? ';' : ',').map((name) => name.trim()),
  }))
}

/** The title without its tags. */
export function untagged(title: string): string {
  return title.replaceAll(TAG, '')
}
