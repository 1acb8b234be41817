/**
 * What people look for, and the page that the search has to find first; where two answer, one of
 * them. The words are not those of the pages: most come from threads about other libraries.
 */
import { RANKING } from '../ranking.mjs'

export const QUERIES = [
  ['install', 'start/1-a-listener', 'guides/getting-started'],
  ['tsconfig', 'start/1-a-listener'],
  ['idle timeout', 'start/4-patience'],
  ['DRUPE_SEED', 'guides/testing'],
  ['two tasks write the same stream', 'errors/DRUPE_BUSY'],
  ['sleep', 'reference/functions/drupe.sleep'],
  ['timeout', 'reference/functions/drupe.timeout'],
  ['cancel a task', 'guides/structured-concurrency'],
  ['nursery', 'reference/functions/drupe.nursery'],
  ['race', 'reference/functions/drupe.race'],
  ['retry with backoff', 'cookbook/retry'],
  ['rate limit', 'cookbook/rate-limit', 'reference/classes/drupe.RateLimiter'],
  ['graceful shutdown', 'cookbook/graceful-shutdown'],
  ['DRUPE_BUSY', 'errors/DRUPE_BUSY'],
  ['another task is reading', 'errors/DRUPE_BUSY'],
  ['UDP multicast', 'guides/datagrams', 'examples/network/discovery'],
  ['TLS certificate', 'guides/tls'],
  ['STARTTLS', 'reference/functions/drupe.startTls'],
  ['websocket', 'cookbook/websocket'],
  ['express', 'cookbook/http-frameworks'],
  ['child process', 'guides/processes', 'cookbook/child-process'],
  ['exec', 'reference/functions/drupe.exec'],
  ['SIGTERM', 'guides/processes'],
  ['worker thread', 'cookbook/cpu-work', 'guides/threads'],
  ['read a file', 'guides/files', 'reference/functions/drupe.readFile'],
  ['watch a folder', 'cookbook/watch-folder'],
  ['semaphore', 'reference/classes/drupe.Semaphore'],
  ['lock', 'reference/classes/drupe.Lock'],
  ['queue', 'reference/classes/drupe.Queue'],
  ['channel', 'reference/functions/drupe.channel'],
  ['virtual time', 'guides/testing', 'reference/functions/drupe_testing.virtual'],
  ['simulated network', 'reference/classes/drupe_testing.SimNetwork', 'guides/testing'],
  ['partition', 'examples/network/partition', 'reference/classes/drupe_testing.SimNetwork'],
  ['AbortSignal', 'cookbook/abort-signals'],
  ['io_uring', 'platforms', 'proof/benchmarks'],
  ['Windows', 'platforms'],
  ['Deno', 'platforms'],
  ['effection', 'compare', 'reference/functions/drupe_effection', 'reference/modules/drupe_effection'],
  ['write a driver', 'internals/recipes/add-a-driver'],
  ['trap', 'internals/how-a-trap-travels'],
  ['backpressure', 'cookbook/worker-queue', 'guides/streams', 'guides/synchronisation'],
  ['call C function', 'guides/c'],
  ['deadlock', 'errors/DRUPE_DEADLOCK', 'reference/classes/drupe.DeadlockError'],
  ['context variable', 'reference/functions/drupe.context'],
  ['happy eyeballs', 'examples/network/happy-eyeballs'],
  ['http server', 'guides/bridges', 'cookbook/http-frameworks'],
  ['benchmark', 'proof/benchmarks'],
]

/** Asks the index in a page of the site. */
export async function ask(page, origin) {
  await page.goto(`${origin}/`)
  const wrong = []
  for (const [query, ...wanted] of QUERIES) {
    const found = await page.evaluate(
      async ([query, ranking]) => {
        const pagefind = await import('/pagefind/pagefind.js')
        await pagefind.options({ ranking })
        const { results } = await pagefind.search(query)
        return Promise.all(results.slice(0, 5).map(async (one) => (await one.data()).url))
      },
      [query, RANKING],
    )
    if (wanted.some((path) => found[0]?.startsWith(`/${path}`))) continue
    wrong.push(`"${query}" finds ${found.join(' ')}, not ${wanted.join(' or ')}`)
  }
  return { checked: QUERIES.length, wrong }
}
