/** What the variants of the bench of files have in common: `FILE COPY PORT PART`, five rounds, MiB a second. */
import { statSync } from 'node:fs'
import { median } from '../harness.js'
import { print } from './measure.js'

const ROUNDS = 5

/** As much as the C program reads at a time. */
export const PIECE_BYTES = 256 * 1024

export const [file = '', copy = '', port = '', part = ''] = process.argv.slice(2)

/** Measures one thing that goes over the whole file. */
export async function measure(once: () => Promise<unknown>): Promise<void> {
  const mebibytes = statSync(file).size / 1_048_576
  await once()
  const rates: number[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const begin = performance.now()
    await once()
    rates.push(mebibytes / ((performance.now() - begin) / 1000))
  }
  print({ [part]: median(rates) })
}
