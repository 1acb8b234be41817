/**
 * One of several servers that start on the same path: says `up` or why not, and, told a line, what comes back from
 * whoever listens there. Ends with its standard input.
 */
import { createInterface } from 'node:readline'
import { connect, Kernel, type Listener, listen } from 'drupe'

const path = process.argv[2] as string
const kernel = new Kernel()
let listener: Listener | null = null

const lines = createInterface(process.stdin)[Symbol.asyncIterator]()
process.stdout.write('ready\n')
await lines.next()
try {
  listener = await kernel.run(() => listen({ path }))
  process.stdout.write('up\n')
} catch (error) {
  process.stdout.write(`${(error as { code: string }).code}\n`)
}
await lines.next()
try {
  await kernel.run(function* () {
    const stream = yield* connect({ path })
    yield* stream.close()
  })
  process.stdout.write('reached\n')
} catch (error) {
  process.stdout.write(`${(error as { code: string }).code}\n`)
}
await lines.next()
if (listener !== null) await kernel.run(() => (listener as Listener).close())
await kernel.close()
