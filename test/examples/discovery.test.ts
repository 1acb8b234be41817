/** The example of a multicast group: every service is found, and echoes. */
import { execFileSync } from 'node:child_process'
import { networkInterfaces } from 'node:os'
import { fileURLToPath } from 'node:url'
import test from 'ava'

test('services that share a group are found by a question to it, and echo', (t) => {
  if (!Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ internal }) => internal))) {
    t.log('skipped: there is no loopback interface')
    return t.pass()
  }
  const example = fileURLToPath(new URL('../../examples/network/discovery.js', import.meta.url))
  const output = execFileSync(process.execPath, [example], { encoding: 'utf8' })
  t.deepEqual(output.trimEnd().split('\n'), ['a answers: hello, a', 'b answers: hello, b', 'c answers: hello, c'])
})
