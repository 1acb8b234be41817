/**
 * Writes the files of others whole, as root and as somebody else. It prints what they are then: owner, group, mode and
 * content, one a line.
 */
import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run, writeFile } from 'drupe'

const [SOMEBODY, GROUP, NOBODY] = [1000, 1001, 1002]

const directory = mkdtempSync(join(tmpdir(), 'drupe-owners-'))
chmodSync(directory, 0o777)

function fileOf(name: string, user: number, group: number, mode: number): string {
  const path = join(directory, name)
  writeFileSync(path, 'old')
  chownSync(path, user, group)
  chmodSync(path, mode)
  return path
}

async function tell(path: string): Promise<void> {
  await run(() => writeFile(path, 'new'))
  const { uid, gid, mode } = statSync(path)
  console.log([uid, gid, (mode & 0o7777).toString(8), readFileSync(path, 'utf8')].join(' '))
}

const asSomebody = [
  fileOf('own', SOMEBODY, SOMEBODY, 0o4750),
  fileOf('group', NOBODY, GROUP, 0o6754),
  fileOf('neither', NOBODY, NOBODY, 0o6772),
]
await tell(fileOf('root', SOMEBODY, GROUP, 0o4750))
process.setgroups?.([GROUP])
process.setegid?.(SOMEBODY)
process.seteuid?.(SOMEBODY)
chmodSync(asSomebody[0] as string, 0o4750)
for (const path of asSomebody) await tell(path)
console.log(readdirSync(directory).sort().join(' '))
process.seteuid?.(0)
rmSync(directory, { recursive: true })
