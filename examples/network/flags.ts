/**
 * The flag downloader: pictures into files, in three ways, with a progress bar, and servers that
 * err.
 *
 * Start it: `npm run example -- flags`. The same operation for one flag is run one after the
 * other, by a few tasks, and by a task for each. A 500 is tried again, a 404 is told and left out,
 * and whatever happens no half a picture stays: `writeFile` makes it whole or not at all. Try
 * Ctrl-C.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { each, exponential, main, map, nursery, type Operation, readDir, retry, tempDir, until, writeFile } from 'drupe'

const COUNTRIES = 'AR BR CN DE ET FR GB ID IN JP MX NG PH RU TR US VN XX'.split(' ')

class HttpError extends Error {
  constructor(readonly status: number) {
    super(`HTTP ${status}`)
  }
}

// One of the pictures does not exist, and one fails every other time.
const seen = new Map<string, number>()
const web = createServer(({ url = '' }, response) => {
  const times = (seen.get(url) ?? 0) + 1
  seen.set(url, times)
  response.statusCode = url === '/XX' ? 404 : url === '/IN' && times % 2 === 1 ? 500 : 200
  setTimeout(() => response.end(Buffer.concat([Buffer.from('GIF89a'), Buffer.alloc(2000, url)])), 4)
})
await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
const base = `http://127.0.0.1:${(web.address() as AddressInfo).port}`

function* fetchBytes(path: string): Operation<Uint8Array> {
  return yield* until(async (signal) => {
    const response = await fetch(base + path, { signal })
    if (!response.ok) throw new HttpError(response.status)
    return new Uint8Array(await response.arrayBuffer())
  })
}

function* download(country: string, folder: string): Operation<boolean> {
  try {
    const again = { backoff: exponential({ first: 5 }), while: (e: unknown) => (e as HttpError).status === 500 }
    yield* writeFile(`${folder}/${country}.gif`, yield* retry(() => fetchBytes(`/${country}`), again))
    return true
  } catch (error) {
    if (error instanceof HttpError && error.status === 404) return false
    throw error
  }
}

function* downloadAll(way: string, concurrency: number): Operation<void> {
  yield* nursery(function* () {
    const folder = yield* tempDir()
    let done = 0
    const found = yield* map(
      COUNTRIES,
      function* (country) {
        const there = yield* download(country, folder)
        process.stderr.write(`\r[${'#'.repeat(++done).padEnd(COUNTRIES.length, '.')}]`)
        return there
      },
      { concurrency },
    )
    process.stderr.write('\n')
    let files = 0
    yield* each(readDir(folder), function* () {
      files++
    })
    console.log(`${way}: ${files} flags, without ${COUNTRIES.filter((_, i) => !found[i]).join(', ')}`)
  })
}

await main(function* () {
  yield* downloadAll('one after the other', 1)
  yield* downloadAll('four at a time', 4)
  yield* downloadAll('a task for each', COUNTRIES.length)
})
web.closeAllConnections()
web.close()
