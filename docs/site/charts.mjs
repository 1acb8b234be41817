/**
 * Charts over the tables of the benchmarks, drawn when the site is built: a picture for each column
 * of the table below, with a bar for each row that has a number there. The table is folded under
 * them, with every figure in it; what has no entry here stays as it is.
 *
 * Bars begin at zero. One that is more than four times the next is cut, and drawn and called so, as
 * the others would be hairs; ours never is. A ratio has a line at 1, where both are the same.
 */
const PAGE = 'docs/benchmarks.md'

const LESS = 'less is better'
const MORE = 'more is better'
const each = (unit, better, ...columns) =>
  columns.map((one) => {
    const [column, called = column.replace(/, n?s$/, '')] = one.split(': ')
    return { column, called, unit, better }
  })

/**
 * By the heading up to its colon: the columns, what their numbers are, and which way is the better
 * one. After a colon there is what the picture is called where the column says too little for that.
 */
export const CHARTS = {
  start: [...each('ms', LESS, 'import', 'first run', 'second run'), ...each('MiB', LESS, 'RSS')],
  'switch and spawn': each('ns', LESS, 'switch', 'pair', 'spawn + join', 'one by one'),
  depth: each('ns', LESS, 'ns: 50 calls, a switch, 50 returns', 'held, ns: a switch under 50 callers'),
  sync: each('ns', LESS, 'lock', 'contended', 'semaphore', 'queue', 'channel'),
  timers: [...each('ns', LESS, 'ns: timeout', 'read, ns', 'read at once, ns'), ...each('s', LESS, 'open, s')],
  sleepers: [
    ...each('s', LESS, 'seconds: until all have woken', 'CPU, s'),
    ...each('bytes', LESS, 'bytes: heap of one', 'resident: memory of one'),
  ],
  turns: [
    ...each('ratio', MORE, '÷ C: requests a second ÷ C', '÷ node:net: requests a second ÷ node:net'),
    ...each('ratio', LESS, 'p99 ÷ node:net: p99 of the latency ÷ node:net'),
  ],
  echo: each('thousands of requests a second', MORE, '64 B', '1 KiB', '10 KiB', '100 KiB'),
  connections: each('bytes', LESS, 'heap', 'resident'),
}

const OURS = /\bdrupe\b/
/** What stands after a number where a column has two units. */
const FACTORS = { B: 1, KiB: 1024 }
const CUT_OVER = 4

const WIDTH = 300
const TOP = 42
const ROW = 30
const BAR = 9
/** What is cut goes to the end of the picture, what is not never comes so far. */
const UNCUT = 0.8

const SECTION = /^## ([^:\n]+).*\n[\s\S]*?(?=^## |$(?![\s\S]))/gm
const TABLE = /(?:^\|.*\|\n?)+/m

export function withCharts(path, text) {
  if (path !== PAGE) return text
  const left = new Set(Object.keys(CHARTS))
  const body = text.replace(SECTION, (section, name) => (left.delete(name) ? withChart(section, name) : section))
  if (left.size > 0) throw new Error(`Cannot draw charts: ${path} has no "${[...left].join('", "')}"`)
  return body
}

function withChart(section, name) {
  return section.replace(TABLE, (table) => {
    const rows = read(table)
    const drawn = CHARTS[name].map((column, i) => chart(rows, column, `chart-${name}-${i}`.replaceAll(' ', '-')))
    const summary = `${name}: the table, ${rows.length} rows`
    // One line, as a block of HTML ends where a line is blank.
    return `<div class="charts not-content" data-pagefind-ignore>${drawn.join('')}</div>

<details class="figures"><summary>${escaped(summary)}</summary>

${table.trim()}

</details>
`
  })
}

/** A table of Markdown: for each row its cells by their columns, and what it is called. */
function read(table) {
  const [head, , ...rows] = table.trim().split('\n').map(cellsOf)
  const last = head.indexOf('variant')
  const said = wordsOfAll(rows.map((cells) => cells[last]))
  return rows.map((cells) => ({
    name: [...cells.slice(0, last), without(said, cells[last])].join(', '),
    ours: cells.some((cell) => OURS.test(cell)),
    cells: new Map(head.map((column, i) => [column, cells[i]])),
  }))
}

