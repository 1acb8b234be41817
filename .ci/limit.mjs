/**
 * Runs a command for so many seconds at most: `node .ci/limit.mjs 420 node program.js`.
 *
 * It stands for `timeout`, which macOS and Windows do not have. A command that was stopped gives exit code 124. It is killed
 * outright: a thread that hangs in a system call does not hear a polite signal.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

const [, , seconds, command, ...args] = process.argv
const child = spawn(command, args, { stdio: 'inherit' })
let stopped = false
const limit = setTimeout(() => {
  stopped = true
  child.kill('SIGKILL')
}, Number(seconds) * 1000)

const [code] = await once(child, 'exit')
clearTimeout(limit)
process.exit(stopped ? 124 : (code ?? 1))
