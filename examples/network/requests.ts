/**
 * Five hundred requests, a hundred at a time, and what became of each.
 *
 * Start it: `npm run example -- requests`. `map` with a `concurrency` starts the next one when one
 * is done; results come in the order of the inputs. Each has a timeout of its own, and one that
 * fails is a value here, because the others are to go on. Try to let it throw instead: the first
 * failure aborts all requests that are under way.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { map, type Operation, run, timeout, until } from 'drupe'

const REQUESTS = 500
const AT_A_TIME = 100

let now = 0
let most = 0
const web = createServer((request, response) => {
  most = Math.max(most, ++now)
  const page = Number(request.url?.slice(1))
  const timer = setTimeout(() => {
    response.statusCode = page % 50 === 0 ? 404 : 200
    response.end(`page ${page}`)
  }, 5)
  response.on('close', () => {
    now--
    clearTimeout(timer)
  })
})
await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
const base = `http://127.0.0.1:${(web.address() as AddressInfo).port}`

/** The request and its body in one piece, so that a cancel aborts either. */
function* load(page: number): Operation<'ok' | 'missing'> {
  const status = yield* until(async (signal) => {
    const response = await fetch(`${base}/${page}`, { signal })
    await response.text()
    return response.status
  })
  return status === 200 ? 'ok' : 'missing'
}

await run(function* () {
  const pages = Array.from({ length: REQUESTS }, (_, i) => i + 1)
  const all = yield* map(pages, (page) => timeout(10_000, load(page)), { concurrency: AT_A_TIME })
  const missing = all.flatMap((result, i) => (result === 'missing' ? [pages[i]] : []))
  console.log(`${all.length} requests, at most ${AT_A_TIME} at a time: ${most <= AT_A_TIME}`)
  console.log(`missing: ${missing.join(', ')}`)
})
web.closeAllConnections()
web.close()
