/**
 * Every program in the documentation compiles, runs and prints what it says; every quotation is true.
 */

import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import test from 'ava'
import ts from 'typescript'
import { PATIENCE_MS } from '../patience.js'
import { compilerOptions } from './program.js'
import { blocks, examples, expectedOutput, type Snippet } from './snippets.js'
import { ROOT, textOf } from './sources.js'

/** Inside the package, so that the programs can import it by its name. */
const FOLDER = `${ROOT}dist/snippets`

/** Programs in other languages: what may start them, how one sees that it can, and what is to be installed for it. */
const LANGUAGES = [
  {
    mark: 'python',
    end: 'py',
    commands: ['python3', '/usr/bin/python3'],
    probe: ['-c', 'import trio'],
    start: [],
    needs: 'Python with Trio (python3-trio)',
  },
  { mark: 'go', end: 'go', commands: ['go'], probe: ['version'], start: ['run'], needs: 'Go (golang-go)' },
]

const run = promisify(execFile)
const programs = [...examples(), ...blocks('ts')]
let problems: Map<string, string[]>

function fileOf({ at }: Snippet): string {
  return `${FOLDER}/${at.replaceAll(/[/.:]/g, '-')}`
}

test.before(() => {
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER, { recursive: true })
  for (const snippet of programs) writeFileSync(`${fileOf(snippet)}.ts`, snippet.code)
  const options = { ...compilerOptions(), rootDir: FOLDER, outDir: FOLDER, declaration: false, declarationMap: false }
  const program = ts.createProgram(
    programs.map((snippet) => `${fileOf(snippet)}.ts`),
    // Examples show names without using them all.
    { ...options, sourceMap: false, noUnusedLocals: false },
  )
  program.emit()
  problems = new Map()
  for (const { file, messageText } of ts.getPreEmitDiagnostics(program)) {
    const name = file?.fileName ?? 'no file'
    problems.set(name, [...(problems.get(name) ?? []), ts.flattenDiagnosticMessageText(messageText, '\n')])
  }
})

test('there are programs in doc comments and in guides', (t) => {
  t.true(examples().length > 10)
  t.true(blocks('ts').length > 5)
  for (const { mark } of LANGUAGES) t.true(blocks(mark).length > 2, mark)
})

test('all problems of the compiler belong to a program', (t) => {
  const known = new Set(programs.map((snippet) => `${fileOf(snippet)}.ts`))
  t.deepEqual(
    [...problems].filter(([name]) => !known.has(name)),
    [],
  )
})

for (const snippet of programs) {
  test.serial(`the program at ${snippet.at} prints what it says`, async (t) => {
    const file = fileOf(snippet)
    t.deepEqual(problems.get(`${file}.ts`) ?? [], [])
    const { stdout } = await run(process.execPath, ['--unhandled-rejections=strict', `${file}.js`], {
      cwd: ROOT,
      timeout: PATIENCE_MS,
    })
    t.is(stdout, expectedOutput(snippet.code))
  })
}

for (const { mark, end, commands, probe, start, needs } of LANGUAGES) {
  const command = commands.find((one) => spawnSync(one, probe, { stdio: 'ignore' }).status === 0)
  for (const snippet of blocks(mark))
    test.serial(`the program at ${snippet.at} prints what it says, in ${mark}`, async (t) => {
      if (command === undefined) {
        t.log(`skipped: it needs ${needs}`)
        t.pass()
        return
      }
      const file = `${fileOf(snippet)}.${end}`
      writeFileSync(file, snippet.code)
      // One file of Go is no module, whatever this machine has set.
      const env = { ...process.env, GO111MODULE: 'off', GOFLAGS: '' }
      const { stdout } = await run(command, [...start, file], { cwd: ROOT, env, timeout: PATIENCE_MS })
      t.is(stdout, expectedOutput(snippet.code))
    })
}

for (const quotation of blocks('typescript')) {
  test(`the quotation at ${quotation.at} is in the file that it names`, (t) => {
    const [first = '', ...lines] = quotation.code.trimEnd().split('\n')
    const path = /^\/\/ (\S+\.ts)$/.exec(first)?.[1]
    t.truthy(path, 'the first line names the file: // kernel/protocol/trap.ts')
    const source = squeeze(textOf(path as string))
    for (const part of lines.join('\n').split(/^ *\/\/ …$/m)) {
      t.true(source.includes(squeeze(part)), `not in ${path}:\n${part}`)
    }
  })
}

/** Without comments and with single spaces: neither changes what the code does. */
function squeeze(code: string): string {
  return code
    .replaceAll(/^ *(\/\/|\/?\*).*$/gm, '')
    .replaceAll(/ \/\/ .*$/gm, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
}
