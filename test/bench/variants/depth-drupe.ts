/**
 * `yield*` fifty deep, then a switch. `ns`: the fifty frames are built, switched once, and left. `nsHeld`: the frames
 * stay, and each switch passes through all of them.
 */
import { checkpoint, type Operation } from 'drupe'
import { drive } from './drive.js'
import { now, perItem, print } from './measure.js'

function* deep(level: number, switches: number): Operation<number> {
  if (level > 0) return (yield* deep(level - 1, switches)) + 1
  for (let i = 0; i < switches; i++) yield* checkpoint()
  return 0
}

function* fresh(n: number): Operation<number> {
  const begin = now()
  for (let i = 0; i < n; i++) yield* deep(50, 1)
  return now() - begin
}

function* held(n: number): Operation<number> {
  const begin = now()
  yield* deep(50, n)
  return now() - begin
}

print({
  ns: await perItem(100_000, (n) => drive(() => fresh(n))),
  nsHeld: await perItem(50_000, (n) => drive(() => held(n))),
})
