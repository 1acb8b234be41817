/**
 * CI as contributors know it: each platform runs the one script of the repository, and nothing beside it.
 *
 * The workflow is checked as text, in the form in which it is written: jobs are two spaces deep. A job that ran commands of its
 * own could fail where nobody at home can follow. The scripts have to run in macOS's bash 3.2 and in cmd.exe, too.
 */
import test from 'ava'
import { textOf } from './sources.js'

const PLATFORMS: Readonly<Record<string, RegExp>> = {
  'linux-x64': /^ubuntu-[\d.]+$/,
  'linux-arm64': /^ubuntu-[\d.]+-arm$/,
  macos: /^macos-latest$/,
  windows: /^windows-latest$/,
}

/** The text of each job, by its key. */
function jobs(): Map<string, string> {
  const [, text = ''] = textOf('.github/workflows/ci.yml').split('\njobs:\n')
  const parts = text.split(/^ {2}([\w-]+):\n/m).slice(1)
  return new Map(parts.flatMap((key, i) => (i % 2 === 0 ? [[key, parts[i + 1] ?? ''] as const] : [])))
}

test('the workflow has a job for each platform, on a machine of that platform', (t) => {
  const found = jobs()
  t.deepEqual([...found.keys()], Object.keys(PLATFORMS))
  for (const [key, machine] of Object.entries(PLATFORMS)) {
    t.regex(/^ {4}runs-on: (.*)$/m.exec(found.get(key) ?? '')?.[1] ?? '', machine)
  }
})

test('each job runs .ci/run in bash, and no command beside it', (t) => {
  for (const [key, text] of jobs()) {
    t.deepEqual(
      [...text.matchAll(/\brun: (.*)/g)].map(([, command]) => command),
      ['.ci/run'],
      key,
    )
    t.regex(text, / run: \.ci\/run\n {8}shell: bash\n/, key)
    t.notRegex(text, /continue-on-error/, key)
  }
})

test('the workflow is YAML, as far as a parser is at hand', async (t) => {
  const name = 'yaml'
  const parser = (await import(name).catch(() => null)) as { parse(text: string): { jobs: object } } | null
  if (parser === null) {
    t.log('skipped: no parser of YAML is installed')
    t.pass()
    return
  }
  t.deepEqual(Object.keys(parser.parse(textOf('.github/workflows/ci.yml')).jobs), Object.keys(PLATFORMS))
})

test('.ci/run uses nothing that macOS lacks', (t) => {
  const code = textOf('.ci/run').replaceAll(/^\s*#.*$/gm, '')
  t.notRegex(code, /\btimeout -|\bsed -i|\bmapfile\b|\breadarray\b|\bdeclare -A|\bgrep -P|\$\{\w+(,,|\^\^)/)
})

test('npm scripts mean the same in cmd.exe', (t) => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
  for (const [name, script] of Object.entries(scripts)) {
    // Single quotes quote nothing there; inside double ones they are the program's.
    t.notRegex(script.replaceAll(/"[^"]*"/g, ''), /'|\bexec |\brm |\bcp |\$\w|^\w+=/, name)
  }
})
