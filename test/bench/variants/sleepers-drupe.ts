/**
 * Sleeping Drupe tasks. `time`: a million sleep one second, from the first spawn to the last end. `bytes`: what each
 * holds while it sleeps. Each runs a function of ours that sleeps; with `bare`, the task is the sleep itself, as a bare
 * promise around setTimeout is nothing but that.
 */
import { checkpoint, nursery, type Operation, sleep } from 'drupe'
import { drive } from './drive.js'
import { asked, cpuSeconds, memory, now, print, size } from './measure.js'

function* sleeper(): Operation<void> {
  yield* sleep(1000)
}

function* longSleeper(): Operation<void> {
  yield* sleep(3_600_000)
}

const count = size(1_000_000)
const bare = asked('bare')

await drive(function* (): Operation<void> {
  if (!asked('bytes')) {
    const begin = now()
    const used = cpuSeconds()
    yield* nursery(function* (group) {
      for (let i = 0; i < count; i++) yield* group.spawn(bare ? sleep(1000) : sleeper)
    })
    return print({ seconds: (now() - begin) / 1e9, cpu: cpuSeconds() - used })
  }
  yield* nursery(function* (group) {
    const before = memory()
    for (let i = 0; i < count; i++) yield* group.spawn(bare ? sleep(3_600_000) : longSleeper)
    // Twice, so that every child has had its first step and is in its sleep.
    yield* checkpoint()
    yield* checkpoint()
    const after = memory()
    print({ bytes: (after.held - before.held) / count, rss: (after.rss - before.rss) / count })
    // They would sleep on for an hour; nothing is left to be measured.
    process.exit(0)
  })
})
