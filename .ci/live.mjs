/**
 * The live page, in a browser: `node .ci/live.mjs [scratch folder]`, after a build.
 *
 * The programs of the pages that have live ones and those in live/ run in Chromium, each in a `<drupe-live>`, and must print what their `// =>`
 * comments say. Then that element is looked at, and `<drupe-network>`. Where there is no Chromium, that is said, and only types are checked.
 * Ends with a line "live: N passed, N failed".
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NOT_IN_A_PAGE, programsOf } from '../docs/site/programs.mjs'
import { ROOT } from './bare-suite.mjs'
import { findChromium, openPage } from './chromium.mjs'

const PROGRAM_SECONDS = 20
const PAGE_SECONDS = 240
/** Programs of our own, and whether they run on the virtual clock. */
const OWN = [
  ['cancelled', false],
  ['fails', false],
  ['a-day', true],
]

let passed = 0
let failed = 0

function check(name, wrong) {
  if (wrong === null) passed++
  else failed++
  console.log(wrong === null ? `ok ${name}` : `not ok ${name}\n${wrong}`)
}

function run(command, args, cwd = ROOT) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  return status === 0 ? null : `${stdout}${stderr}`
}

function expectedOutput(code) {
  return [...code.matchAll(/\/\/ => (.*)$/gm)].map(([, line]) => `${line}\n`).join('')
}

function programs() {
  const own = OWN.map(([name, virtual]) => ({
    name,
    virtual,
    code: readFileSync(join(ROOT, `.ci/live/${name}.ts`), 'utf8'),
  }))
  const texts = readdirSync(join(ROOT, 'docs'), { recursive: true }).map((file) => `docs/${file}`.replaceAll('\\', '/'))
  const pages = texts.filter((path) => path.endsWith('.md') && !path.startsWith('docs/site/'))
  const alive = pages.flatMap((path) => programsOf(path, readFileSync(join(ROOT, path), 'utf8')))
  for (const [name, why] of Object.entries(NOT_IN_A_PAGE)) console.log(`   left out: ${name}: ${why}`)
  const all = [...alive.map((one) => ({ ...one, virtual: true })), ...own]
  return all.map((one) => ({ ...one, expected: expectedOutput(one.code) }))
}

const HTML = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Live</title>
<style>:root { color-scheme: light dark }</style><script src="/axe.js"></script>
<script type="module" src="/live/live.js"></script><script type="module" src="/live/network.js"></script>
<script type="module" src="/page.mjs"></script></head><body><main><h1>Live</h1><div></div></main></body></html>`
const JAVASCRIPT = 'text/javascript'

/** Serves the page until it has reported, or has taken too long. */
async function inBrowser(chromium, scratch) {
  const built = join(scratch, 'live')
  check('the live page is built', run(process.execPath, ['docs/site/live/build.mjs', built]))
  const tools = join(scratch, 'tools')
  mkdirSync(tools)
  writeFileSync(join(tools, 'package.json'), '{}')
  check('axe is installed', run('npm', ['install', 'axe-core@4', '--silent', '--no-audit', '--no-fund'], tools))
  const files = {
    '/': ['text/html', () => HTML],
    '/axe.js': [JAVASCRIPT, () => readFileSync(join(tools, 'node_modules/axe-core/axe.min.js'))],
    '/page.mjs': [JAVASCRIPT, () => readFileSync(join(ROOT, '.ci/live/page.mjs'))],
    '/programs.json': ['application/json', () => JSON.stringify({ programs: programs(), seconds: PROGRAM_SECONDS })],
  }
  let report = () => {}
  const reported = new Promise((done) => (report = done))
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost')
    const [type, text] = files[pathname] ?? [JAVASCRIPT, () => readFileSync(join(scratch, pathname))]
    if (pathname === '/report') {
      let body = ''
      for await (const piece of request.setEncoding('utf8')) body += piece
      response.end()
      report(JSON.parse(body))
    } else if (pathname in files || (/^\/live\/[\w-]+\.js$/.test(pathname) && existsSync(join(scratch, pathname)))) {
      response.setHeader('content-type', type).end(text())
    } else {
      response.writeHead(404).end()
    }
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  const close = openPage(chromium, `http://127.0.0.1:${server.address().port}/`, scratch)
  const late = new Promise((done) => setTimeout(done, PAGE_SECONDS * 1000, null).unref())
  const results = await Promise.race([reported, late])
  close()
  server.close()
  server.closeAllConnections()
  if (results === null) check('the page reports', `it sent no report in ${PAGE_SECONDS} s`)
  else for (const { name, wrong } of results) check(name, wrong)
}

const scratch = process.argv[2] ?? mkdtempSync(join(tmpdir(), 'drupe-live-'))
mkdirSync(scratch, { recursive: true })
check(
  'the sources of the live page have no errors of types',
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'docs/site/live']),
)
const chromium = findChromium()
if (chromium === undefined)
  console.log('   left out: programs in a page: there is no Chromium, and apt-get brings none')
else await inBrowser(chromium, scratch)
rmSync(scratch, { recursive: true, force: true })
console.log(`live: ${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
