/**
 * Limits on time: what happens to an operation that takes too long.
 *
 * Start it: `npm run example -- timeouts`. The operation is told to leave by a `Cancelled` at the
 * point where it waits, and it may clean up on its way out, waiting as it needs to. `timeout` makes
 * an error of that, `moveOn` a fallback; only the limit that ran out does so, however they are
 * nested. Try a cleanup that sleeps for an hour: the grace cuts it off.
 */
import { moveOn, type Operation, run, sleep, TimeoutError, timeout } from 'drupe'

function* download(ms: number): Operation<string> {
  try {
    yield* sleep(ms)
    return 'the file'
  } finally {
    // Cleanup may wait, even though the task is being cancelled: within the grace, 5 seconds unless
    // set otherwise.
    yield* sleep(5)
    console.log(`  (the download of ${ms} ms has cleaned up)`)
  }
}

await run(function* () {
  console.log('in time:', yield* timeout(1000, download(10)))
  console.log('too late, with a fallback:', yield* moveOn(20, download(60_000), 'an older copy'))
  try {
    yield* timeout(60_000, () => timeout(20, download(90_000)))
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error
    console.log(`too late, as an error: ${error.message}`)
  }
})
