/**
 * The tree of tasks and their time line, as one picture: names on the left, each below its parent,
 * and what each did when on the right.
 *
 * Pale: the task is alive and waits. Dark: it runs. A cut: a cancel was delivered. The dot at the
 * end has the colour of how it ended, and a letter for those who do not see colours.
 */
import type { History, Row } from './history.js'
import { svg } from './svg.js'

const WIDTH = 520
const ROW = 26
const TOP = 28
const INDENT = 14
const BAR = 14
const MOST_ROWS = 60
const TICKS = 4
const NAME_LETTERS = 22

/** Draws what is known so far; `title` says in a sentence what is seen. */
export function timeline(history: History, title: string): SVGElement {
  const rows = [...history.inOrder()].slice(0, MOST_ROWS)
  const names = Math.max(
    80,
    ...rows.map((row) => 24 + row.depth * INDENT + Math.min(row.name.length, NAME_LETTERS) * 7.5),
  )
  const left = Math.min(names, WIDTH / 2)
  const end = Math.max(history.latest, 1)
  const x = (at: number): number => left + (at / end) * (WIDTH - left - 20)
  const more = history.size - rows.length
  const height = TOP + rows.length * ROW + (more > 0 ? ROW : 8)
  const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${height}`, role: 'img', 'aria-label': title })
  for (let i = 0; i <= TICKS; i++) {
    const at = (end * i) / TICKS
    picture.append(
      svg('line', { class: 'tick', x1: x(at), x2: x(at), y1: TOP - 8, y2: height - 6 }),
      svg(
        'text',
        { class: 'time', x: x(at), y: 14, 'text-anchor': i === TICKS ? 'end' : 'middle' },
        `${rounded(at)} ms`,
      ),
    )
  }
  const lines = new Map<number, number>()
  rows.forEach((row, i) => {
    const y = TOP + i * ROW
    picture.append(...nameOf(row, y, lines), ...barOf(row, y, x, end))
    lines.set(row.depth, y + ROW / 2 + 6)
  })
  if (more > 0) picture.append(svg('text', { class: 'time', x: 8, y: height - 8 }, `and ${more} more`))
  return picture
}

function nameOf(row: Row, y: number, lines: ReadonlyMap<number, number>): SVGElement[] {
  const x = 8 + row.depth * INDENT
  const text = svg('text', { x: row.depth === 0 ? x : x + 4, y: y + 17 }, short(row.name))
  if (row.depth === 0) return [text]
  const from = lines.get(row.depth - 1) ?? y
  return [svg('path', { class: 'branch', d: `M${x - 8} ${from}V${y + 13}H${x}` }), text]
}

function* barOf(row: Row, y: number, x: (at: number) => number, end: number): Iterable<SVGElement> {
  const to = x(row.to ?? end)
  const top = y + (ROW - BAR) / 2
  const about = `${row.name}: ${row.state ?? 'alive'}, ${rounded(row.from)} to ${rounded(row.to ?? end)} ms`
  const width = Math.max(2, to - x(row.from))
  yield svg('rect', { class: 'wait', x: x(row.from), y: top, width, height: BAR, rx: 3 }, svg('title', {}, about))
  for (const [from, until] of row.steps) {
    yield svg('rect', { class: 'run', x: x(from), y: top, width: Math.max(2, x(until) - x(from)), height: BAR, rx: 1 })
  }
  for (const at of row.cancels) {
    yield svg(
      'path',
      { class: 'cut', d: `M${x(at) - 4} ${top - 3}L${x(at) + 4} ${top + BAR + 3}` },
      svg('title', {}, 'cancelled'),
    )
  }
  if (row.state === null) return
  yield svg('circle', { class: row.state, cx: to, cy: y + ROW / 2, r: 7 }, svg('title', {}, about))
  yield svg('text', { class: 'state', x: to, y: y + ROW / 2 + 3.5, 'text-anchor': 'middle' }, LETTER[row.state])
}

const LETTER = { done: '✓', failed: '!', cancelled: '×' }

function rounded(ms: number): string {
  return ms < 10 ? ms.toFixed(1) : String(Math.round(ms))
}

function short(name: string): string {
  return name.length > NAME_LETTERS ? `${name.slice(0, NAME_LETTERS - 1)}…` : name
}
