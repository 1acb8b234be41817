/**
 * What was run where: `npm run platforms` runs every driver's suites and writes the counts into docs/platforms.md.
 *
 * Each cell is what a run said, and the date is that of the run. `--libkqueue=path` runs the conformance suite on that library
 * as well, in a process for each test, since a lost event hangs it; without it that column stays as it is.
 * Ends with a line "platforms: N passed, N failed".
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ended, ROOT } from './bare-suite.mjs'

const PAGE = join(ROOT, 'docs/platforms.md')
const MARKS = ['<!-- counts -->\n', '<!-- /counts -->\n']
const LIBKQUEUE = process.argv.find((word) => word.startsWith('--libkqueue='))?.split('=')[1]
const scratch = mkdtempSync(join(tmpdir(), 'drupe-platforms-'))
const SECONDS = 900

let passed = 0
let failed = 0
const text = ({ pass, fail }) => {
  passed += pass
  failed += fail
  return fail === 0 ? `${pass}` : `${pass}, ${fail} failed`
}

/** AVA on these files; what passed of the titles that begin so. */
async function ava(files, env = {}, title = '') {
  const args = ['node_modules/ava/entrypoints/cli.mjs', '--tap', ...files.map((file) => `dist/test/${file}.test.js`)]
  const { output } = await ended(process.execPath, args, {
    seconds: SECONDS,
    cwd: ROOT,
    env: { ...process.env, ...env },
  })
  const lines = output.split('\n').filter((line) => line.includes(title))
  return {
    pass: lines.filter((line) => line.startsWith('ok ')).length,
    fail: lines.filter((line) => line.startsWith('not ok ')).length,
  }
}

/** What one of the scripts beside this one counted. */
async function counted(script) {
  const counts = join(scratch, `${script}.json`)
  const args = [`.ci/${script}.mjs`, join(scratch, script), `--counts=${counts}`]
  await ended(process.execPath, args, { seconds: SECONDS, cwd: ROOT })
  return JSON.parse(readFileSync(counts, 'utf8'))
}

async function attack(driver) {
  const args = ['dist/test/torture/main.js', 'ci', '--driver', driver]
  const { output } = await ended(process.execPath, args, { seconds: SECONDS, cwd: ROOT })
  const [, pass, fail] = /^(\d+) passed, (\d+) failed/m.exec(output) ?? [0, 0, 1]
  return { pass: Number(pass), fail: Number(fail) }
}

async function onLinux(driver, suite, title) {
  const env = { DRUPE_DRIVER: driver }
  return [
    text(await ava([suite], {}, title)),
    text(await ava(['modes/*'], env)),
    text(await ava(['traps/{bridge,sync,testing}/*'], env)),
    text(await ava(['child/*'], env)),
    text(await attack(driver)),
  ]
}

async function onShim() {
  const counts = await counted('kqueue')
  const own = await ava(['native/bsd/kqueue'], {}, 'kqueue: ')
  return [own, counts.modes, counts.streams, counts.processes, counts.attack].map(text)
}

async function underWine() {
  const counts = await counted('windows')
  const sum = (node) =>
    ['programs', 'elsewhere', 'processes']
      .map((part) => counts[part]?.[node] ?? { pass: 0, fail: 0 })
      .reduce((a, b) => ({ pass: a.pass + b.pass, fail: a.fail + b.fail }))
  counts.processes = Object.fromEntries(Object.keys(counts.processes ?? {}).map((node) => [node, sum(node)]))
  return ['conformance', 'modes', 'streams', 'processes', 'attack'].map((part) => {
    const byNode = Object.entries(counts[part] ?? {})
    return byNode.length === 0 ? '—' : byNode.map(([node, count]) => `${text(count)} (${node})`).join(', ')
  })
}

/** One test a process: its events are lost at times, and then it never ends. */
async function onLibkqueue(row) {
  if (LIBKQUEUE === undefined) return row
  const env = { DRUPE_KQUEUE_LIB: LIBKQUEUE }
  const listed = await ava(['native/bsd/kqueue'], {}, 'kqueue: ')
  const titles = await titlesOf('native/bsd/kqueue', 'kqueue: ')
  let pass = 0
  for (const title of titles) {
    const args = [
      'node_modules/ava/entrypoints/cli.mjs',
      '--tap',
      'dist/test/native/bsd/kqueue.test.js',
      '--match',
      title,
    ]
    const { output } = await ended(process.execPath, args, { seconds: 30, cwd: ROOT, env: { ...process.env, ...env } })
    if (/^ok /m.test(output) && !/^not ok /m.test(output)) pass++
    else console.log(`   libkqueue: not ok: ${title}`)
  }
  return [`${pass} of ${listed.pass}`, '—', '—', '—', '—']
}

async function titlesOf(file, title) {
  const args = ['node_modules/ava/entrypoints/cli.mjs', '--tap', `dist/test/${file}.test.js`]
  const { output } = await ended(process.execPath, args, { seconds: SECONDS, cwd: ROOT })
  return [...output.matchAll(/^ok \d+ - (.*)$/gm)].map(([, name]) => name).filter((name) => name.startsWith(title))
}

/** A row as the page has it now, by its name. */
function rowOf(page, name) {
  const line = page.split('\n').find((one) => one.startsWith(`| ${name} |`))
  return (
    line
      ?.split('|')
      .slice(2, -1)
      .map((cell) => cell.trim()) ?? ['—', '—', '—', '—', '—']
  )
}

const page = readFileSync(PAGE, 'utf8')
const rows = [
  ['io_uring, Linux', await onLinux('io_uring', 'native/linux/uring', 'io_uring, cooperative: ')],
  ['epoll, Linux', await onLinux('epoll', 'native/linux/epoll', 'epoll: ')],
  ['kqueue on the shim, Linux', await onShim()],
  ['kqueue on libkqueue, Linux, by hand', await onLibkqueue(rowOf(page, 'kqueue on libkqueue, Linux, by hand'))],
  ['iocp under Wine', await underWine()],
  ['the simulated network', [text(await ava(['kernel/sim/sim-driver'], {}, 'simulated, ')), '—', '—', '—', '—']],
]
const never = 'not executed'
for (const place of ['kqueue on macOS itself', 'kqueue on FreeBSD itself', 'iocp on Windows itself']) {
  rows.push([place, [never, never, never, never, never]])
}
const today = new Date().toISOString().slice(0, 10)
const table = [
  `Run on ${today}, Node ${process.versions.node}, Linux ${process.arch}.`,
  '',
  '| driver | conformance | both modes | streams and synchronisation | workers and processes | the attack |',
  '| --- | --- | --- | --- | --- | --- |',
  ...rows.map(([name, cells]) => `| ${name} | ${cells.join(' | ')} |`),
]
const [before, , after] = page.split(new RegExp(MARKS.join('|')))
writeFileSync(PAGE, [before, MARKS[0], '\n', table.join('\n'), '\n\n', MARKS[1], after].join(''))
rmSync(scratch, { recursive: true, force: true })
console.log(table.join('\n'))
console.log(`platforms: ${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
