/** V8 must not forget, with the last kernel, what it has learnt of the kernel's code: in a process of its own, which may ask V8. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'

const run = promisify(execFile)
const child = fileURLToPath(new URL('./learnt.js', import.meta.url))

for (const driver of process.platform === 'linux' ? ['io_uring', 'epoll', 'host'] : ['host']) {
  test(`${driver}: the loop’s optimised code outlives the kernels that it was made for`, async (t) => {
    const env = { ...process.env, DRUPE_DRIVER: driver }
    const { stdout } = await run(process.execPath, ['--expose-gc', '--allow-natives-syntax', child], { env })
    t.is(stdout.trim(), 'learnt: true, kept: true')
  })
}
