/**
 * The worker that runs one program, and is then ended by the page.
 *
 * A program is over when its module was evaluated and none of its tasks is left. One that spins
 * never comes to that; what it has told before is in the page, which can end the worker.
 */
import { line } from './inspect.js'
import type { News, Order } from './news.js'
import { Recorder } from './recorder.js'
import { watchWith } from './watched.js'

const tell = (news: News): void => self.postMessage(news)
let evaluated = false
let told = false

const recorder = new Recorder(tell, () => setTimeout(overIfIdle, 0))

function overIfIdle(): void {
  if (told || !evaluated || recorder.alive > 0) return
  told = true
  tell({ kind: 'over' })
}

function fail(error: unknown): void {
  recorder.print(line([error]), true)
}

for (const name of ['log', 'info', 'debug'] as const) console[name] = (...values) => recorder.print(line(values), false)
for (const name of ['warn', 'error'] as const) console[name] = (...values) => recorder.print(line(values), true)

self.addEventListener('unhandledrejection', (event) => {
  event.preventDefault()
  fail(event.reason)
})
self.addEventListener('error', (event) => {
  event.preventDefault()
  fail(event.error)
})
self.addEventListener('message', async ({ data }: MessageEvent<Order>) => {
  watchWith(recorder, data.virtual ? data.seed : null)
  const url = URL.createObjectURL(new Blob([data.code], { type: 'text/javascript' }))
  try {
    await import(url)
  } catch (error) {
    fail(error)
  }
  URL.revokeObjectURL(url)
  evaluated = true
  overIfIdle()
})
