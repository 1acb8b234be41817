/**
 * What makes TypeDoc a part of the site. TypeDoc reads the sources and the pages of docs/, and
 * finds what their code spans name. Here its own pages go under /reference; the pages of docs/,
 * with their links, are not drawn by it but written as Markdown for Astro. So there is one place
 * that makes links, and they lead both ways.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { KindRouter, PageEvent, RendererEvent } from 'typedoc'
import { load as loadReference } from '../reference/plugin.mjs'
import { headOf, withPanels } from './beside.mjs'
import { withCharts } from './charts.mjs'
import { routeOf } from './pages.mjs'
import { picture } from './picture.mjs'
import { withPrograms } from './programs.mjs'
import { withSteps } from './walk.mjs'

const ROOT = fileURLToPath(new URL('../../', import.meta.url)).replaceAll('\\', '/')
/** Where the site is put together; nothing that is made stands beside what is written. */
export const WORK = new URL('dist/site/', new URL('../../', import.meta.url))
const PAGES = new URL('src/content/docs/', WORK)

class SiteRouter extends KindRouter {
  buildPages(project) {
    const pages = super.buildPages(project)
    for (const page of project.documents ?? []) this.fullUrls.set(page, `${routeOf(pathIn(project, page))}/`)
    return pages.filter(({ kind }) => kind !== 'document')
  }

  getFileName(name) {
    return super.getFileName(`reference/${name}`)
  }

  /** From the root of the site: a page of Astro's knows no other way. */
  absolute(target) {
    return `/${this.getFullUrl(target).replace(/(^|\/)index\.html/, '$1')}`
  }
}

function pathIn(project, page) {
  return (project.files.getReflectionPath(page) ?? '').replaceAll('\\', '/').replace(ROOT, '')
}

/** @param {import('typedoc').Application} app TypeDoc. */
export function load(app) {
  loadReference(app)
  app.renderer.defineRouter('site', SiteRouter)
  app.renderer.on(RendererEvent.BEGIN, ({ project }) => {
    const linked = new Set()
    const paths = []
    for (const page of project.documents ?? []) {
      const path = pathIn(project, page)
      write(path, markdownOf(page.content, project, app.renderer.router, linked), headOf(path))
      paths.push(path)
    }
    writeFileSync(new URL('pages.json', WORK), JSON.stringify({ paths, linked: [...linked].sort() }))
  })
  app.renderer.on(PageEvent.END, (page) => {
    // One index over both: Pagefind takes what is marked, once anything is.
    page.contents = page.contents?.replace('<div class="col-content">', '<div class="col-content" data-pagefind-body>')
  })
}

/** The text of a page, with links for what its parts name. */
function markdownOf(parts, project, router, linked) {
  return parts
    .map((part) => {
      if (part.kind === 'inline-tag') {
        const text = part.tag === '@linkcode' ? `\`${part.text}\`` : part.text
        return typeof part.target === 'object' && router.hasUrl(part.target)
          ? `[${text}](${router.absolute(part.target)})`
          : text
      }
      if (part.kind !== 'relative-link') return part.text
      const target = project.files.resolve(part.target, project)
      const anchor = part.targetAnchor === undefined ? '' : `#${part.targetAnchor}`
      if (typeof target === 'object') return router.absolute(target) + anchor
      if (target === undefined) return part.text
      const path = `${target}`.replaceAll('\\', '/').replace(ROOT, '')
      if (path.endsWith('.svg')) return `picture:${path}`
      linked.add(path)
      return `/${routeOf(path)}/${anchor}`.replace('//', '/')
    })
    .join('')
}

/** Writes a page where Astro looks for it: its title is the heading, its description the first sentence. */
export function write(path, text, more = '') {
  const [heading] = /^# .+$/m.exec(text) ?? []
  const title = heading?.slice(2) ?? path
  const written = text.replace(heading, '').trim()
  const body = withPanels(path, withCharts(path, withSteps(path, withPrograms(path, written))))
  // The first sentence: of a decision the one after its date.
  const description = plain(/^(?!\d{4}-|```|[#>|!\-<])\S[\s\S]*?(?=\.\s|\.$|:\n|\n\n)/m.exec(body)?.[0] ?? title)
  const head = `---\ntitle: ${JSON.stringify(plain(title))}\ndescription: ${JSON.stringify(`${description}.`)}\nslug: ${routeOf(path)}\n${more}---\n`
  const file = new URL(`${routeOf(path)}.md`, PAGES)
  mkdirSync(dirname(fileURLToPath(file)), { recursive: true })
  writeFileSync(file, `${head}\n${body.replace(/!\[([^\]]*)\]\(picture:([^)]+)\)/g, (_, __, path) => drawn(path))}\n`)
}

const drawn = (path) => picture(path, readFileSync(`${ROOT}${path}`, 'utf8'))

/** Markdown without its marks, in one line; what is code keeps its stars. */
function plain(text) {
  return text
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .split('`')
    .map((part, i) => (i % 2 === 0 ? part.replaceAll('*', '') : part))
    .join('')
    .replace(/\s+/g, ' ')
    .trim()
}
