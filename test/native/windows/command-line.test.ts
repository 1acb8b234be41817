/**
 * The line that Windows gives a program, taken apart again as Microsoft's C library does; the block of an environment; and
 * where a program is looked for. It runs everywhere.
 */
import test from 'ava'
import { EINVAL, ENOENT } from '../../../native/posix/errno.js'
import { commandLine, environmentBlock, quoted, variable } from '../../../native/windows/command-line.js'
import { programFor } from '../../../native/windows/program-path.js'

/** The rules of "Parsing C command-line arguments", for all but the program's name. */
function parsed(line: string): string[] {
  const args: string[] = []
  let at = 0
  while (at < line.length) {
    while (line[at] === ' ' || line[at] === '\t') at++
    if (at === line.length) break
    let arg = ''
    let inside = false
    for (; at < line.length && (inside || (line[at] !== ' ' && line[at] !== '\t')); at++) {
      let slashes = 0
      while (line[at] === '\\') {
        slashes++
        at++
      }
      if (line[at] !== '"') {
        arg += '\\'.repeat(slashes)
        at--
        if (slashes === 0) arg += line[++at]
        continue
      }
      arg += '\\'.repeat(slashes >> 1)
      if (slashes % 2 === 1) arg += '"'
      else if (inside && line[at + 1] === '"') arg += line[++at]
      else inside = !inside
    }
    args.push(arg)
  }
  return args
}

/** All texts of so many of these letters. */
function texts(letters: string, length: number): string[] {
  if (length === 0) return ['']
  return texts(letters, length - 1).flatMap((text) => [...letters].map((letter) => text + letter))
}

test('every argument comes out of the line as it went in', (t) => {
  const args = [0, 1, 2, 3, 4, 5].flatMap((length) => texts('\\" a', length))
  t.deepEqual(parsed(commandLine(args)), args)
  for (const arg of args) t.deepEqual(parsed(commandLine([arg, 'x'])), [arg, 'x'])
})

test('what needs no quotation marks has none', (t) => {
  for (const arg of ['a', 'c:\\d\\', '--x=y', '\\\\server\\share', 'ü€😀']) t.is(quoted(arg), arg)
  t.is(quoted(''), '""')
  t.is(quoted('a b\\'), '"a b\\\\"')
})

test('an environment is sorted, has each name once, and what programs cannot do without', (t) => {
  const block = environmentBlock(['b=1', 'Path=x', 'A=2=3', 'PATH=y', 'B_=', '=C:=C:\\'], { SYSTEMROOT: 'C:\\W' })
  t.is(block, '=C:=C:\\\0A=2=3\0b=1\0B_=\0PATH=y\0SystemRoot=C:\\W\0\0')
  t.is(environmentBlock(['SystemRoot=D:\\'], { SYSTEMROOT: 'C:\\W' }), 'SystemRoot=D:\\\0\0')
  t.is(variable(['Path=x', 'PATHEXT=.EXE', 'path=y'], 'PATH'), 'y')
  t.is(variable([], 'PATH'), undefined)
})

const files = (...paths: string[]) => {
  const all = new Set(paths.map((path) => path.toLowerCase()))
  return (path: string): boolean => all.has(path.toLowerCase())
}

test('a program is found in the PATH of its environment, not where it begins', (t) => {
  const isFile = files('C:\\here\\tool.exe', 'C:\\b\\tool.exe', 'C:\\c d\\tool.com', 'C:\\c d\\other.v2.exe')
  const find = (command: string, ...env: string[]): string | number => programFor(command, 'C:\\here', env, isFile)
  t.is(find('tool', 'Path=C:\\a;;"C:\\c d";C:\\b')?.toString().toLowerCase(), 'c:\\c d\\tool.com')
  t.is(find('tool.exe', 'PATH=C:\\a;C:\\c d;C:\\b'), 'C:\\b\\tool.exe')
  t.is(find('other.v2', 'PATH=C:\\c d')?.toString().toLowerCase(), 'c:\\c d\\other.v2.exe')
  t.is(find('tool', 'PATH=C:\\a'), ENOENT)
  t.is(find('tool', 'PATH=.')?.toString().toLowerCase(), 'c:\\here\\tool.exe')
  t.is(find('.\\tool', 'PATH=C:\\b')?.toString().toLowerCase(), 'c:\\here\\tool.exe')
  t.is(find('../b/tool.exe'), 'C:\\b\\tool.exe')
  t.is(find('tool', 'PATH=C:\\c d;C:\\b', 'PATHEXT=.EXE')?.toString().toLowerCase(), 'c:\\b\\tool.exe')
  for (const command of ['', 'tool/', 'C:\\b\\', 'none']) t.is(find(command, 'PATH=C:\\b'), ENOENT, command)
})

test('a batch file is refused, by whatever name, and does not hide a program', (t) => {
  const isFile = files('C:\\a\\npm.cmd', 'C:\\b\\npm.exe', 'C:\\a\\x.bat', 'C:\\a\\x.bat. .', 'C:\\a\\x.bat::$DATA')
  const find = (command: string, path: string): string | number => programFor(command, 'C:\\', [`PATH=${path}`], isFile)
  t.is(find('npm', 'C:\\a;C:\\b').toString().toLowerCase(), 'c:\\b\\npm.exe')
  for (const command of ['npm', 'npm.cmd', 'NPM.CMD', 'x', 'C:\\a\\x.BAT', 'C:\\a\\x.bat. .', 'C:\\a\\x.bat::$DATA']) {
    t.is(find(command, 'C:\\a'), EINVAL, command)
  }
})
