/**
 * Programs that run where they are read: which pages have them, and what makes a block of code one.
 * Beneath the block, which is for reading, there is the same program in a `<drupe-live>`, which is
 * made only when it is unfolded. On these pages all programs run on the virtual clock, with a
 * network in the page; .ci/live.mjs runs each of them.
 */
export const LIVE = [
  /^docs\/guides\/start\//,
  /^docs\/why\.md$/,
  /^docs\/guides\/(getting-started|structured-concurrency|synchronisation)\.md$/,
]

/** What prints something else in a page: the page, the program's number among those that run, and why. */
export const NOT_IN_A_PAGE = { 'docs/guides/structured-concurrency.md 7': 'it shows a line of a stack of Node' }

const PROGRAM = /^```ts\n([\s\S]*?)^```$/gm

/** The programs of a page that run in it: those that ask of Node nothing but timers. */
export function programsOf(path, text) {
  if (!LIVE.some((page) => page.test(path))) return []
  return [...text.matchAll(PROGRAM)]
    .map(([, code]) => code)
    .filter((code) => !/from 'node:(?!timers\/promises)/.test(code))
    .map((code, i) => ({ name: `${path} ${i + 1}`, code }))
    .filter(({ name }) => !(name in NOT_IN_A_PAGE))
}

/** Pages at whose end there is a network to play with. */
const NETWORKS = ['docs/guides/start/7-a-test.md', 'docs/guides/testing.md']

const NETWORK = `## A network in the page

A simulated network, with its hosts, its delays and its losses. Cut it, heal it, and play the same again by its seed.

<drupe-network></drupe-network>

<script type="module" src="/live/network.js"></script>`

/** A page with its programs made alive. */
export function withPrograms(path, written) {
  const text = NETWORKS.includes(path) ? `${written}\n\n${NETWORK}` : written
  const live = new Set(programsOf(path, text).map(({ code }) => code))
  if (live.size === 0) return text
  const body = text.replace(PROGRAM, (block, code) => (live.has(code) ? `${block}\n\n${element(code)}` : block))
  return `${body}\n\n<script type="module" src="/live/live.js"></script>`
}

/** A blank line would end the block of HTML. */
function element(code) {
  const escaped = code.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('\n', '&#10;')
  return `<details class="live" data-pagefind-ignore><summary>Run it here</summary><drupe-live virtual><pre>${escaped}</pre></drupe-live></details>`
}
