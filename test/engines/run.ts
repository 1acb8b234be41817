/**
 * Runs one compiled test file on any engine: `bun dist/test/engines/run.js dist/test/kernel/schedule/order.test.js`. In a page the file is
 * what the page's address asks for, and the lines go back to its server, which answers with the next file. One file a
 * process or page, as with AVA: some change what all generators inherit.
 *
 * "ava" must lead to ava.js beside this file: by an import map, or a package of that name. Writes a line for each test, as TAP
 * has them, and at last `# done`, without which a reader knows that it broke off.
 */
import { runRegistered, shown, watchRejections } from './ava.js'

/** What a page knows, and Node's types do not. */
interface Page {
  readonly location: { search: string }
}

const page = typeof process === 'object' ? null : (globalThis as unknown as Page)
const file = page === null ? process.argv[2] : page.location.search.slice(1)
const lines: string[] = []

function tell(title: string, error?: unknown): void {
  lines.push(`${error === undefined ? 'ok' : 'not ok'} - ${file} › ${title}`)
  if (error !== undefined) for (const line of shown(error).split('\n')) lines.push(`  # ${line}`)
}

const unhandled = watchRejections()
try {
  await import(new URL(`../../../${file}`, import.meta.url).href)
  for (const { title, error } of await runRegistered()) tell(title, error)
} catch (error) {
  tell('loading', error)
}
// Rejections are told after the microtasks.
await new Promise((resolve) => setTimeout(resolve, 0))
for (const reason of unhandled.values()) tell('a rejection that nobody handled', reason ?? 'undefined')
lines.push('# done')

if (page === null) {
  console.log(lines.join('\n'))
  process.exit(0)
} else {
  const answer = await fetch('/report', { method: 'POST', body: lines.join('\n') })
  const next = await answer.text()
  if (next !== '') page.location.search = next
}
