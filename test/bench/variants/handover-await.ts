/**
 * Two async functions that wake one another: each waits on a fresh promise, as the host has no reusable one.
 */
import { now, perItem, print } from './measure.js'

async function pingPong(n: number): Promise<number> {
  let ping: () => void = () => {}
  let pong: () => void = () => {}
  const begin = now()
  await Promise.all([
    (async () => {
      for (let i = 0; i < n; i += 2) {
        await new Promise<void>((resolve) => {
          ping = resolve
        })
        pong()
      }
    })(),
    (async () => {
      for (let i = 0; i < n; i += 2) {
        const answered = new Promise<void>((resolve) => {
          pong = resolve
        })
        ping()
        await answered
      }
    })(),
  ])
  return now() - begin
}

print({ ns: await perItem(500_000, pingPong) })
