/**
 * The kernel needs nothing but the language: it runs where there is no Node, no koffi, no `process`.
 */

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { PATIENCE_MS } from '../patience.js'

const child = fileURLToPath(new URL('./pure-child.js', import.meta.url))

async function runPure(driver: string): Promise<string> {
  const flags = ['--experimental-vm-modules', '--no-warnings']
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, child, driver], { timeout: PATIENCE_MS })
  return stdout.trim()
}

test('the kernel runs on the virtual driver in a realm that has the language and nothing else', async (t) => {
  t.is(await runPure('virtual'), 'timeout after 1000 ms; cancelled child; 0 left')
})

test('the kernel runs on the host driver in a realm that has a browser’s timers and nothing else', async (t) => {
  t.is(await runPure('host'), 'timeout after 1000 ms; cancelled child; 0 left')
})

test('the main door loads there, too, with the host driver, and its I/O says that it cannot', async (t) => {
  t.is(await runPure('door'), 'host\nDRUPE_UNSUPPORTED')
})

test('in that realm an import of anything else fails', async (t) => {
  const error = await t.throwsAsync(runPure('koffi'))
  t.regex(error?.message ?? '', /Cannot load koffi: outside kernel\/ and traps\//)
})
