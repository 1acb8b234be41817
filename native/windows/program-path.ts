/**
 * Where a program is: the file of a path, or the first one of that name in the PATH of the child.
 *
 * A name without an ending is tried with those of PATHEXT that Windows itself can start. A batch
 * file is refused, as Node refuses it: Windows starts cmd.exe for it, which reads the arguments by
 * rules of its own, so that they could contain commands. Whoever wants that starts cmd.exe. The
 * folder where the child begins is no place to look for a mere name.
 */
import { EINVAL, ENOENT } from '../posix/errno.js'
import { variable } from './command-line.js'

const STARTABLE = ['.COM', '.EXE']
const BATCH = ['.BAT', '.CMD']
const DEFAULT_ENDINGS = [...STARTABLE, ...BATCH].join(';')

/** Windows drops points and spaces at the end, and what follows a colon is a stream of the file. */
const BATCH_FILE = /\.(bat|cmd)[. ]*(:.*)?$/i

/**
 * The whole path of a program, or a negative result.
 *
 * @param cwd Where the child begins; a relative path is relative to it.
 * @param env `NAME=value` each.
 * @param isFile whether there is such a file.
 */
export function programFor(
  command: string,
  cwd: string,
  env: readonly string[],
  isFile: (path: string) => boolean,
): string | number {
  if (command === '' || /[\\/]$/.test(command)) return ENOENT
  const { resolve } = process.getBuiltinModule('node:path').win32
  const endings = endingsOf(command, env)
  let failure = ENOENT
  for (const place of placesOf(command, env)) {
    for (const ending of endings) {
      const path = resolve(cwd, place, command + ending)
      if (!isFile(path)) continue
      if (!BATCH_FILE.test(path)) return path
      failure = EINVAL
    }
  }
  return failure
}

function placesOf(command: string, env: readonly string[]): readonly string[] {
  if (/[\\/:]/.test(command)) return ['']
  const root = variable(env, 'SYSTEMROOT') ?? process.env['SYSTEMROOT'] ?? 'C:\\Windows'
  const path = variable(env, 'PATH') ?? `${root}\\System32;${root}`
  return path
    .split(';')
    .map((place) => place.replaceAll('"', ''))
    .filter((place) => place !== '')
}

/** Of those that it may have, the ones that can be started come first. */
function endingsOf(command: string, env: readonly string[]): readonly string[] {
  const listed = (variable(env, 'PATHEXT') ?? DEFAULT_ENDINGS).toUpperCase().split(';')
  const endings = [...STARTABLE, ...BATCH].filter((ending) => listed.includes(ending))
  const first = listed.filter((ending) => STARTABLE.includes(ending))
  const ordered = [...first, ...endings.filter((ending) => !STARTABLE.includes(ending))]
  const name = command.slice(Math.max(command.lastIndexOf('\\'), command.lastIndexOf('/')) + 1)
  return name.includes('.') ? ['', ...ordered] : ordered
}
