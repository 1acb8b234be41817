/**
 * Runs an example by its name: `npm run example -- echo-server 7000`. Without a name it lists them all; `--names` lists them
 * for programs, each with its file.
 *
 * An example is a module that runs when it is imported and finds its arguments where a program does, from
 * `process.argv[2]` on. It is compiled here, and the package with it, without a look at their types: that takes a moment.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const [, , name, ...args] = process.argv
/** What is here for others to load. */
const MODULES = ['handlers', 'protocols', 'recipes']
const sources = new URL('.', import.meta.url)
/** Programs by their names, which are those of their files wherever they stand. */
const programs = new Map(
  ['.', ...readdirSync(sources, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? [one.name] : []))]
    .filter((folder) => !MODULES.includes(folder))
    .flatMap((folder) => readdirSync(new URL(`${folder}/`, sources)).map((file) => `${folder}/${file}`))
    .flatMap((path) => (path.endsWith('.ts') ? [[path.replace(/^.*\/|\.ts$/g, ''), path.slice(0, -3)]] : []))
    .sort(([a], [b]) => (a < b ? -1 : 1)),
)

if (name === undefined) {
  console.log('npm run example -- <name> [arguments]\n')
  for (const [known, path] of programs) console.log(`  ${known.padEnd(21)}${summaryOf(path)}`)
} else if (name === '--names') {
  for (const [known, path] of programs) console.log(`${known} examples/${path.replace('./', '')}.ts`)
} else if (!programs.has(name)) {
  console.error(`Cannot run "${name}": there is no such example, only ${[...programs.keys()].join(', ')}`)
  process.exitCode = 1
} else {
  compile()
  const file = new URL(`../dist/examples/${programs.get(name)}.js`, import.meta.url)
  process.argv = [process.argv[0], file.pathname, ...args]
  await import(file.href)
}

/** The first sentence of the comment at the head of an example. */
function summaryOf(path) {
  const [, head = ''] = /^\/\*\*\n([\s\S]*?)\*\//.exec(readFileSync(new URL(`${path}.ts`, sources), 'utf8')) ?? []
  const [sentence] = /^.*?\.(?= |$)/.exec(head.replaceAll(/\s*\n? \* ?/g, ' ').trim()) ?? [head]
  return sentence
}

function compile() {
  const options = { cwd: new URL('..', sources), stdio: ['ignore', 'ignore', 'inherit'] }
  execFileSync('npm', ['run', '--silent', 'compile'], options)
}
