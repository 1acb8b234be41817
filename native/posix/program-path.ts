/**
 * Where a program is: its path, or the places in the PATH where it may be.
 *
 * The PATH is that of the child, as for Node, so that a program finds the same ones whoever starts
 * it. Relative places are relative to where the child begins.
 */

/** Where execvp looks if there is no PATH. */
const DEFAULT_PATH = '/bin:/usr/bin'

/** The paths to try, in their order. */
export function placesOf(command: string, env: readonly string[]): readonly string[] {
  if (command === '') return []
  if (command.includes('/')) return [command]
  const path = env.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? DEFAULT_PATH
  return path.split(':').map((place) => (place === '' ? `./${command}` : `${place}/${command}`))
}

/** The same place as this process sees it. */
export function fromHere(path: string, cwd: string | null): string {
  return cwd === null || path.startsWith('/') ? path : `${cwd}/${path}`
}
