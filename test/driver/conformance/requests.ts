/**
 * Conformance: the requests that came with files, whole names and directories. Which check is about which kind stands in a
 * table, so that a new kind without one does not compile.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import {
  CLOSED,
  type DirectoryHandle,
  OPEN_READ,
  OPEN_WRITE,
  Request,
  type RequestKind,
  type RequestKinds,
} from '../../../kernel/driver/contract.js'
import { ok, type Rig } from '../rig.js'
import { needing, type Suite } from './all.js'

/** Where each kind is checked. */
export const CHECKED_IN: Readonly<Record<RequestKind, 'files' | 'requests'>> = {
  open: 'files',
  stat: 'files',
  sync: 'files',
  lstat: 'files',
  chmod: 'files',
  chown: 'files',
  unlink: 'files',
  rename: 'files',
  link: 'files',
  mkdir: 'requests',
  mkdtemp: 'requests',
  rmdir: 'requests',
  symlink: 'requests',
  readlink: 'requests',
  realpath: 'requests',
  truncate: 'requests',
  copy: 'requests',
  opendir: 'requests',
  readdir: 'requests',
  lookup: 'requests',
  reverse: 'requests',
}

function requestOf<K extends RequestKind>(kind: K, input: RequestKinds[K]['input']): Request<K> {
  return new Request(kind, input, Number.POSITIVE_INFINITY)
}

