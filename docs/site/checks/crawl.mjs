/**
 * Every link of the built site, followed in its files: the page is there, the anchor is on it, no
 * script, style or picture comes from elsewhere, and no page is heavier than a page may be.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'

/** Of HTML, without what all pages share. */
const MOST_PAGE_BYTES = 400_000
/** What each test shows: five thousand lines, which the filter needs on one page. */
const LONGEST = '/proof/conformance/'
const LONGEST_BYTES = 1_000_000
/** What a first visit brings besides the page: styles and scripts, as files. */
const MOST_SHARED_BYTES = 400_000

const FROM_ELSEWHERE = /^(https?:)?\/\//

/** @returns {{ checked: number, wrong: string[] }} */
export function crawl(root) {
  const wrong = []
  const pages = new Map()
  for (const file of readdirSync(root, { recursive: true })) {
    const path = `/${file}`.replaceAll('\\', '/')
    if (path.endsWith('.html')) pages.set(path.replace(/\/index\.html$/, '/'), read(join(root, file)))
  }
  let checked = 0
  for (const [path, page] of pages) {
    if (page.bytes > (path === LONGEST ? LONGEST_BYTES : MOST_PAGE_BYTES)) wrong.push(`${path}: ${page.bytes} bytes`)
    for (const { url, follows } of page.links) {
      checked += 1
      if (FROM_ELSEWHERE.test(url)) {
        if (!follows) wrong.push(`${path}: loads ${url}`)
        continue
      }
      if (/^(data|mailto):/.test(url)) continue
      const [to, anchor] = url.split('#')
      const target = to === '' ? path : posix.join(to.startsWith('/') ? '/' : posix.dirname(`${path}x`), decodeURI(to))
      const found = pages.get(target.replace(/\/index\.html$/, '/'))
      if (found === undefined && !existsSync(join(root, target.split('?')[0]))) wrong.push(`${path}: no ${url}`)
      else if (anchor && found && !found.ids.has(decodeURIComponent(anchor))) wrong.push(`${path}: no anchor ${url}`)
    }
  }
  const first = pages.get('/')
  const shared = first.links.filter(({ url, follows }) => !follows && /\.(js|css)$/.test(url))
  const bytes = shared.reduce((sum, { url }) => sum + statSync(join(root, url)).size, 0)
  if (bytes > MOST_SHARED_BYTES) wrong.push(`/: ${bytes} bytes of styles and scripts`)
  return { checked, wrong, pages: pages.size }
}

function read(file) {
  const html = readFileSync(file, 'utf8')
  const text = html.replace(/<(script|style)\b[^>]*>[\s\S]*?<\/\1>/g, (whole) => whole.slice(0, whole.indexOf('>') + 1))
  const links = [...text.matchAll(/<(\w+)\b[^>]*?\s(href|src)="([^"]*)"/g)].map(([, tag, , url]) => ({
    url: url.replaceAll('&amp;', '&'),
    follows: tag === 'a',
  }))
  return { bytes: html.length, links, ids: new Set([...text.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id)) }
}
