/**
 * What comes out on paper: a page's words and programs, all steps of a walk and the tables under
 * charts, all that stands side by side, and nothing that is pressed. Looked at as a printer does, whatever the theme.
 */
const PAGES = [
  'start/1-a-listener/',
  'start/7-a-test/',
  'compare/',
  'internals/how-a-trap-travels/',
  'proof/benchmarks/',
]

/** In CSS pixels. */
const A4 = { width: 794, height: 1123 }

const NOT_PRINTED =
  'header.header, nav, .right-sidebar-container, .live, drupe-network, .walk-bar, button, .pagination-links, summary'
const PRINTED = '.step, .program, .figures td, .sl-markdown-content > p'

const count = ([selector, visible]) =>
  [...document.querySelectorAll(selector)].filter(
    (one) => one.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }) === visible,
  ).length

export async function print(browser, origin) {
  const wrong = []
  for (const path of PAGES) {
    const page = await browser.newPage({ colorScheme: 'dark', viewport: A4 })
    await page.goto(`${origin}/${path}`)
    await page.emulateMedia({ media: 'print' })
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')))
    const shown = await page.evaluate(count, [NOT_PRINTED, true])
    if (shown > 0) wrong.push(`/${path}: ${shown} things to press are printed`)
    const hidden = await page.evaluate(count, [PRINTED, false])
    if (hidden > 0) wrong.push(`/${path}: ${hidden} things to read are not printed`)
    const theme = await page.evaluate(() => document.documentElement.dataset.theme)
    if (theme !== 'light') wrong.push(`/${path}: is printed ${theme}`)
    await page.close()
  }
  return { checked: PAGES.length, wrong }
}
