/**
 * The last touch to built pages, before they are indexed: what neither Astro nor TypeDoc can be
 * told. It makes wide tables reachable by keyboard, names what has no name for a screen reader,
 * and gives pages the words under which they are looked for.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { WORDS } from './words.mjs'

/** What explains a choice, or the type of an option, is seldom what somebody looks for. */
const SELDOM = /^(internals\/decisions|project|proof\/performance|reference\/(interfaces|types|variables))\b/
/** An icon of 600 bytes at each heading: on a long page they are a third of it. */
const ICON = /(?<=class="sl-anchor-icon">)<svg[\s\S]*?<\/svg>/g
const TABLE = '<div class="scroller" role="group" aria-label="Table" tabindex="0">'

/** Five thousand sentences have every word in them; the page has a filter of its own. */
const TESTED = 'proof/conformance/'

export function finish(root) {
  for (const file of readdirSync(root, { recursive: true })) {
    const path = file.replaceAll('\\', '/')
    if (!path.endsWith('.html')) continue
    const html = readFileSync(join(root, file), 'utf8')
    const pages = path.startsWith('reference/') ? ofTypeDoc(html, path) : ofStarlight(html)
    writeFileSync(
      join(root, file),
      found(path.startsWith(TESTED) ? pages.replace(/<(ul|h[23])\b/g, '$& data-pagefind-ignore') : pages, path),
    )
  }
}

/**
 * Puts the words of a page before its end, where no excerpt begins; an export is called by its name,
 * unless that has parts: those are words to the index, and `RLock` would be found as a lock.
 * A heading weighs by itself, whatever is around it, so that of a page for few is told so.
 */
function found(html, path) {
  const [, name] = /^reference\/(?:functions|classes)\/drupe\w*\.(\w[a-z]*)\.html$/.exec(path) ?? []
  const words = [name, WORDS[path.replace(/index\.html$/, '')]].filter((one) => one !== undefined).join(', ')
  const [end] = /<\/main>|<\/div>\s*<div class="col-sidebar">/.exec(html)
  // Where a name is a part of longer ones, `Lock` of `RLock`, once is not enough.
  const said =
    words === ''
      ? html
      : html.replace(end, `<div hidden data-pagefind-weight="10">${`${words}. `.repeat(3)}</div>${end}`)
  if (!SELDOM.test(path)) return said
  return said
    .replace('data-pagefind-body', '$& data-pagefind-weight="0.2"')
    .replace(/<h[123]\b/g, '$& data-pagefind-weight="1"')
}

function ofStarlight(html) {
  return html
    .replace(/<table>[\s\S]*?<\/table>/g, (table) => `${TABLE}${table}</div>`)
    .replace(/<th(?: [^>]*)?><\/th>/g, '<td></td>')
    .replace(ICON, '#')
}

/** TypeDoc has no landmark for what a page is about, and on the page of a function h4 comes after h1. */
function ofTypeDoc(html, path) {
  const marked = html
    .replace('<div class="col-content"', '<div class="col-content" role="main"')
    .replace('id="tsd-sidebar-links"', '$& aria-label="The site"')
  return path.startsWith('reference/functions/') ? marked.replaceAll('<h4 ', '<h4 aria-level="2" ') : marked
}
