/**
 * Tests without AVA: the compiled files, each in a process of its own, in a folder where "ava" leads to what stands for it
 * (test/engines/). For engines and platforms on which AVA does not run.
 */
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../', import.meta.url))
/** For AVA, which takes two processes in CI, however many cores there are. */
export const CONCURRENCY = ['--concurrency', String(Math.max(2, availableParallelism()))]
/** More than a test may take (test/patience.ts). */
export const FILE_SECONDS = 180

/** Runs a command to its end, or to its time's. */
export function ended(command, args, { seconds, ...options }) {
  return new Promise((done) => {
    execFile(
      command,
      args,
      { timeout: seconds * 1000, killSignal: 'SIGKILL', maxBuffer: 2 ** 28, ...options },
      (error, stdout, stderr) => done({ error, output: stdout + stderr }),
    )
  })
}

/** A copy of what was built, in which "ava" is what stands for it. */
export function copyFor(copy, koffi) {
  rmSync(copy, { recursive: true, force: true })
  mkdirSync(join(copy, 'node_modules/ava'), { recursive: true })
  const wanted = (path) => !path.endsWith('.d.ts') && !path.endsWith('.d.ts.map')
  for (const part of ['dist', 'package.json', 'test']) {
    cpSync(join(ROOT, part), join(copy, part), { recursive: true, filter: wanted })
  }
  writeFileSync(join(copy, 'node_modules/ava/package.json'), '{ "type": "module", "exports": "./index.js" }')
  writeFileSync(join(copy, 'node_modules/ava/index.js'), `export { default } from '../../dist/test/engines/ava.js'\n`)
  for (const part of koffi ? ['koffi', '@koromix'] : []) {
    const from = resolve(ROOT, 'node_modules', part)
    if (existsSync(from)) symlinkSync(from, join(copy, 'node_modules', part))
  }
  return copy
}

/**
 * What the tests said, less what is left out: `[title, reason, sometimes]` each, printed. One that need not be left out is a
 * failure, unless it fails only sometimes, and so is a file that broke off.
 */
export function judge(outputs, leftOut) {
  let pass = 0
  const wrong = []
  const unused = new Set(leftOut)
  for (const [file, output] of outputs) {
    if (!output.endsWith('# done')) wrong.push(`not ok - ${file} › broke off\n${output.slice(-2000)}`)
    for (const verdict of output.split(/^(?=(?:not )?ok - |# done)/m)) {
      if (verdict.startsWith('ok ')) pass++
      if (!verdict.startsWith('not ok ')) continue
      const reason = leftOut.find(([title]) => verdict.includes(` › ${title}`))
      if (reason === undefined) wrong.push(verdict)
      else if (unused.delete(reason)) console.log(`   left out: ${reason[0]}: ${reason[1]}`)
    }
  }
  for (const [title, , sometimes] of unused)
    if (!sometimes) wrong.push(`not ok - ${title} › is left out and need not be`)
  for (const verdict of wrong) console.log(verdict)
  return { pass, fail: wrong.length }
}

/** Runs each file or program, `run(file)` giving what it wrote, several at a time. */
export async function processes(files, run) {
  const left = [...files]
  const outputs = []
  const worker = async () => {
    for (let file = left.shift(); file !== undefined; file = left.shift()) {
      const output = await run(file)
      // Engines have things to say after the last line, too.
      outputs.push([file, output.replace(/(^# done).*/ms, '$1')])
    }
  }
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, worker))
  return outputs
}
