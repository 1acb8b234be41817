/**
 * The pages that prove something, in a browser: the charts of the benchmarks say what their tables
 * say, bar by bar, and the filter of the conformance page leaves the lines that have the words. The
 * filter is tried on a sample, and on the page itself where a run of all tests has made one.
 */
import { CHARTS } from '../charts.mjs'

/** Coordinates have one digit after the point. */
const ROUNDED_PX = 0.1

/** All charts of the page, as they are drawn, each beside its column of the table under it. */
function read() {
  const textOf = (one) => one.textContent.trim()
  const chart = (svg) => {
    const rows = [...svg.parentElement.nextElementSibling.querySelectorAll('tr')]
    const column = [...rows[0].children].map(textOf).indexOf(svg.dataset.column)
    return {
      column: svg.dataset.column,
      told: svg.querySelector('desc').textContent,
      cells: rows.slice(1).map((row) => textOf(row.children[column])),
      figures: [...svg.querySelectorAll('.figure')].map(textOf),
      bars: [...svg.querySelectorAll('.bar')].map((bar) => {
        const { x, width } = bar.getBBox()
        return { x, width, cut: bar.classList.contains('cut'), ours: bar.classList.contains('ours') }
      }),
    }
  }
  return [...document.querySelectorAll('.charts > svg[role=img]')].map(chart)
}

const bytesOrNumber = (cell) => Number(cell.replace(/,| \w+$/g, '')) * (cell.endsWith(' KiB') ? 1024 : 1)

export async function charts(page, origin) {
  await page.goto(`${origin}/proof/benchmarks/`)
  const found = await page.evaluate(read)
  const wrong = []
  const wanted = Object.values(CHARTS).flat().length
  if (found.length !== wanted) wrong.push(`${found.length} charts, not ${wanted}`)
  for (const { column, told, cells, figures, bars } of found) {
    const say = (what) => wrong.push(`${column}: ${what}`)
    if (`${figures}` !== `${cells.filter((cell) => cell !== '–')}`) say('its figures are not those of the table')
    if (!figures.every((figure) => told.includes(` ${figure}`))) say('its description leaves figures out')
    const values = figures.map(bytesOrNumber)
    const longest = bars.reduce(
      (most, bar, i) => (!bar.cut && values[i] > values[most] ? i : most),
      bars.findIndex(({ cut }) => !cut),
    )
    const pxPerUnit = bars[longest].width / values[longest]
    for (const [i, { x, width, cut, ours }] of bars.entries()) {
      if (x !== 0) say(`the bar of ${figures[i]} does not begin at zero`)
      if (cut && (ours || width <= bars[longest].width)) say(`the bar of ${figures[i]} is cut`)
      if (!cut && Math.abs(width - values[i] * pxPerUnit) > ROUNDED_PX) say(`the bar of ${figures[i]} is ${width} long`)
    }
  }
  return { checked: found.length, wrong }
}

/** As Starlight draws headings and lists, and as test/house/conformance.ts writes them. */
const heading = (rank, text) =>
  `<div class="sl-heading-wrapper"><h${rank} id="${text}">${text}</h${rank}><a href="#${text}">#</a></div>`
const SAMPLE = `<!doctype html><title>Sample</title><div class="sl-markdown-content"><p>What it does.</p>
${heading(2, 'Behaviour')}<table><tr><td>a timeout</td></tr></table>
${heading(3, 'curio')}<ul><li><em>sleep</em>: a sleep ends</li></ul><p>Not applicable:</p><ul><li>a thread: no</li></ul>
${heading(2, 'Kernel')}${heading(3, 'timers')}<ul><li>A timeout cuts a sleep</li><li>timers are in order</li></ul>
${heading(3, 'scopes')}<ul><li>a scope ends</li></ul></div><script type="module" src="/filter.js"></script>`

const ASKED = [
  [
    'sleep',
    ['sleep: a sleep ends', 'A timeout cuts a sleep'],
    ['Behaviour 1 of 2', 'curio 1 of 2', 'Kernel 1 of 3', 'timers 1 of 2'],
  ],
  ['SLEEP timeout', ['A timeout cuts a sleep'], ['Kernel 1 of 3', 'timers 1 of 2']],
  ['nothing', [], []],
  [
    '',
    ['sleep: a sleep ends', 'a thread: no', 'A timeout cuts a sleep', 'timers are in order', 'a scope ends'],
    ['Behaviour 2', 'curio 2', 'Kernel 3', 'timers 2', 'scopes 1'],
  ],
]

export async function filter(page, origin) {
  const wrong = []
  const shown = async (selector) =>
    (await page.locator(`.sl-markdown-content ${selector}`).filter({ visible: true }).allTextContents()).map((text) =>
      text.trim(),
    )
  const same = (what, is, wanted) => `${is}` === `${wanted}` || wrong.push(`${what}: ${is}, not ${wanted}`)
  await page.route(`${origin}/sample/`, (route) => route.fulfill({ contentType: 'text/html', body: SAMPLE }))
  await page.goto(`${origin}/sample/`)
  const field = page.getByLabel('Filter')
  for (const [words, lines, headings] of ASKED) {
    await field.fill(words)
    same(`"${words}"`, await shown('li'), lines)
    same(`"${words}", headings`, await shown(':is(h2, h3)'), headings)
    same(`"${words}", said`, await page.getByRole('status').textContent(), `${lines.length} of 5`)
  }
  await field.fill('timers')
  await page.evaluate(() => location.assign('#scopes'))
  await page
    .locator('#scopes')
    .waitFor({ timeout: 5000 })
    .catch(() => wrong.push('a link leads to a heading that is hidden'))

  await page.goto(`${origin}/proof/conformance/`)
  const [some] = await shown('> ul > li')
  if (some === undefined) return { checked: ASKED.length + 1, wrong }
  const [word] = /\p{L}{4,}/u.exec(some)
  await field.fill(word)
  const left = await shown('> ul > li')
  if (left.length === 0) wrong.push(`the page: no line has "${word}"`)
  for (const line of left)
    if (!line.toLowerCase().includes(word.toLowerCase())) wrong.push(`the page: "${word}" leaves ${line}`)
  return { checked: ASKED.length + 1 + left.length, wrong }
}
