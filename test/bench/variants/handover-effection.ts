/**
 * Two Effection tasks that wake one another, each waiting on fresh resolvers.
 */
import { run, spawn, withResolvers } from 'effection'
import { now, perItem, print } from './measure.js'

const pingPong = (n: number): Promise<number> =>
  run(function* () {
    let ping = withResolvers<void>()
    let pong = withResolvers<void>()
    const begin = now()
    const first = yield* spawn(function* () {
      for (let i = 0; i < n; i += 2) {
        yield* ping.operation
        ping = withResolvers<void>()
        pong.resolve()
      }
    })
    const second = yield* spawn(function* () {
      for (let i = 0; i < n; i += 2) {
        pong = withResolvers<void>()
        ping.resolve()
        yield* pong.operation
      }
    })
    yield* first
    yield* second
    return now() - begin
  })

print({ ns: await perItem(20_000, pingPong, 5) })
