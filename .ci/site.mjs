/**
 * The site, built and checked: `node .ci/site.mjs`; with `--built`, what is there already.
 *
 * Every link is followed, what people look for is looked for, charts are compared with their tables, lines are filtered,
 * programs stand side by side, pages are looked at, on paper too, in headless Chromium, and the programs in them are run
 * (live.mjs). The counts stand in dist/site/summary.md. Ends with a line "site: N passed, N failed".
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { beside } from '../docs/site/checks/beside.mjs'
import { crawl } from '../docs/site/checks/crawl.mjs'
import { print } from '../docs/site/checks/print.mjs'
import { charts, filter } from '../docs/site/checks/proof.mjs'
import { ask } from '../docs/site/checks/queries.mjs'
import { look } from '../docs/site/checks/screens.mjs'
import { serve } from '../docs/site/serve.mjs'
import { CHROMIUM_FLAGS, findChromium } from './chromium.mjs'

const WORK = new URL('../dist/site/', import.meta.url)
const path = (name) => fileURLToPath(new URL(name, WORK))
const results = []

/** One kind of check: how many there were, and what was wrong. */
function report(name, { checked, wrong }) {
  for (const line of wrong) console.log(`not ok - ${name}: ${line}`)
  console.log(`   ${name}: ${checked} checked, ${wrong.length} wrong`)
  results.push([name, checked, wrong.length])
}

if (!process.argv.includes('--built')) {
  const built = spawnSync(process.execPath, ['docs/site/build.mjs'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    encoding: 'utf8',
    maxBuffer: 1e8,
  })
  if (built.status !== 0) console.log(built.stdout + built.stderr)
  report('the build', { checked: 1, wrong: built.status === 0 ? [] : ['it failed'] })
}
const found = crawl(path('html'))
report('links and anchors', found)

// What the site is built and tried with is installed beside it, not with Drupe.
const require = createRequire(path('package.json'))
const { chromium } = require('playwright-core')
const executablePath = findChromium()
if (executablePath === undefined) {
  console.log('   left out: search and pictures: there is no Chromium, and apt cannot bring it')
} else {
  const server = await serve()
  const origin = `http://127.0.0.1:${server.address().port}`
  const browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS, headless: true })
  const page = await browser.newPage()
  report('queries', await ask(page, origin))
  report('charts', await charts(page, origin))
  report('the filter', await filter(page, origin))
  report('programs side by side', await beside(page, origin))
  report('on paper', await print(browser, origin))
  mkdirSync(path('pictures'), { recursive: true })
  report(
    'pages looked at',
    await look(browser, origin, readFileSync(require.resolve('axe-core'), 'utf8'), path('pictures')),
  )
  await browser.close()
  server.close()
}

/** Programs that run where they are read, each compared with what its page says. */
function live() {
  const { stdout } = spawnSync(process.execPath, [fileURLToPath(new URL('live.mjs', import.meta.url))], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [, pass, fail] = /^live: (\d+) passed, (\d+) failed$/m.exec(stdout) ?? [null, 0, 1]
  if (Number(fail) > 0) console.log(stdout)
  return { checked: Number(pass) + Number(fail), wrong: Array(Number(fail)).fill('it stands above') }
}
report('programs in pages', live())

const rows = results.map(([name, checked, wrong]) => `| ${name} | ${checked} | ${wrong} |`)
writeFileSync(path('summary.md'), ['| what | checked | wrong |', '| --- | ---: | ---: |', ...rows, ''].join('\n'))
const failed = results.reduce((sum, [, , wrong]) => sum + wrong, 0)
const checked = results.reduce((sum, [, all]) => sum + all, 0)
console.log(`site: ${checked - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
