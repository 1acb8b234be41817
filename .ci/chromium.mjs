/**
 * Chromium without a window: where it is, and how a page is opened in it.
 *
 * It is Debian's, and installed if there is an apt-get and it is missing.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'

export const CHROMIUM_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
]

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser']

/** Its path; undefined if there is none. */
export function findChromium() {
  const find = () => PLACES.find((path) => spawnSync(path, ['--version']).status === 0)
  const apt = (...words) => spawnSync('apt-get', [...words, '-qq'], { stdio: ['ignore', 'ignore', 'inherit'] })
  const found = find()
  if (found !== undefined) return found
  apt('update')
  apt('install', '-y', '--no-install-recommends', 'chromium')
  return find()
}

/** Opens a page in a browser of its own; what comes back ends it. */
export function openPage(chromium, url, scratch) {
  const profile = mkdtempSync(join(scratch, 'page-'))
  const browser = spawn(chromium, [...CHROMIUM_FLAGS, `--user-data-dir=${profile}`, url], {
    stdio: 'ignore',
    detached: true,
  })
  // It is the leader of a group of its own, with all that it started.
  return () => process.kill(-browser.pid, 'SIGKILL')
}
