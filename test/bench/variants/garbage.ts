/**
 * What an echo leaves for the collector.
 *
 * One idea: bytes are the growth of the heap over bursts so short that no collection falls into most of them: the median of
 * many. Collections are counted over a long run. Memory of buffers lies outside the heap and is counted apart.
 */
import { PerformanceObserver } from 'node:perf_hooks'
import { print } from './measure.js'

export const MESSAGE_BYTES = 1024
const BURST = 400
const BURSTS = 41
const LONG = 100_000

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN

async function growth(
  exchange: (messages: number) => Promise<unknown>,
  messages: number,
): Promise<{ heap: number; buffers: number }> {
  globalThis.gc?.()
  const before = process.memoryUsage()
  await exchange(messages)
  const after = process.memoryUsage()
  return { heap: after.heapUsed - before.heapUsed, buffers: after.arrayBuffers - before.arrayBuffers }
}

/** Measures a way to send so many messages to and fro, and prints the figures. */
export async function measureGarbage(exchange: (messages: number) => Promise<unknown>): Promise<void> {
  await exchange(LONG / 2)
  const heap: number[] = []
  const buffers: number[] = []
  for (let i = 0; i < BURSTS; i++) {
    const grown = await growth(exchange, BURST)
    heap.push(grown.heap / BURST)
    buffers.push(grown.buffers / BURST)
  }
  let collections = 0
  let ms = 0
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      collections++
      ms += entry.duration
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  await exchange(LONG)
  await new Promise((resolve) => setTimeout(resolve, 20))
  observer.disconnect()
  print({
    heapBytes: median(heap),
    bufferBytes: median(buffers),
    collections: (collections * 1e6) / LONG,
    collectorUs: (ms * 1000) / LONG,
  })
}
