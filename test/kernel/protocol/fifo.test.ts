/**
 * Queues: the ring keeps its order while it grows and wraps, and a line can be left from anywhere.
 */
import test from 'ava'
import { Fifo, WaiterQueue } from '../../../kernel/protocol/fifo.js'

test('a ring keeps the order of what comes, round after round, while it grows', (t) => {
  const ring = new Fifo<number>()
  let next = 0
  let expected = 0
  for (let round = 1; round < 60; round++) {
    for (let i = 0; i < round; i++) ring.add(next++)
    t.deepEqual(
      [...ring],
      Array.from({ length: ring.size }, (_, i) => expected + i),
    )
    for (let i = 0; i < round / 2; i++) {
      t.is(ring.first, expected)
      t.is(ring.take(), expected++)
    }
  }
  ring.clear()
  t.deepEqual([...ring], [])
  t.is(ring.first, undefined)
})

test('a ring takes one back in front, and its first can be exchanged', (t) => {
  const ring = new Fifo<string>()
  for (const item of 'bcdefghi') ring.add(item)
  ring.putBack('a')
  t.is([...ring].join(''), 'abcdefghi')
  ring.first = 'A'
  t.is(ring.take(), 'A')
  t.is(ring.size, 8)
})

test('a line is first come, first served, and left from the front, the middle and the end', (t) => {
  const line = new WaiterQueue<{ readonly name: string }>()
  const leave = [...'abcde'].map((name) => line.join({ name }))
  for (const i of [0, 2, 4]) leave[i]?.()
  t.is(line.size, 2)
  t.is(line.take()?.name, 'b')
  leave[1]?.()
  leave[2]?.()
  line.join({ name: 'f' })
  t.is(line.take()?.name, 'd')
  t.is(line.take()?.name, 'f')
  t.is(line.take(), undefined)
  t.is(line.size, 0)
})

test('two places of the same waiter are left one by one', (t) => {
  const line = new WaiterQueue<object>()
  const waiter = {}
  const leave = line.join(waiter)
  line.join(waiter)
  leave()
  leave()
  t.is(line.size, 1)
  t.is(line.take(), waiter)
})
