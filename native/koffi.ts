/**
 * koffi, loaded when a driver first needs it: a browser, or a platform without its binary, can
 * import all of native/.
 */

/** The koffi module. */
export type Koffi = typeof import('koffi')

/** Why there is no koffi; the host driver does without. */
export class NoKoffi extends Error {
  override readonly name = 'NoKoffi'
}

/**
 * Where `require` begins to look for it. A program that is bundled as CommonJS has no
 * import.meta.url.
 */
export const requiredFrom = (): string => import.meta.url ?? __filename

/**
 * Loads koffi.
 *
 * @param pin Keeps a library for the life of the process: a terminated worker unloads its addons
 * before libuv has called back into them, a crash if koffi was loaded in workers only.
 * @throws NoKoffi if it is not installed, has no binary for this platform, or may not be loaded.
 */
export function loadKoffi(pin: (koffi: Koffi, file: string) => void): Koffi {
  const require = process.getBuiltinModule('node:module').createRequire(requiredFrom())
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
  const file = Object.keys(require.cache).find((path) => path.endsWith('.node') && path.includes('koffi'))
  if (file !== undefined) pin(koffi, file)
  return koffi
}
