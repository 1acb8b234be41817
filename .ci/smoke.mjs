/**
 * Runs one example as its reader would: `node .ci/smoke.mjs echo-server`.
 *
 * An example has to print something and end with exit code 0. A server (one that says on which port it listens) is
 * talked to first and then told to stop with SIGINT: the connection must be closed, and the port free again.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { connect as connectTls } from 'node:tls'

const PATIENCE_MS = 20_000

const [, , name] = process.argv
const child = spawn(process.execPath, ['examples/run.mjs', name, '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
const ended = once(child, 'exit')
const patience = setTimeout(() => fail('it took too long'), PATIENCE_MS)

let output = ''
child.stdout.setEncoding('utf8').on('data', (text) => {
  process.stdout.write(text)
  output += text
  const port = /listening on port (\d+)\n/.exec(output)?.[1]
  if (port !== undefined) talk(Number(port)).catch((error) => fail(error.message))
})

const [code, signal] = await ended
if (code !== 0) fail(`it ended with ${signal ?? `exit code ${code}`}`)
if (output === '') fail('it printed nothing')
clearTimeout(patience)

async function talk(port) {
  const where = { port, host: '127.0.0.1', rejectUnauthorized: false }
  const socket = name.endsWith('tls') ? connectTls(where) : connect(where)
  const closed = once(socket, 'close')
  socket.write('are you there?')
  const [answer] = await once(socket, 'data')
  if (String(answer) !== 'are you there?') fail(`it answered "${answer}"`)
  child.kill('SIGINT')
  await closed
  await ended
  const next = createServer().listen(port, '127.0.0.1')
  await once(next, 'listening')
  next.close()
}

function fail(why) {
  console.error(`${name}: ${why}`)
  child.kill('SIGKILL')
  process.exit(1)
}
