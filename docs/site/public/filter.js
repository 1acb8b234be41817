/**
 * A filter over the lists of a page: lines that have not all of the words are hidden, with the
 * headings that have no line left, and every heading says how many it has.
 */
const content = document.querySelector('.sl-markdown-content')
const HEADING = /^H([23])$/

/** Each child of the page that is a heading, with what stands under it up to the next of its rank. */
function sections() {
  const open = []
  const found = []
  for (const child of content.children) {
    const heading = HEADING.test(child.tagName) ? child : child.querySelector(':scope > :is(h2, h3)')
    if (heading !== null && !child.matches('ul')) {
      const rank = Number(HEADING.exec(heading.tagName)[1])
      while (open.length > 0 && open.at(-1).rank >= rank) open.pop()
      const section = { rank, heading, parts: [], lines: [], count: document.createElement('span') }
      found.push(section)
      open.push(section)
    }
    for (const section of open) {
      section.parts.push(child)
      if (child.matches('ul')) section.lines.push(...child.children)
    }
  }
  return found.filter(({ lines }) => lines.length > 0)
}

const all = sections()
const lines = [...content.querySelectorAll(':scope > ul > li')]
const texts = new Map(lines.map((line) => [line, line.textContent.toLowerCase()]))
for (const { heading, count } of all) {
  count.className = 'filter-count'
  heading.append(' ', count)
}

const bar = document.createElement('div')
bar.className = 'filter-bar'
bar.setAttribute('role', 'search')
bar.setAttribute('aria-label', 'Lines of this page')
const label = document.createElement('label')
const input = document.createElement('input')
input.type = 'search'
input.autocomplete = 'off'
input.spellcheck = false
label.append('Filter, by words', input)
const said = document.createElement('span')
said.setAttribute('role', 'status')
bar.append(label, said)

function filter() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean)
  const isLeft = (line) => words.every((word) => texts.get(line).includes(word))
  const left = new Set(lines.filter(isLeft))
  for (const line of lines) line.hidden = !left.has(line)
  const some = words.length > 0
  // What stands between lists belongs to those under it: a table of all, "Not applicable:".
  for (const child of content.children) {
    if (child === bar || child.matches('ul, script')) continue
    child.hidden = some
  }
  for (const section of all) {
    const here = section.lines.filter((line) => left.has(line)).length
    section.count.textContent = some ? `${here} of ${section.lines.length}` : `${section.lines.length}`
    if (here > 0) section.parts[0].hidden = false
  }
  said.textContent = `${left.size} of ${lines.length}`
}

input.addEventListener('input', filter)
// Who follows a link to a heading wants to see it.
addEventListener('hashchange', () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)))
  if (target === null || target.getClientRects().length > 0) return
  input.value = ''
  filter()
  target.scrollIntoView()
})
content.prepend(bar)
filter()
