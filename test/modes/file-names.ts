/**
 * Scenarios of names of files: long ones, and those that cannot be made.
 */
import { readdirSync, writeFileSync } from 'node:fs'
import { mkdir, type Operation, readFile, SystemError, writeFile } from 'drupe'
import { inDirectory } from './os-files.js'
import type { Scenario } from './scenarios.js'

function* codeOf(op: Operation<unknown>): Operation<unknown> {
  try {
    yield* op
    return 'none'
  } catch (error) {
    if (error instanceof SystemError) return `${error.syscall} ${error.code}`
    throw error
  }
}

export const FILE_NAME_SCENARIOS: readonly Scenario[] = [
  {
    lacking: ['win32'],
    name: 'a file whose name is as long as a name may be is written at once, and again',
    op: inDirectory(function* (d) {
      const name = 'n'.repeat(255)
      yield* writeFile(`${d}/${name}`, 'old')
      yield* writeFile(`${d}/${name}`, 'new')
      return [readdirSync(d).map(({ length }) => length), yield* readFile(`${d}/${name}`, { encoding: 'utf8' })]
    }),
    gives: [[255], 'new'],
  },
  {
    lacking: ['win32', 'darwin'],
    name: 'directories that cannot be made where the one above is, end with what the system says',
    op: () => codeOf(mkdir('/proc/no/such', { recursive: true })),
    gives: 'mkdir ENOENT',
  },
  {
    name: 'directories are made up to a file, with separators at the end and in a row',
    op: inDirectory(function* (d) {
      yield* mkdir(`${d}/a//b/c///`, { recursive: true })
      writeFileSync(`${d}/a/f`, '')
      const code = yield* codeOf(mkdir(`${d}/a/f/g/h`, { recursive: true }))
      return [
        readdirSync(`${d}/a`).sort(),
        readdirSync(`${d}/a/b`),
        /^mkdir (ENOTDIR|ENOENT|EEXIST)$/.test(code as string),
      ]
    }),
    gives: [['b', 'f'], ['c'], true],
  },
  {
    lacking: ['win32'],
    name: 'a backslash in a name is a character as others',
    op: inDirectory(function* (d) {
      yield* mkdir(`${d}/none/a\\b`, { recursive: true })
      yield* writeFile(`${d}/none/c\\d`, 'x')
      return readdirSync(`${d}/none`).sort()
    }),
    gives: ['a\\b', 'c\\d'],
  },
]
