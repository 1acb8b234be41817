/**
 * koffi, loaded when a driver first needs it: a browser, or a platform without its binary, can
 * import all of native/.
 */

/** dlopen's flags, the same wherever koffi pins itself. */
const RTLD_LAZY = 0x1
const RTLD_NODELETE = 0x1000

/** The koffi module. */
export type Koffi = typeof import('koffi')

/** Why there is no koffi; the host driver does without. */
export class NoKoffi extends Error {
  override readonly name = 'NoKoffi'
}

/**
 * Loads koffi.
 *
 * @throws NoKoffi if it is not installed, has no binary for this platform, or may not be loaded.
 */
export function loadKoffi(): Koffi {
  // A program that is bundled as CommonJS has no import.meta.url.
  const here = import.meta.url ?? __filename
  const require = process.getBuiltinModule('node:module').createRequire(here)
  let koffi: Koffi
  try {
    koffi = require('koffi') as Koffi
  } catch (error) {
    const [why] = String((error as Error | undefined)?.message ?? error).split('\n')
    const allow = /addon/.test(String(why))
      ? 'allow addons (--allow-addons)'
      : 'install it beside drupe (npm install koffi)'
    throw new NoKoffi(`koffi cannot be loaded (${why}); ${allow}`, { cause: error })
  }
  // A terminated worker unloads its addons before libuv has called back into them: a crash, if
  // koffi was loaded in workers only. So its library is pinned, for the life of the process.
  const file = Object.keys(require.cache).find((path) => path.endsWith('.node') && path.includes('koffi'))
  if (file !== undefined) koffi.load(null).func('dlopen', 'uintptr_t', ['str', 'int'])(file, RTLD_LAZY | RTLD_NODELETE)
  return koffi
}
