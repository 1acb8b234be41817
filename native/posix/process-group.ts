/**
 * Whether a process group still has members that run.
 *
 * kill(2) counts those that have ended and were not reaped: orphans belong to process 1, which may
 * take its time, or be a program in a container that never does it. Linux's /proc tells the two
 * apart. Reading it costs a call for each process of the machine, so it is read only when kill says
 * that there is somebody.
 */

/** Ended, and as good as gone. */
const OVER = new Set(['Z', 'X', 'x'])

/** Where there is no /proc, or none like Linux's, kill is believed. */
export function hasRunning(group: number): boolean {
  const fs = process.getBuiltinModule('node:fs')
  try {
    if (!fs.existsSync('/proc/self/stat')) return true
    return fs.readdirSync('/proc').some((name) => /^\d+$/.test(name) && runsIn(fs, name, group))
  } catch {
    return true
  }
}

function runsIn(fs: typeof import('node:fs'), pid: string, group: number): boolean {
  let text: string
  try {
    text = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    // It has gone meanwhile.
    return false
  }
  // Behind its name, which may have anything in it: state, parent, group.
  const [state, , itsGroup] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return Number(itsGroup) === group && !OVER.has(state as string)
}
