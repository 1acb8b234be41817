/**
 * Words under which people look for a page and which it does not say itself, or not first: those of
 * other languages and libraries, of the problem instead of its solution. The search weighs them as
 * it weighs a title. An export is found under its own name without being here.
 */
export const WORDS = {
  'start/1-a-listener/': 'install, npm install drupe, tsconfig, requirements, Node version, TypeScript version, set up',
  'start/4-patience/': 'idle timeout, silent client, slow client',
  'start/6-ending-well/': 'SIGTERM, drain, exit code',
  'guides/getting-started/': 'install, await a promise inside a task, states of a task',
  'guides/structured-concurrency/': 'cancel a task, cancellation, task group, abort, scope, deadline',
  'guides/synchronisation/': 'mutex, wait group, condition variable, shared state, fan out, back pressure',
  'guides/around-io/': 'retry, throttle, rate limit, debounce, cache, pool, buffer',
  'guides/streams/': 'backpressure, socket, TCP, read lines, pipe, half close',
  'guides/datagrams/': 'UDP multicast, broadcast, dgram',
  'guides/tls/': 'TLS certificate, SSL, HTTPS, mutual TLS, SNI, ALPN, self-signed',
  'guides/bridges/':
    'HTTP server, web streams, Node streams, Duplex, fetch, undici, postgres, redis, callbacks, promises',
  'guides/files/': 'read a file, write a file, fs, directory, temporary file, atomic write',
  'guides/processes/': 'child process, subprocess, spawn, exec, SIGTERM, SIGINT, Ctrl-C, signal, kill',
  'guides/threads/': 'worker thread, worker pool, CPU, parallel, multiprocessing, fork',
  'guides/c/': 'call C function, FFI, native library, koffi, shared library',
  'guides/testing/':
    'virtual time, DRUPE_SEED, simulated network, partition, fake timers, mock clock, deterministic, seed',
  'guides/embedding/': 'event loop, guest mode, async function, promise',
  'platforms/': 'Windows, macOS, Linux, Deno, Bun, browser, io_uring, epoll, kqueue, IOCP, supported platforms',
  'compare/': 'Effection, Effect, Trio, curio, Go, goroutine, AbortController, comparison',
  'why/': 'unhandled rejection, promise race, leak, async await',
  'errors/DRUPE_BUSY/': 'another task is reading, another task is writing, two tasks write the same stream',
  'errors/DRUPE_DEADLOCK/': 'deadlock, all tasks are waiting',
  'errors/DRUPE_FORGOTTEN_YIELD/': 'forgotten yield, nothing happens',
  'internals/recipes/add-a-driver/': 'write a driver, own driver, backend',
  'internals/recipes/add-a-trap/': 'write a trap, system call',
  'internals/how-a-trap-travels/': 'trap, trap, how it works, kernel internals',
  'proof/benchmarks/': 'benchmark, performance, speed, throughput, latency',
  'cookbook/rate-limit/': 'rate limit, token bucket, throttle',
  'cookbook/retry/': 'retry with backoff, exponential backoff, jitter',
  'cookbook/graceful-shutdown/': 'graceful shutdown, drain connections',
  'cookbook/websocket/': 'websocket, ws',
  'cookbook/http-frameworks/': 'express, fastify, koa, middleware',
  'cookbook/cpu-work/': 'worker thread, CPU bound',
  'cookbook/abort-signals/': 'AbortSignal, AbortController',
  'cookbook/watch-folder/': 'watch a folder, file watcher, chokidar, inotify',
  'reference/functions/drupe.context.html': 'context variable, async local storage, task local',
  'reference/classes/drupe_testing.SimNetwork.html': 'simulated network, partition, latency, packet loss',
  'reference/classes/drupe.Lock.html': 'mutex',
}
