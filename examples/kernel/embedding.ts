/**
 * Drupe as a guest in a program that has its own life.
 *
 * Start it: `npm run example -- embedding`. It has a web server, timers and promises, and the
 * kernel lives beside them on the host's event loop. Tasks wait for the host's promises with
 * `until`, the host waits for tasks with `kernel.run`, and neither keeps the other from running.
 * Cancelling a task aborts its request through the signal. Try a page that takes 90 ms, and one
 * that takes 110.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Kernel, moveOn, type Operation, until } from 'drupe'

const web = createServer((request, response) => {
  const timer = setTimeout(() => response.end(`page ${request.url}`), request.url === '/slow' ? 60_000 : 10)
  response.on('close', () => clearTimeout(timer))
})
await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
const base = `http://127.0.0.1:${(web.address() as AddressInfo).port}`

function* load(path: string): Operation<string> {
  // In one piece: a cancel that comes while the body is read aborts that, too.
  return yield* until(async (signal) => (await fetch(base + path, { signal })).text())
}

let ticks = 0
const ticking = setInterval(() => ticks++, 5)
const kernel = new Kernel()
const pages = await Promise.all([
  kernel.run(() => load('/one')),
  kernel.run(() => load('/two')),
  kernel.run(() => moveOn(100, load('/slow'), 'nothing: /slow took too long')),
])
for (const page of pages) console.log(page)
console.log(`the host's own timer went on meanwhile: ${ticks > 3}`)

await kernel.close()
clearInterval(ticking)
web.closeAllConnections()
web.close()
