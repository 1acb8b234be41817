/**
 * `npm run site`: builds the site into dist/site/html.
 *
 * TypeDoc reads sources and pages and finds the links (reference.mjs), what is missing is written
 * here (programs, sources, the first page, the lists for machines), Astro draws the pages, Pagefind
 * indexes all of them. All of that happens in dist/site: a folder of its own with a lock file of its
 * own, so that whoever installs Drupe installs none of it.
 *
 * Astro asks for a newer Node than Drupe does; where this one is too old, one comes from npm.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ABOUT_IT, CONFORMANCE, UNTESTED, withFilter } from './conformance.mjs'
import { finish } from './finish.mjs'
import { routeOf, sectionsOf } from './pages.mjs'
import { WORK, write } from './reference.mjs'

const HERE = fileURLToPath(new URL('./', import.meta.url))
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const work = fileURLToPath(WORK)
const PAGES = join(work, 'src/content/docs')
/** What Astro 7 asks for. */
const NEWEST_TOO_OLD = [22, 11]

const read = (path) => readFileSync(join(ROOT, path), 'utf8')
const run = (program, args, options) => execFileSync(program, args, { stdio: 'inherit', cwd: ROOT, ...options })

/** Astro and what it needs, installed once for a lock file; and a Node that is new enough. */
function install() {
  const lock = read('docs/site/package-lock.json')
  const mark = join(work, 'node_modules/.installed')
  for (const name of ['package.json', 'package-lock.json']) cpSync(join(HERE, name), join(work, name))
  if (!existsSync(mark) || readFileSync(mark, 'utf8') !== lock) {
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: work,
      shell: process.platform === 'win32',
    })
    writeFileSync(mark, lock)
  }
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > NEWEST_TOO_OLD[0] || (major === NEWEST_TOO_OLD[0] && minor > NEWEST_TOO_OLD[1])) return process.execPath
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const binary = join(work, `node/node_modules/${name}/bin/node`)
  if (!existsSync(binary)) {
    mkdirSync(join(work, 'node'), { recursive: true })
    run('npm', ['install', '--prefix', join(work, 'node'), '--no-audit', '--no-fund', '--no-save', `${name}@24`])
  }
  return binary
}

/** A file of the repository as a page: its header says what it is. */
function writeProgram(path) {
  const text = read(path)
  const header =
    /^(?:#!.*\n)?\/\*\*\n?([\s\S]*?)\*\//
      .exec(text)?.[1]
      .replace(/^ ?\* ?/gm, '')
      .trim() ?? ''
  const code = text.trimEnd()
  const name = path.startsWith('examples/') ? path.replace(/^examples\/|\.ts$/g, '') : path
  const said = header === '' ? '' : `${header.split('\n\n')[0]}\n\n`
  const language = /\.(\w+)$/.exec(path)?.[1] ?? 'txt'
  const unsearched = path.startsWith('examples/') ? '' : 'pagefind: false\n'
  write(path, `# ${name}\n\n${said}\`\`\`${language} title="${path}"\n${code}\n\`\`\``, unsearched)
}

const examples = () =>
  readdirSync(join(ROOT, 'examples'), { recursive: true })
    .map((path) => `examples/${path}`.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts'))

/** A page again as text, and all pages in one: for machines that read. */
function writeForMachines(sections) {
  const lines = [
    '# Drupe',
    '',
    '> Structured concurrency and native I/O for TypeScript: a kernel runs generator tasks.',
    '',
  ]
  const all = []
  for (const [title, paths] of sections) {
    lines.push(`## ${title}`, '')
    for (const path of paths) {
      const text = readFileSync(join(PAGES, `${routeOf(path)}.md`), 'utf8')
      const head = /^---\n([\s\S]*?)\n---\n/.exec(text)
      const value = (name) => JSON.parse(new RegExp(`^${name}: (.*)$`, 'm').exec(head[1])[1])
      const plain = `# ${value('title')}\n${text
        .slice(head[0].length)
        .replace(/^<(\/?details|script|drupe-network|\/?section|\/?div)\b[^\n]*\n?/gm, '')
        .replace(/<svg[\s\S]*?<desc[^>]*>([^<]*)<\/desc>[\s\S]*?<\/svg>/g, '($1)')}`
      const file = join(work, 'public', `${routeOf(path)}.md`)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, plain)
      lines.push(`- [${value('title')}](/${routeOf(path)}.md): ${value('description')}`)
      if (title !== 'Internals' && title !== 'Project') all.push(plain)
    }
    lines.push('')
  }
  writeFileSync(join(work, 'public/llms.txt'), lines.join('\n'))
  writeFileSync(join(work, 'public/llms-full.txt'), all.join('\n\n'))
}

mkdirSync(work, { recursive: true })
// Astro's own memory knows nothing of its configuration.
for (const name of ['src', 'public', 'html', '.astro', 'node_modules/.astro'])
  rmSync(join(work, name), { recursive: true, force: true })
for (const name of ['src', 'astro.config.mjs', 'ranking.mjs'])
  cpSync(join(HERE, name), join(work, name), { recursive: true })
if (existsSync(join(HERE, 'public'))) cpSync(join(HERE, 'public'), join(work, 'public'), { recursive: true })
const node = install()

run(process.execPath, ['docs/site/live/build.mjs', join(work, 'public/live')])
run(process.execPath, ['node_modules/typedoc/bin/typedoc', '--options', 'docs/site/typedoc.json'])
const { paths, linked } = JSON.parse(readFileSync(join(work, 'pages.json'), 'utf8'))
const programs = examples()
const sources = linked.filter((path) => !programs.includes(path) && !paths.includes(path) && !path.endsWith('.md'))
for (const path of [...programs, ...sources]) writeProgram(path)
const tested = existsSync(join(ROOT, CONFORMANCE))
write(CONFORMANCE, tested ? withFilter(read(CONFORMANCE)) : UNTESTED, ABOUT_IT)
paths.push(CONFORMANCE)
const sections = sectionsOf([...paths, ...programs])
const sidebar = sections.map(([label, paths]) => ({ label, collapsed: label !== 'Start', items: paths.map(routeOf) }))
sidebar.push({ label: 'Reference', link: '/reference/' })
writeFileSync(join(work, 'pages.json'), JSON.stringify({ paths, sidebar }))
writeForMachines(sections)
run(node, ['node_modules/astro/bin/astro.mjs', 'build'], {
  cwd: work,
  env: { ...process.env, ASTRO_TELEMETRY_DISABLED: '1' },
})
finish(join(work, 'html'))
run(node, ['node_modules/pagefind/lib/runner/bin.cjs', '--site', 'html'], { cwd: work })
