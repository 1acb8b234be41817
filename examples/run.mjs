/**
 * Runs an example by its name: `npm run example -- echo-server 7000`. Without a name it lists them all.
 *
 * An example is a module that runs when it is imported and finds its arguments where a program does, from
 * `process.argv[2]` on. It is compiled here, and the package with it, without a look at their types: that takes a moment.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const [, , name, ...args] = process.argv
const sources = new URL('.', import.meta.url)
const names = readdirSync(sources).flatMap((file) => (file.endsWith('.ts') ? [file.slice(0, -3)] : []))

if (name === undefined) {
  console.log('npm run example -- <name> [arguments]\n')
  for (const known of names) console.log(`  ${known.padEnd(21)}${summaryOf(known)}`)
} else if (!names.includes(name)) {
  console.error(`Cannot run "${name}": there is no such example, only ${names.join(', ')}`)
  process.exitCode = 1
} else {
  compile()
  const file = new URL(`../dist/examples/${name}.js`, import.meta.url)
  process.argv = [process.argv[0], file.pathname, ...args]
  await import(file.href)
}

/** The first sentence of the comment at the head of an example. */
function summaryOf(example) {
  const [, line = ''] = /^\/\*\*\n \* (.*)/.exec(readFileSync(new URL(`${example}.ts`, sources), 'utf8')) ?? []
  return line
}

function compile() {
  const options = { cwd: new URL('..', sources), stdio: ['ignore', 'ignore', 'inherit'] }
  execFileSync('npm', ['run', '--silent', 'compile'], options)
}
