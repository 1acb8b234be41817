/**
 * Runs the compiled kernel in a fresh realm: `node --experimental-vm-modules pure-child.js virtual|host|door|koffi`.
 *
 * The realm has what ECMA-262 defines; no `process`, `Buffer`, `require`. For the host driver it gets the four names of a
 * browser that the driver uses. Modules come from dist/kernel and dist/traps alone, whatever they ask for; `door` loads the
 * package's main entry, and so all that it imports, too.
 */
import { readFileSync } from 'node:fs'
import vm from 'node:vm'

const driver = process.argv[2] as 'virtual' | 'host' | 'door' | 'koffi'
const compiled = new URL('../../', import.meta.url)

const browser = { setTimeout, clearTimeout, performance, console }
const context = vm.createContext(driver === 'host' || driver === 'door' ? browser : { console })
const modules = new Map<string, vm.SourceTextModule>()

function load(url: URL): vm.SourceTextModule {
  const known = modules.get(url.href)
  if (known !== undefined) return known
  const module = new vm.SourceTextModule(readFileSync(url, 'utf8'), { context, identifier: url.href })
  modules.set(url.href, module)
  return module
}

function link(specifier: string, referrer: { readonly identifier: string }): vm.SourceTextModule {
  const url = specifier.startsWith('.') ? new URL(specifier, referrer.identifier) : null
  const room = driver === 'door' ? /^(kernel|traps|native)\/|^(doors|index|main)\.js$/ : /^(kernel|traps)\//
  if (url === null || !room.test(url.href.slice(compiled.href.length))) {
    throw new Error(`Cannot load ${specifier}: outside kernel/ and traps/`)
  }
  return load(url)
}

const IMPORTS = `
import { KernelBase as Kernel } from './kernel/kernel.js'
import { HostDriver } from './kernel/driver/host.js'
import { VirtualDriver } from './kernel/driver/virtual.js'
import { nursery } from './traps/scope/nursery.js'
import { timeout } from './traps/scope/scope.js'
import { clock, sleep } from './traps/raw/time.js'
`

const PROGRAM = `
for (const name of ['process', 'Buffer', 'require', 'setImmediate']) {
  if (name in globalThis) throw new Error(name + ' is here')
}
function* program(scale) {
  const start = yield* clock()
  let child = 'awaited'
  try {
    yield* timeout(1000 * scale, nursery(function* (n) {
      yield* n.spawn(function* () {
        try {
          yield* sleep(1e6)
        } catch (error) {
          child = 'cancelled'
          throw error
        }
      })
    }))
  } catch (error) {
    if (error.code !== 'DRUPE_TIMEOUT') throw error
    // A busy machine makes it late, nothing makes it early.
    const ms = Math.min(1000, Math.round(((yield* clock()) - start) / scale))
    return 'timeout after ' + ms + ' ms; ' + child + ' child; '
  }
}
const kernel = new Kernel({ driver: DRIVER === 'host' ? new HostDriver() : new VirtualDriver() })
const text = DRIVER === 'host' ? await kernel.run(() => program(0.05)) : kernel.runSync(() => program(1))
const { tasks, timers, operations } = kernel.statistics
console.log(text + (tasks + timers + operations) + ' left')
`

const DOOR = `
import { Kernel, listen, run, sleep } from './index.js'
const kernel = new Kernel()
console.log(kernel.driver)
await run(() => sleep(1))
await run(() => listen({ port: 0 })).catch((error) => console.log(error.code))
`

const BY_DRIVER = `const DRIVER = '${driver}'\n${PROGRAM}`
const SOURCES = { virtual: IMPORTS + BY_DRIVER, host: IMPORTS + BY_DRIVER, door: DOOR, koffi: "import 'koffi'" }
const main = new vm.SourceTextModule(SOURCES[driver], { context, identifier: new URL('main.js', compiled).href })
await main.link(link as vm.ModuleLinker)
await main.evaluate()
