/**
 * Thirteen pages as people see them: light, dark and on a phone. None is wider than its window, none
 * says anything on the console, and axe finds nothing that keeps somebody out. The pictures stay
 * beside the site, to be looked at.
 */
const PAGES = [
  '',
  'start/1-a-listener/',
  'start/7-a-test/',
  'guides/getting-started/',
  'guides/streams/',
  'compare/',
  'platforms/',
  'errors/DRUPE_BUSY/',
  'internals/how-a-trap-travels/',
  'proof/benchmarks/',
  'proof/conformance/',
  'examples/network/chat/',
  'reference/functions/drupe.sleep.html',
]

/** What TypeDoc's own sidebar does and no option changes: a link in the line that opens a folder. */
const OF_TYPEDOC = ['nested-interactive']

const VIEWS = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  phone: { colorScheme: 'light', viewport: { width: 390, height: 844 }, isMobile: true },
}

/** @param axe The source of axe-core. */
export async function look(browser, origin, axe, folder) {
  const wrong = []
  let checked = 0
  for (const [name, view] of Object.entries(VIEWS)) {
    const context = await browser.newContext(view)
    for (const path of PAGES) {
      const page = await context.newPage()
      const say = (what) => wrong.push(`/${path} (${name}): ${what}`)
      page.on('console', (message) => ['error', 'warning'].includes(message.type()) && say(message.text()))
      page.on('pageerror', (error) => say(error.message))
      page.on('request', (request) => request.url().startsWith(origin) || say(`asks for ${request.url()}`))
      await page.goto(`${origin}/${path}`, { waitUntil: 'load' })
      const width = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      if (width > 0) say(`is ${width} px wider than the window`)
      await page.evaluate(axe)
      const left = path.startsWith('reference/') ? OF_TYPEDOC : []
      const { violations } = await page.evaluate(() => window.axe.run(document))
      for (const { id, nodes } of violations.filter(({ id }) => !left.includes(id)))
        say(`axe: ${id}: ${nodes.map(({ target }) => target.join(' ')).slice(0, 3)}`)
      await page.screenshot({ path: `${folder}/${name}-${path.replace(/\W+/g, '-') || 'index-'}.png` })
      await page.close()
      checked += 1
    }
    await context.close()
  }
  return { checked, wrong }
}
