/**
 * Ping-pong between a task of the kernel and an async function of the host, over two queues.
 *
 * Start it: `npm run example -- ping-pong 10`. A UniversalQueue is for both worlds: a task says
 * `yield* queue.get()`, an async function `await queue.get()`. Try to make one of them slower: the
 * other waits for it.
 */
import { run, sleep, UniversalQueue, until } from 'drupe'

const rounds = Number(process.argv[2]) || 5
const toTask = new UniversalQueue<number>()
const toHost = new UniversalQueue<number>()

/** An async function: it knows promises and nothing of tasks. */
async function pong(): Promise<string> {
  for (;;) {
    const n = await toHost.get()
    console.log(`  pong ${n}`)
    if (n === rounds) return `${n} rounds`
    await new Promise((resolve) => setTimeout(resolve, 2))
    await toTask.put(n + 1)
  }
}

const played = await run(function* ping() {
  const other = pong()
  for (let n = 1; n <= rounds; n = yield* toTask.get()) {
    console.log(`ping ${n}`)
    yield* sleep(2)
    yield* toHost.put(n)
    if (n === rounds) break
  }
  return yield* until(other)
})
console.log(`played ${played}`)
