/**
 * What is common to all ways to attach (native/host/guest.ts): when the turn comes, for a watch that calls by hand, and for one whose
 * news comes from another thread that waits, as a completion port needs it.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import test from 'ava'
import { attachToHost, type Guest, type News, type Watch } from '../../../native/host/guest.js'

const immediate = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** An attachment whose watch is in the test's hands, and what was called in which order. */
function byHand(turn: Guest['turn'] = () => {}) {
  const log: string[] = []
  let news: News | undefined
  const attachment = attachToHost(
    {
      turn: (called) => {
        log.push(called ? 'turn, called' : 'turn')
        turn(called)
      },
      exit: () => {},
    },
    (given) => {
      news = given
      const note = (what: string) => () => void log.push(what)
      return { resume: note('resume'), ref: note('ref'), unref: note('unref'), close: note('close') }
    },
  )
  return { log, attachment, news: news as News }
}

test.serial('news from outside and inside is a turn at once, and the watch goes on after it', async (t) => {
  const { log, attachment, news } = byHand()
  news.inside()
  t.deepEqual(log, ['turn, called', 'resume'])
  news.outside()
  t.is(log.length, 4)
  // What follows from that turn is not done yet.
  news.outside()
  t.is(log.length, 4)
  await immediate()
  await immediate()
  t.deepEqual(log.slice(4), ['turn, called', 'resume'])
  attachment.close()
})

test.serial('news where no turn may be made, and a schedule, are one turn soon', async (t) => {
  const { log, attachment, news } = byHand()
  news.soon()
  attachment.schedule()
  attachment.schedule()
  t.deepEqual(log, [])
  await immediate()
  t.deepEqual(log, ['turn, called', 'resume'])
  attachment.schedule()
  await immediate()
  // It was not the watch that called.
  t.deepEqual(log.slice(2), ['turn'])
  attachment.close()
})

test.serial('after the close nothing comes: no turn, no resume, no ref', async (t) => {
  const closing = byHand(() => closing.attachment.close())
  closing.attachment.schedule()
  closing.news.inside()
  await immediate()
  closing.news.soon()
  closing.news.inside()
  closing.attachment.ref()
  closing.attachment.unref()
  closing.attachment.close()
  await immediate()
  t.deepEqual(closing.log, ['turn, called', 'close'])
})

/** Waits until it may, says that there is something, waits again. */
const WAITER = `
const { parentPort, workerData } = require('node:worker_threads')
const state = new Int32Array(workerData)
for (;;) {
  Atomics.wait(state, 0, 0)
  if (Atomics.exchange(state, 0, 0) < 0) break
  Atomics.add(state, 1, 1)
  parentPort.postMessage(null)
}`

test.serial('another thread can wait in the place of the loop: one call for each wait, none is lost', async (t) => {
  const state = new Int32Array(new SharedArrayBuffer(8))
  const worker = new Worker(WAITER, { eval: true, workerData: state.buffer })
  const go = (order: number): void => {
    Atomics.store(state, 0, order)
    Atomics.notify(state, 0)
  }
  const watch = (news: News): Watch => {
    worker.on('message', news.inside)
    worker.unref()
    go(1)
    return { resume: () => go(1), ref: () => worker.ref(), unref: () => worker.unref(), close: () => go(-1) }
  }
  const ended = once(worker, 'exit')
  let turns = 0
  await new Promise<void>((resolve) => {
    const attachment = attachToHost(
      {
        turn: (called) => {
          t.true(called)
          if (++turns < 100) return
          attachment.close()
          resolve()
        },
        exit: () => {},
      },
      watch,
    )
    attachment.ref()
  })
  await ended
  t.is(Atomics.load(state, 1), 100)
})
