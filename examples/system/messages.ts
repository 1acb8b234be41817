/**
 * A producer and its consumers in processes of their own, which talk over authenticated messages.
 *
 * Start it: `npm run example -- messages`. It listens on a free port of this machine and starts two
 * workers. Anything on this machine can connect to it, so each side proves that it has the key,
 * which the workers find in their environment. Ctrl-C cancels all of it, and no process is left.
 * Try to give the workers another key.
 */
import { randomBytes } from 'node:crypto'
import type { MessageStream, Operation } from 'drupe'
import { connectMessages, each, listenMessages, main, map, spawn, startProcess, use } from 'drupe'

interface Job {
  readonly text: string
}
type Report = { readonly worker: number; readonly words: ReadonlyMap<string, number> }

const [, program = '', role, port] = process.argv
const JOBS: readonly Job[] = ['to be or not to be', 'not to worry', 'be that as it may'].map((text) => ({ text }))

/** Does one job after the other, until there will be no more. */
function* work(): Operation<void> {
  const key = process.env['JOBS_KEY'] ?? ''
  yield* use(connectMessages<Job>({ host: '127.0.0.1', port: Number(port), key }), (producer) =>
    each(producer, function* ({ text }) {
      const words = new Map<string, number>()
      for (const word of text.split(' ')) words.set(word, (words.get(word) ?? 0) + 1)
      yield* producer.send({ worker: process.pid, words } satisfies Report)
    }),
  )
}

function* produce(): Operation<void> {
  const key = randomBytes(32).toString('hex')
  const env = { ...process.env, JOBS_KEY: key }
  const total = new Map<string, number>()
  const waiting = [...JOBS]
  function* serve(worker: MessageStream<Report>): Operation<void> {
    for (let job = waiting.pop(); job !== undefined; job = waiting.pop()) {
      yield* worker.send(job)
      const report = yield* worker.receive()
      for (const [word, count] of report?.words ?? []) total.set(word, (total.get(word) ?? 0) + count)
    }
    yield* worker.end()
  }
  yield* use(listenMessages<Report>({ host: '127.0.0.1', port: 0, key }), function* (listener) {
    const args = [program, 'worker', String(listener.port)]
    const start = (): Operation<unknown> =>
      use(startProcess(process.execPath, args, { env, stdout: 'inherit' }), (worker) => worker.wait())
    yield* spawn(() => map([1, 2], start))
    yield* map([1, 2], () => use(listener.accept(), serve))
  })
  console.log([...total].map(([word, count]) => `${word}: ${count}`).join(', '))
}

await main(role === 'worker' ? work : produce)
