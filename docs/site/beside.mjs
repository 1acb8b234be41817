/**
 * "Compared", side by side: after each question its programs, of which each begins with a name in
 * bold, are panels. A script (public/beside.js) shows one of the others and ours, the last, at its
 * side; on a phone below it. Without a script and in print all are there, as they are written.
 */
const PAGE = 'docs/compare.md'

const PROGRAM = /^\*\*([^*\n]+)\.\*\* [\s\S]*?^```$/gm

/** A table of contents would take the place of the second column. */
export const headOf = (path) => (path === PAGE ? 'tableOfContents: false\n' : '')

export function withPanels(path, text) {
  if (path !== PAGE) return text
  const drawn = text.split(/^(?=## )/m).map((section) => ({ section, found: [...section.matchAll(PROGRAM)] }))
  const answers = drawn.filter(({ found }) => found.length > 0).map(({ found }) => found.map(([, name]) => name))
  // What is chosen is chosen for all questions.
  if (answers.length === 0 || answers.some((names) => `${names}` !== `${answers[0]}`))
    throw new Error(`Cannot show programs side by side: in ${path} the questions have ${answers.join('; ')}`)
  const script = '<script type="module" src="/beside.js"></script>'
  return `${drawn.map(({ section, found }) => (found.length === 0 ? section : withGrid(section, found))).join('')}\n${script}`
}

function withGrid(section, found) {
  const [first, last] = [found[0], found.at(-1)]
  const end = last.index + last[0].length
  const panels = found.map(([program, name]) => `<div class="program" data-name="${name}">\n\n${program}\n\n</div>`)
  return `${section.slice(0, first.index)}<div class="beside">\n\n${panels.join('\n\n')}\n\n</div>${section.slice(end)}`
}
