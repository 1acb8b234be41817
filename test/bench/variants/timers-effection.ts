/**
 * Effection's way to a timeout, a race against a sleep, which never expires. Only one after the other: a million at
 * once would not fit in memory.
 */
import { type Operation, race, run, sleep } from 'effection'
import { asked, now, perItem, print } from './measure.js'

function* nothing(): Operation<void> {}

const each = (n: number): Promise<number> =>
  run(function* () {
    const begin = now()
    for (let i = 0; i < n; i++) yield* race([nothing(), sleep(60_000)])
    return now() - begin
  })

if (asked('each')) print({ ns: await perItem(1_000, each, 3) })
else print({})
