/**
 * The cold start of one library: its import, its first run, its second. `node start.js NAME [DRIVER]`.
 */
import { print } from './measure.js'

const [, , name, driver] = process.argv
if (driver !== undefined) process.env['DRUPE_DRIVER'] = driver

interface Library {
  run(op: () => unknown): Promise<unknown>
  sleep(ms: number): unknown
}

interface EffectModule {
  readonly Effect: { sleep(ms: number): unknown; runPromise(effect: unknown): Promise<unknown> }
}

const begin = performance.now()
// A specifier that the compiler does not see: it must not load what is measured.
const published = new URL('../../../bundle/index.js', import.meta.url).href
const library = (await import(name === 'drupe' ? published : String(name))) as Library & EffectModule
const imported = performance.now()
const once = async (): Promise<void> => {
  if (name === 'effect') await library.Effect.runPromise(library.Effect.sleep(0))
  else await library.run(() => library.sleep(0))
}
await once()
const first = performance.now()
await once()
const second = performance.now()
print({
  importMs: imported - begin,
  firstMs: first - imported,
  secondMs: second - first,
  mebibytes: process.memoryUsage.rss() / 1_048_576,
})
