/** Short processes by `exec`. */
import { exec, map, run } from 'drupe'
import { measure } from './processes-rate.js'

await measure((count, concurrency) =>
  run(() => map(Array.from({ length: count }), () => exec('/bin/true'), { concurrency })),
)
