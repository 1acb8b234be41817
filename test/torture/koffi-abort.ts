/**
 * Where koffi aborts the process, without Drupe: a worker terminated while it loads koffi or binds functions, and one
 * terminated when a descriptor that it polls becomes ready.
 *
 * `node dist/test/torture/koffi-abort.js load|poll|call [workers]`. The first two end with SIGABRT after a few workers:
 * `FATAL ERROR: Error::ThrowAsJavaScriptException napi_throw`. Node-API refuses an object's property, since JavaScript is
 * over; node-addon-api would make an exception of that, which is refused, too; and then it gives up, unless it was compiled
 * with NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS. Calls of functions that are bound (`call`) never abort.
 */
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

const LONGEST_MS = 5

function load(): typeof import('koffi') {
  return createRequire(import.meta.url)('koffi')
}

const JOBS: Readonly<Record<string, () => unknown>> = {
  load() {
    parentPort?.postMessage('begun')
    const library = load().load(null)
    for (;;) library.func('getpid', 'int', [])
  },
  poll() {
    const koffi = load()
    // Readable for ever.
    const fd = koffi.load(null).func('eventfd', 'int', ['uint', 'int'])(1, 0)
    koffi.node.poll(fd, { readable: true }, () => {})
    parentPort?.postMessage('begun')
  },
  call() {
    const getpid = load().load(null).func('getpid', 'int', [])
    parentPort?.postMessage('begun')
    for (;;) getpid()
  },
}

if (isMainThread) {
  const [job = 'load', count = '300'] = process.argv.slice(2)
  load()
  for (let i = 0; i < Number(count); i++) {
    const worker = new Worker(new URL(import.meta.url), { workerData: job })
    await once(worker, 'message')
    await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_MS))
    await worker.terminate()
  }
  console.log(`${count} terminated`)
} else {
  JOBS[workerData]?.()
}