const cellsOf = (line) =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())

/** Where all are ours, what all variants say tells none from another, and a phone is narrow. */
function wordsOfAll(variants) {
  return variants[0]
    .split(' ')
    .filter((word) => variants.every((one) => one.split(' ').includes(word) && OURS.test(one)))
}

const without = (words, text) =>
  text
    .split(' ')
    .filter((word) => !words.includes(word))
    .join(' ')

/** The number in a cell, in the smallest unit; undefined where there is none. */
function numberIn(cell) {
  const [, number, unit = 'B'] = /^([\d,.]+)(?: (B|KiB))?$/.exec(cell) ?? []
  return number === undefined ? undefined : Number(number.replaceAll(',', '')) * FACTORS[unit]
}

/** The longest bar that is not cut. */
function longest(bars) {
  const values = bars.map(({ value }) => value).sort((a, b) => b - a)
  const ours = Math.max(...bars.filter((bar) => bar.ours).map(({ value }) => value))
  const cut = values.findIndex((value, i) => value <= ours || !(value > CUT_OVER * values[i + 1]))
  return values[cut]
}

function chart(rows, { column, called, unit, better }, id) {
  if (!rows[0].cells.has(column)) throw new Error(`Cannot draw a chart: there is no column "${column}"`)
  const bars = rows
    .map(({ name, ours, cells }) => ({ name, ours, cell: cells.get(column), value: numberIn(cells.get(column)) }))
    .filter(({ value }) => value !== undefined)
  const end = Math.max(longest(bars), unit === 'ratio' ? 1 : 0)
  const isCut = ({ value }) => value > end
  const scale = ((bars.some(isCut) ? UNCUT : 1) * WIDTH) / end
  const figures = bars.map((bar) => `${bar.name} ${bar.cell}${isCut(bar) ? ' (its bar is cut)' : ''}`).join('; ')
  const height = TOP + bars.length * ROW
  const same = unit === 'ratio' ? scale : undefined
  const drawn = bars.map((bar, i) => row(bar, TOP + i * ROW, isCut(bar) ? undefined : bar.value * scale, same))
  const marks = [same === undefined ? [] : 'the line is at 1', bars.some(isCut) ? 'a bar with a gap is cut' : []]
  const about = [unit, better, ...marks.flat()].join('; ')
  return [
    `<svg class="chart" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="${id} ${id}-figures" data-column="${escaped(column)}">`,
    `<title id="${id}">${escaped(called)}, ${about}</title>`,
    `<desc id="${id}-figures">${escaped(figures)}.</desc>`,
    `<text class="chart-title" x="0" y="14">${escaped(called)}</text>`,
    `<text class="chart-better" x="0" y="31">${about}</text>`,
    `${drawn.join('')}</svg>`,
  ].join('')
}

/** Its name and its figure, and under them its bar; one that is cut has a gap before its end. */
function row({ name, ours, cell }, y, width, same) {
  const bar = width === undefined ? broken(y + 17) : `M0 ${y + 17}h${width.toFixed(1)}v${BAR}H0z`
  const kind = `bar${ours ? ' ours' : ''}${width === undefined ? ' cut' : ''}`
  return [
    `<text${ours ? ' class="ours"' : ''} x="0" y="${y + 12}">${escaped(name)}</text>`,
    `<text class="figure" x="${WIDTH}" y="${y + 12}">${cell}</text>`,
    `<path class="${kind}" d="${bar}"/>`,
    same === undefined ? '' : `<path class="same" d="M${same.toFixed(1)} ${y + 15}v${BAR + 4}"/>`,
  ].join('')
}

function broken(y) {
  const gap = (UNCUT + 0.08) * WIDTH
  return `M0 ${y}H${gap}l-5 ${BAR}H0zM${gap + 6} ${y}H${WIDTH}v${BAR}H${gap + 1}z`
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
