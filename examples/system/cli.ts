/**
 * A command-line program: counts the lines of files with `wc`, four at a time, shows how far it is,
 * and stops when it is told to.
 *
 * Start it: `npm run example -- cli README.md LICENSE`. `main` is what makes it a program. Ctrl-C
 * cancels the work and the programs under way, and the exit code is 130; an error is printed once
 * and the code is 1; otherwise it is 0. Try a file that is not there.
 */
import { exec, main, map, type Operation } from 'drupe'

const files = process.argv.slice(2).filter((path) => path !== '0')
if (files.length === 0) files.push('README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'package.json')

function* countLines(path: string): Operation<number> {
  const { stdout } = yield* exec('wc', ['-l', path], { timeout: 10_000 })
  return Number.parseInt(new TextDecoder().decode(stdout), 10)
}

await main(
  function* count() {
    let done = 0
    const counts = yield* map(
      files,
      function* (path) {
        const lines = yield* countLines(path)
        process.stderr.write(`\r${++done} of ${files.length}${done < files.length ? '' : '\n'}`)
        return lines
      },
      { concurrency: 4 },
    )
    for (const [i, lines] of counts.entries()) console.log(`${lines}\t${files[i]}`)
  },
  { grace: 1000 },
)
