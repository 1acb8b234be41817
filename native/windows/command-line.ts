/**
 * What Windows gives a program at its start, as texts: one line with all arguments, and the
 * environment.
 *
 * Each program takes the line apart by itself; nearly all do it as Microsoft's C library does, and
 * the line is written for that. A backslash is itself there, but before a quotation mark.
 */

/** The longest line that CreateProcess takes, with its NUL. */
export const MOST_LETTERS = 32_767

/** What every program needs to find the libraries of Windows. */
const NEEDED = 'SYSTEMROOT'

/** The line for these arguments; the first one is the program's name. */
export function commandLine(args: readonly string[]): string {
  return args.map(quoted).join(' ')
}

/** One argument, so that it comes out as it went in. */
export function quoted(arg: string): string {
  if (arg !== '' && !/[ \t\n\v"]/.test(arg)) return arg
  // Backslashes count double before a quotation mark, and so before the last one.
  return `"${arg.replace(/(\\*)("|$)/g, (_, slashes: string, mark: string) => slashes + slashes + (mark && '\\"'))}"`
}

/**
 * The block of an environment: sorted without regard to case, each name once. Of names that differ
 * in case alone, the last one counts.
 *
 * @param env `NAME=value` each.
 * @param own That of this process.
 */
export function environmentBlock(env: readonly string[], own: NodeJS.ProcessEnv): string {
  const byName = new Map<string, string>()
  const needed = own[NEEDED]
  if (needed !== undefined) byName.set(NEEDED, `SystemRoot=${needed}`)
  for (const entry of env) byName.set(entry.slice(0, entry.indexOf('=', 1)).toUpperCase(), entry)
  const names = [...byName.keys()].sort((a, b) => (a < b ? -1 : 1))
  return `${names.map((name) => `${byName.get(name)}\0`).join('')}\0`
}

/** The value of a variable, whatever the case of its name; of several the last. */
export function variable(env: readonly string[], name: string): string | undefined {
  const start = `${name}=`
  const entry = env.findLast((text) => text.slice(0, start.length).toUpperCase() === start)
  return entry?.slice(start.length)
}

/** UTF-16 with a NUL. */
export function wide(text: string): Uint16Array {
  const letters = new Uint16Array(text.length + 1)
  for (let i = 0; i < text.length; i++) letters[i] = text.charCodeAt(i)
  return letters
}
