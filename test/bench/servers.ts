/**
 * Every echo server there is: ours, by driver, layer and runner, and the peers'.
 *
 * One idea: one list, so that the closed loop, the fixed rate and the profile speak of the same programs by the same
 * names. `drupe uring borrow` is a guest of Node's loop; `sync` in a name means that it holds the thread.
 */
import { perDriver } from './drivers.js'
import { type Variant, withTool } from './harness.js'
import type { Options } from './options.js'
import { compileC, compileGo, peer, pythonForAsyncio, pythonWith, runtime, variant } from './tools.js'

export const apis = ['stream', 'borrow', 'protocol', 'raw'] as const
export const nodeCallback = 'node:net'
export const cEpoll = 'C epoll'
/** The peers that we claim to be ahead of, besides node:net. */
export const rivals = ['go', 'bun', 'deno', 'uvloop protocol', 'uvloop streams'] as const

/** A guest with each layer; the blocking run with one, or with each where they are asked for. */
export function ourServers(options: Options, all = false): Variant[] {
  const blocking = all || options.only.some((part) => part.includes('sync')) ? apis : (['borrow'] as const)
  const server = (mode: string, api: string): string[] => [
    process.execPath,
    variant('echo-drupe'),
    ...['--mode', mode, '--api', api],
  ]
  return [
    ...apis.flatMap((api) => perDriver(options, api, server('guest', api))),
    ...blocking.flatMap((api) => perDriver(options, `sync ${api}`, server('sync', api))),
  ]
}

/** node:net and the C server: the two yardsticks. */
export function yardsticks(): Variant[] {
  return [
    withTool(cEpoll, compileC('echo-epoll.c'), (path) => [path]),
    { name: nodeCallback, command: [process.execPath, variant('node-net'), 'echo'] },
  ]
}

export function peerServers(): Variant[] {
  const python = peer('echo_asyncio.py')
  return [
    ...yardsticks(),
    { name: 'node:net iterator', command: [process.execPath, variant('node-net'), 'iterator'] },
    // A single P, as the others have a single thread.
    withTool('go', compileGo('echo.go'), (path) => [path], { GOMAXPROCS: '1' }),
    withTool('bun', runtime('bun'), (path) => [path, peer('echo-bun.mjs')]),
    withTool('deno', runtime('deno'), (path) => [path, 'run', '--allow-net', peer('echo-deno.mjs')]),
    withTool('uvloop protocol', pythonWith('uvloop'), (path) => [path, python, 'uvloop', 'protocol']),
    withTool('uvloop streams', pythonWith('uvloop'), (path) => [path, python, 'uvloop', 'streams']),
    withTool('asyncio streams', pythonForAsyncio(), (path) => [path, python, 'asyncio', 'streams']),
    withTool('curio', pythonWith('curio'), (path) => [path, peer('echo_curio.py')]),
  ]
}