function inDirectory(body: (directory: string) => void): void {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'drupe-')))
  try {
    body(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

export function requests(all: Suite): void {
  const suite = needing(all, 'files')
  /** What it brings. */
  const ask = <K extends RequestKind>(
    rig: Rig,
    kind: K,
    input: RequestKinds[K]['input'],
  ): RequestKinds[K]['output'] => {
    const request = requestOf(kind, input)
    ok(rig.run(request as Request))
    return request.output as RequestKinds[K]['output']
  }
  const refused = <K extends RequestKind>(rig: Rig, kind: K, input: RequestKinds[K]['input']): string =>
    suite.nameOf(rig, rig.run(requestOf(kind, input) as Request))

  suite.check('a directory is made once, and removed when it is empty', (t, rig) => {
    inDirectory((d) => {
      const path = join(d, 'made')
      ask(rig, 'mkdir', { path, mode: 0o700 })
      t.true(statSync(path).isDirectory())
      if (process.platform !== 'win32') t.is(statSync(path).mode & 0o777, 0o700)
      t.is(refused(rig, 'mkdir', { path, mode: 0o700 }), 'EEXIST')
      t.is(refused(rig, 'mkdir', { path: join(d, 'none/below'), mode: 0o700 }), 'ENOENT')
      writeFileSync(join(path, 'f'), '')
      t.true(['ENOTEMPTY', 'EEXIST'].includes(refused(rig, 'rmdir', { path })))
      rmSync(join(path, 'f'))
      ask(rig, 'rmdir', { path })
      t.false(existsSync(path))
      t.is(refused(rig, 'rmdir', { path }), 'ENOENT')
    })
  })

  suite.check('a directory of a new name begins as was asked for, each time another one', (t, rig) => {
    inDirectory((d) => {
      const made = [1, 2].map(() => ask(rig, 'mkdtemp', { path: join(d, 'new-') }))
      t.not(made[0], made[1])
      for (const path of made) t.true(basename(path).startsWith('new-') && statSync(path).isDirectory())
      t.is(refused(rig, 'mkdtemp', { path: join(d, 'none/new-') }), 'ENOENT')
    })
  })

  suite.check('a link leads where it was told, also to nothing, and the real path goes through it', (t, rig) => {
    if (process.platform === 'win32') return t.log('skipped: links need a right of their own on Windows')
    inDirectory((d) => {
      mkdirSync(join(d, 'there'))
      const path = join(d, 'link')
      ask(rig, 'symlink', { path: 'there', to: path })
      t.is(ask(rig, 'readlink', { path }), 'there')
      t.is(ask(rig, 'realpath', { path }), join(d, 'there'))
      t.is(refused(rig, 'symlink', { path: 'there', to: path }), 'EEXIST')
      ask(rig, 'symlink', { path: 'nowhere', to: join(d, 'dangling') })
      t.is(ask(rig, 'readlink', { path: join(d, 'dangling') }), 'nowhere')
      t.is(refused(rig, 'realpath', { path: join(d, 'dangling') }), 'ENOENT')
      t.is(refused(rig, 'readlink', { path: join(d, 'there') }), 'EINVAL')
    })
  })

  suite.check('an open file is cut, and filled with zeros, to so many bytes', (t, rig) => {
    inDirectory((d) => {
      const path = join(d, 'f')
      writeFileSync(path, 'abcdef')
      const fd = ask(rig, 'open', { path, flags: OPEN_READ | OPEN_WRITE, mode: 0o600 })
      ask(rig, 'truncate', { fd, bytes: 3 })
      t.is(readFileSync(path, 'latin1'), 'abc')
      ask(rig, 'truncate', { fd, bytes: 5 })
      t.is(readFileSync(path, 'latin1'), 'abc\0\0')
      rig.driver.closeFd(fd)
    })
  })

  suite.check('a copy has all bytes and takes the place of another file, unless it may not', (t, rig) => {
    inDirectory((d) => {
      const [path, to] = [join(d, 'from'), join(d, 'to')]
      const bytes = Buffer.alloc(3_000_001, 'pattern')
      writeFileSync(path, bytes)
      writeFileSync(to, 'old')
      t.is(refused(rig, 'copy', { path, to, exclusive: true }), 'EEXIST')
      t.is(readFileSync(to, 'latin1'), 'old')
      ask(rig, 'copy', { path, to, exclusive: false })
      t.is(Buffer.compare(readFileSync(to), bytes), 0)
      t.is(refused(rig, 'copy', { path: join(d, 'none'), to, exclusive: false }), 'ENOENT')
    })
  })

  suite.check('a copy that is to be withdrawn ends first, and what it has made is whole or not there', (t, rig) => {
    inDirectory((d) => {
      const [path, to] = [join(d, 'from'), join(d, 'to')]
      const bytes = Buffer.alloc(2_000_000, 'pattern')
      writeFileSync(path, bytes)
      const copying = requestOf('copy', { path, to, exclusive: true }) as Request
      if (!rig.submit(copying) && !rig.cancel(copying)) rig.finish(copying)
      const there = existsSync(to)
      t.is(there, copying.result === 0 && !rig.isPending(copying) && there)
      if (there) t.is(Buffer.compare(readFileSync(to), bytes), 0)
    })
  })

  suite.check('a directory is read in pieces, each name once with its kind, and closed in the middle', (t, rig) => {
    inDirectory((d) => {
      mkdirSync(join(d, 'deep'))
      for (let i = 0; i < 700; i++) writeFileSync(join(d, `${i}`), '')
      const handle = ask(rig, 'opendir', { path: d })
      const found: string[] = []
      for (;;) {
        const entries = ask(rig, 'readdir', { path: d, handle })
        if (entries.length === 0) break
        for (const { name, type } of entries) found.push(`${name} ${type}`)
      }
      handle.close()
      handle.close()
      const there = readdirSync(d).map((name) => `${name} ${name === 'deep' ? 'directory' : 'file'}`)
      t.deepEqual(found.sort(), there.sort())
      const other: DirectoryHandle = ask(rig, 'opendir', { path: d })
      ask(rig, 'readdir', { path: d, handle: other })
      other.close()
      t.is(refused(rig, 'opendir', { path: join(d, 'none') }), 'ENOENT')
      t.is(refused(rig, 'opendir', { path: join(d, '1') }), 'ENOTDIR')
    })
  })

  suite.check('an address stands for itself, and what has a name says it', (t, rig) => {
    t.deepEqual(ask(rig, 'lookup', { host: '127.0.0.1', port: 80 }), [{ family: 'ipv4', host: '127.0.0.1', port: 80 }])
    const reverse = requestOf('reverse', { host: '127.0.0.1' })
    const result = rig.run(reverse as Request)
    // A machine need not have a name for itself.
    if (result < 0) t.is(suite.nameOf(rig, result), 'EAI_NONAME')
    else t.true((reverse.output as readonly string[]).length > 0)
  })

  suite.check('every kind of request ends with its driver, done or closed', (t, rig) => {
    inDirectory((d) => {
      writeFileSync(join(d, 'f'), 'x')
      const path = join(d, 'f')
      const under = [
        requestOf('mkdir', { path: join(d, 'made'), mode: 0o700 }),
        requestOf('realpath', { path }),
        requestOf('copy', { path, to: join(d, 'copy'), exclusive: false }),
        requestOf('opendir', { path: d }),
        requestOf('lookup', { host: '127.0.0.1', port: 80 }),
      ] as Request[]
      for (const request of under) rig.submit(request)
      rig.driver.close()
      for (const request of under) {
        t.false(rig.isPending(request), request.kind)
        t.true(request.result >= 0 || request.result === CLOSED, request.kind)
        if (request.kind === 'opendir' && request.result >= 0) (request.output as DirectoryHandle).close()
      }
    })
  })
}
