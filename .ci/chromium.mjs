/** Headless Chromium: from Debian where it is missing, and started so that it asks nothing of any network. */
import { spawnSync } from 'node:child_process'

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

/** The path of the binary; undefined where there is none and apt cannot bring it. */
export function findChromium() {
  const find = () => PLACES.find((path) => spawnSync(path, ['--version']).status === 0)
  const apt = (...words) => spawnSync('apt-get', [...words, '-qq'], { stdio: ['ignore', 'ignore', 'inherit'] })
  const found = find()
  if (found !== undefined) return found
  apt('update')
  apt('install', '-y', '--no-install-recommends', 'chromium')
  return find()
}
