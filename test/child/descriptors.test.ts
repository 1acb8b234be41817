/**
 * Descriptors that are passed between processes, and to one that may hardly have more. Each case is a process of its own
 * (programs/descriptors.ts).
 */
import { connect as connectSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Child } from './child-kit.js'

function lacks(t: ExecutionContext): boolean {
  if (process.platform === 'linux') return false
  t.log('skipped: it looks into /proc')
  t.pass()
  return true
}

test('a listening socket goes on in another process when the first one has ended', async (t) => {
  if (lacks(t)) return
  const path = join(tmpdir(), `drupe-${process.pid}-heir`)
  const first = new Child('descriptors', ['serve', path])
  const { port } = JSON.parse(await first.line()) as { port: number }
  // In the backlog of the first one, and never accepted by it.
  const client = connectSocket(port, '127.0.0.1')
  let said = ''
  const over = new Promise((resolve) => client.on('close', resolve))
  client.on('data', (chunk) => void (said += chunk))
  const second = new Child('descriptors', ['take', path])
  t.like(await first.end(), { code: 0, stderr: '' })
  await over
  t.regex(said, /^hello from \d+$/)
  t.not(said, `hello from ${first.process.pid}`)
  t.like(await second.end(), { code: 0, stderr: '' })
})

test('a process that may have no more descriptors is told, and none leaks', async (t) => {
  if (lacks(t)) return
  const { stdout, stderr } = await new Child('descriptors', ['few'], '-n 200').end()
  t.is(stderr, '')
  t.deepEqual(
    stdout.split('\n').map((line) => JSON.parse(line)),
    ['warm', 'BrokenError', 'BrokenError', 'BrokenError', 3, 0],
  )
})
