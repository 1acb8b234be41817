/** The line of those who can be read, without a driver: who is served when, and when the system is asked. */
import test from 'ava'
import { FdState } from '../../../native/posix/fds.js'
import { ReadQueue } from '../../../native/posix/read-queue.js'

/** A line that notes whom it reads for; `reads` says whether that completes an op. */
function rig(reads: (state: FdState) => boolean = () => true) {
  const served: number[] = []
  let completed = 0
  const line = new ReadQueue<FdState>((state) => {
    served.push(state.fd)
    const completes = reads(state)
    if (completes) completed++
    return completes
  })
  /** One poll; how many ops it completed. */
  const serve = (): number => {
    completed = 0
    line.serve()
    return completed
  }
  const states = Array.from({ length: 100 }, (_, fd) => new FdState(fd))
  const fill = (count = 100): void => {
    for (const state of states.slice(0, count)) line.add(state)
  }
  return { line, served, states, fill, serve }
}

test('all are served in the order of their news, so many a poll', (t) => {
  const { line, served, fill, serve } = rig()
  fill()
  const counts: number[] = []
  while (!line.isEmpty) counts.push(serve())
  t.deepEqual(served, [...Array(100).keys()])
  t.deepEqual(counts, [16, 16, 16, 16, 16, 16, 4])
})

test('who stands in the line already keeps that place; who was served comes last', (t) => {
  const { served, line, states, fill, serve } = rig()
  fill(20)
  line.add(states[18] as FdState)
  serve()
  line.add(states[0] as FdState)
  serve()
  t.deepEqual(served.slice(16), [16, 17, 18, 19, 0])
})

test('while nobody stands in it, small pieces pass by, and count; behind others nobody passes', (t) => {
  const { line, served, fill, serve } = rig()
  const passed = Array.from({ length: 20 }, () => line.passes())
  t.deepEqual(passed, [...Array(16).fill(true), ...Array(4).fill(false)])
  fill(10)
  t.is(serve(), 0)
  t.false(line.passes())
  t.is(serve(), 10)
  t.true(line.passes())
  fill(20)
  t.is(serve(), 15)
  t.is(served.length, 25)
})

test('a large piece uses up the rest of a poll', (t) => {
  const { served, states, fill, serve } = rig()
  for (const fd of [2, 3, 5]) (states[fd] as FdState).large = true
  fill(7)
  t.deepEqual([serve(), serve(), serve(), serve()], [3, 1, 2, 1])
  t.deepEqual(served, [0, 1, 2, 3, 4, 5, 6])
})

test('a read that completes nothing costs nothing: a poll without a completion leaves nobody in the line', (t) => {
  const { line, served, fill, serve } = rig((state) => state.fd === 70)
  fill()
  t.is(serve(), 1)
  t.true(line.isEmpty)
  t.is(served.length, 100)
  const nobody = rig(() => false)
  nobody.fill()
  t.is(nobody.serve(), 0)
  t.true(nobody.line.isEmpty)
})

test('an fd that is served may come into the line again meanwhile', (t) => {
  let served = 0
  const line: ReadQueue<FdState> = new ReadQueue((state) => {
    line.add(state)
    served++
    return true
  })
  line.add(new FdState(1))
  line.serve()
  t.is(served, 16)
  t.false(line.isEmpty)
})

test('a line that is never empty does not keep other news away for ever', (t) => {
  const { line, fill } = rig()
  t.false(line.suffices(), 'an empty one suffices for nothing')
  fill()
  for (let round = 0; round < 3; round++) {
    let polls = 0
    while (line.suffices()) polls++
    t.is(polls, 16)
  }
})
