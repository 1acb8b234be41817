/**
 * Generators without a loop: what a kernel does, by hand, for two tasks.
 *
 * Start it: `npm run example -- by-hand`. A task is a generator. It yields what it wants, somebody
 * answers with `next(value)` or `throw(error)`, and whoever answers decides who runs next. These
 * forty lines have a ready queue, sleep and cancel; Drupe's kernel is the same idea, with a driver
 * where this one has `Math.max`. Try to add a task that waits for another one.
 */
type Wish = { readonly sleep: number } | { readonly print: string }
type Program = Generator<Wish, void, void>

interface Entry {
  readonly name: string
  readonly program: Program
  at: number
}

class Stop extends Error {}

function* walker(name: string, ms: number): Program {
  try {
    for (let step = 1; ; step++) {
      yield { print: `${name}: step ${step}` }
      yield { sleep: ms }
    }
  } finally {
    yield { print: `${name}: goodbye` }
  }
}

let now = 0
const waiting: Entry[] = [
  { name: 'tortoise', program: walker('tortoise', 30), at: 0 },
  { name: 'hare', program: walker('hare', 10), at: 0 },
]

/** Answers one task until it sleeps or ends. */
function step(entry: Entry, result: IteratorResult<Wish, void>): void {
  while (!result.done) {
    const wish = result.value
    if ('sleep' in wish) {
      entry.at = now + wish.sleep
      waiting.push(entry)
      return
    }
    console.log(`${String(now).padStart(3)} ms  ${wish.print}`)
    result = entry.program.next()
  }
}

while (now < 60 && waiting.length > 0) {
  waiting.sort((a, b) => a.at - b.at)
  const [entry] = waiting.splice(0, 1) as [Entry]
  now = Math.max(now, entry.at)
  step(entry, entry.program.next())
}
for (const entry of waiting.splice(0)) {
  try {
    step(entry, entry.program.throw(new Stop()))
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    console.log(`${entry.name} was cancelled`)
  }
}
