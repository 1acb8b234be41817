/**
 * `tail -f`: prints what a file gets, line by line, until it is removed.
 *
 * Start it: `npm run example -- tail /var/log/syslog`. Without an argument it shows itself at work
 * on a file of its own. Try to rename the file, and to remove it.
 */
import { appendFile, each, nursery, type Operation, open, remove, run, spawn, tempDir, use, watch } from 'drupe'

function* tail(path: string, print: (line: string) => void): Operation<void> {
  // Watched first: what is written between the two is read, and told once more.
  const changes = yield* watch(path)
  yield* use(open(path), function* (file) {
    const printNew = () =>
      each(file.lines(), function* (line) {
        print(line)
      })
    yield* printNew()
    yield* each(changes, function* ({ type }) {
      yield* printNew()
      if (type === 'removed' || (yield* file.stat()).links === 0) return 'removed'
    })
  })
}

await run(() =>
  nursery(function* () {
    const [, , given] = process.argv
    const path = given !== undefined && given !== '0' ? given : `${yield* tempDir()}/log`
    if (path !== given) yield* appendFile(path, 'the first line\n')
    const printing = yield* spawn(tail(path, (line) => console.log(line)))
    if (path !== given) {
      yield* appendFile(path, 'and another one\n')
      yield* remove(path)
    }
    yield* printing.join()
  }),
)
