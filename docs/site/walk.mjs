/**
 * "How a trap travels", step by step: each quotation of the sources with the words before it is a
 * step, each walk shows one at a time and the room it is in (public/walk.js). Without a script, in
 * print and for the search the page is as it was written.
 */
const PAGE = 'docs/guides/how-a-trap-travels.md'
const STEP = /[\s\S]*?^```typescript\n\/\/ (\S+)\n[\s\S]*?^```$/gm

export function withSteps(path, text) {
  if (path !== PAGE) return text
  const [opening, ...walks] = text.split(/^(?=## )/m)
  const script = '<script type="module" src="/walk.js"></script>'
  return `${[opening, ...walks.map(walk)].join('\n')}\n${script}`
}

function walk(text) {
  const steps = [...text.matchAll(STEP)]
  const [heading] = /^## .*\n/.exec(text)
  if (steps.length < 2) return text
  const last = steps.at(-1)
  const rest = text.slice(last.index + last[0].length)
  const drawn = steps.map(([step, from], i) => {
    const words = (i === 0 ? step.slice(heading.length) : step) + (i === steps.length - 1 ? rest : '')
    return `<section class="step" data-from="${from}">\n\n${words.trim()}\n\n</section>`
  })
  return `${heading}\n<div class="walk">\n\n${drawn.join('\n\n')}\n\n</div>\n`
}
