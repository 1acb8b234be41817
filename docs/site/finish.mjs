/**
 * The last touch to built pages, before they are indexed: what neither Astro nor TypeDoc can be
 * told. It makes wide tables reachable by keyboard and names what has no name for a screen reader;
 * and it says how much a page weighs in the search, as a guide answers a question and the type of
 * an option does not.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The first that a path begins with; 1 is what Pagefind takes where nothing is said. */
const WEIGHTS = [
  ['start/', 2],
  ['guides/', 4],
  ['cookbook/', 4],
  ['errors/', 3],
  ['platforms/', 4],
  ['compare/', 3],
  ['examples/', 1],
  ['internals/recipes/', 3],
  ['internals/how-a-trap-travels/', 2],
  ['internals/', 0.3],
  ['project/', 0.3],
  ['proof/benchmarks/', 2],
  ['proof/', 0.3],
  ['reference/functions/', 2],
  ['reference/classes/', 2],
  ['reference/', 0.3],
]

const TABLE = '<div class="scroller" role="group" aria-label="Table" tabindex="0">'

export function finish(root) {
  for (const file of readdirSync(root, { recursive: true })) {
    const path = file.replaceAll('\\', '/')
    if (!path.endsWith('.html')) continue
    const html = readFileSync(join(root, file), 'utf8')
    const weight = WEIGHTS.find(([folder]) => path.startsWith(folder))?.[1] ?? 1
    const pages = path.startsWith('reference/') ? ofTypeDoc(html, path) : ofStarlight(html)
    writeFileSync(join(root, file), pages.replace('data-pagefind-body', `$& data-pagefind-weight="${weight}"`))
  }
}

function ofStarlight(html) {
  return html
    .replace(/<table>[\s\S]*?<\/table>/g, (table) => `${TABLE}${table}</div>`)
    .replace(/<th(?: [^>]*)?><\/th>/g, '<td></td>')
}

/** TypeDoc has no landmark for what a page is about, and on the page of a function h4 comes after h1. */
function ofTypeDoc(html, path) {
  const marked = html
    .replace('<div class="col-content"', '<div class="col-content" role="main"')
    .replace('id="tsd-sidebar-links"', '$& aria-label="The site"')
  return path.startsWith('reference/functions/') ? marked.replaceAll('<h4 ', '<h4 aria-level="2" ') : marked
}
