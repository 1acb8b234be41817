/**
 * Futures, and a function with a callback made into an operation.
 *
 * Start it: `npm run example -- futures`. A `Result` is what others call a future: a value that
 * comes later, from a task that is no child. `suspend` waits for anything that calls back; what it
 * returns is called when the task is cancelled. Try to cancel `asker` before the answer is there.
 */
import { moveOn, type Operation, Result, run, sleep, spawn, suspend } from 'drupe'

/** Somebody's API: it calls back, and gives something to call it off with. */
function ask(question: string, answered: (error: Error | null, answer?: string) => void): () => void {
  const ms = question.length
  const timer = setTimeout(() => {
    if (question.endsWith('?')) answered(null, `"${question}" has ${ms} letters`)
    else answered(new Error(`"${question}" is no question`))
  }, ms)
  return () => {
    clearTimeout(timer)
    console.log(`called off: ${question}`)
  }
}

/** The same as an operation. */
function answerTo(question: string): Operation<string> {
  return suspend<string>((resolve, reject) =>
    ask(question, (error, answer = '') => (error === null ? resolve(answer) : reject(error))),
  )
}

await run(function* () {
  const first = new Result<string>()
  const asker = yield* spawn(function* () {
    console.log(`the future has: ${yield* first.join()}`)
  })
  yield* sleep(5)
  yield* first.set(yield* answerTo('who is there?'))
  yield* asker.join()
  try {
    yield* answerTo('hello')
  } catch (error) {
    console.log(`refused: ${(error as Error).message}`)
  }
  yield* moveOn(5, answerTo('will this question be answered in time?'))
})
