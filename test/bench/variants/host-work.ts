/**
 * What a host does beside a kernel: a timer every 10 ms, a fetch (from a small HTTP server of its own) and a file read,
 * each again 5 ms after it ended. Asked for a `report`, it answers with lateness and progress since `begin`.
 *
 * One idea: paced, not as fast as possible. The work is there to see whether the host still gets its turns, not to
 * take the core away from the server.
 */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { answer } from './commands.js'

const period = 10
let late: number[] = []
let fetches: number[] = []
let reads: number[] = []
let begun = performance.now()

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0
}

function tick(): void {
  const due = performance.now() + period
  setTimeout(() => {
    late.push(Math.max(0, performance.now() - due))
    tick()
  }, period)
}

async function again(work: () => Promise<unknown>, record: (ms: number) => void): Promise<never> {
  for (;;) {
    const begin = performance.now()
    await work()
    record(performance.now() - begin)
    await wait(5)
  }
}

/** Starts the work, for as long as the process lives. */
export function startHostWork(): void {
  const file = fileURLToPath(import.meta.url)
  const web = createServer((_, response) => response.end('here'))
  web.listen({ host: '127.0.0.1', port: 0 }, () => {
    const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/`
    void again(
      () => fetch(url).then((response) => response.text()),
      (ms) => fetches.push(ms),
    )
  })
  void again(
    () => readFile(file),
    (ms) => reads.push(ms),
  )
  tick()

  answer({
    begin() {
      late = []
      fetches = []
      reads = []
      begun = performance.now()
      return {}
    },
    report() {
      const seconds = (performance.now() - begun) / 1000
      return {
        lateP50: quantile(late, 0.5),
        lateP99: quantile(late, 0.99),
        lateMax: quantile(late, 1),
        timersPerSec: late.length / seconds,
        fetchesPerSec: fetches.length / seconds,
        fetchP99: quantile(fetches, 0.99),
        readsPerSec: reads.length / seconds,
        readP99: quantile(reads, 0.99),
      }
    },
  })
}
