/**
 * What works where descriptors are few or none, and what a process that is stopped cannot hold up. Each case is a process of
 * its own (programs/few-descriptors.ts), with 200 descriptors.
 */
import test from 'ava'
import { Child } from './child-kit.js'

const CASES: Readonly<Record<string, string>> = {
  'a deep tree is removed': 'false',
  'an open file is written': '"content"',
  'a temporary directory is removed': '[true,false]',
  'errors say what is missing': `["EMFILE",false]${'\n["SystemError","EMFILE"]'.repeat(3)}`,
  'a process that is stopped while it starts is ended': '[]',
}

for (const [name, output] of Object.entries(CASES)) {
  test(`with few descriptors, ${name}`, async (t) => {
    if (process.platform !== 'linux' || process.env['DRUPE_DRIVER'] === 'host') {
      t.log('skipped: it needs a native driver, and looks into /proc')
      return t.pass()
    }
    const { stdout, stderr } = await new Child('few-descriptors', [name], '-n 200').end()
    t.is(stderr, '')
    t.is(stdout, output)
  })
}
