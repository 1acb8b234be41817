/**
 * Sleeping Effection tasks: memory only. At about 80 µs a spawn and 12 KB a task, a million would take minutes.
 */
import { run, sleep, spawn } from 'effection'
import { asked, memory, print } from './measure.js'

const count = 20_000

if (!asked('bytes')) {
  print({})
} else {
  await run(function* () {
    const before = memory()
    for (let i = 0; i < count; i++) yield* spawn(() => sleep(3_600_000))
    yield* sleep(1)
    const after = memory()
    print({ bytes: (after.held - before.held) / count, rss: (after.rss - before.rss) / count })
    process.exit(0)
  })
}
