/**
 * README as it stands on the package's page: `node .ci/readme.mjs pack`, and `unpack` puts the repository's back.
 *
 * There are no files of the repository on that page, so a link to one would be dead. Its text stays, with the path behind it,
 * for those who have the repository; what is in the package as well, and what has an address of its own, stays a link.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url))
const README = path('README.md')
const KEPT = path('dist/README.repository.md')
const SHIPPED = /^(https?:|#|docs\/errors\/|CHANGELOG\.md|LICENSE)/

export function forPackage(text) {
  return text.replace(/\[([^\]]+)\]\(([^)]+)\)/g, (link, name, to) => (SHIPPED.test(to) ? link : `${name} (\`${to}\`)`))
}

if (process.argv[2] === 'pack') {
  const text = readFileSync(README, 'utf8')
  writeFileSync(KEPT, text)
  writeFileSync(README, forPackage(text))
} else if (process.argv[2] === 'unpack' && existsSync(KEPT)) renameSync(KEPT, README)
