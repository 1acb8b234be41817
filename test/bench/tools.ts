/**
 * Finds or builds what the peers run on: compilers, interpreters, other runtimes.
 *
 * One idea: a tool is either a path or a reason. A variant whose tool is missing is not an error and not silence:
 * its row in the table prints the reason. Nothing here names a place on a particular machine; tools come from an
 * environment variable, from PATH or from node_modules.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export type Tool = { readonly path: string } | { readonly skip: string }

const cache = new Map<string, Tool>()

function once(key: string, find: () => Tool): Tool {
  const known = cache.get(key)
  if (known) return known
  const tool = find()
  cache.set(key, tool)
  return tool
}

/** The repository root: the nearest folder above this file that has a package.json. */
export function root(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder)
    if (parent === folder) throw new Error('Cannot find the repository root: no package.json above the benchmarks')
    folder = parent
  }
  return folder
}

/** Sources that tsc does not compile, used where they lie. */
export function peer(file: string): string {
  return join(root(), 'test', 'bench', 'peers', file)
}

/** A compiled variant, beside this file in dist. */
export function variant(name: string): string {
  return fileURLToPath(new URL(`./variants/${name}.js`, import.meta.url))
}

/** Every executable of this name on PATH, in PATH's order. */
function everyOnPath(name: string): string[] {
  const found: string[] = []
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (folder === '') continue
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      found.push(path)
    } catch {
      // Not in this folder.
    }
  }
  return found
}

export function onPath(name: string): Tool {
  return once(`path ${name}`, () => {
    const [path] = everyOnPath(name)
    return path === undefined ? { skip: `no ${name} on PATH` } : { path }
  })
}

let scratch: string | undefined

/** A folder for what we compile; gone when this process ends. */
function scratchFolder(): string {
  if (scratch === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'drupe-bench-'))
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
    scratch = folder
  }
  return scratch
}

function build(compiler: string, file: string, args: (source: string, target: string) => string[]): Tool {
  return once(`build ${file}`, () => {
    const tool = onPath(compiler)
    if ('skip' in tool) return tool
    const target = join(scratchFolder(), file.replace(/\W/g, '-'))
    const { status, stderr } = spawnSync(tool.path, args(peer(file), target), { encoding: 'utf8' })
    return status === 0 ? { path: target } : { skip: `${compiler} could not build ${file}: ${firstLine(stderr)}` }
  })
}

/** Compiles one C file with optimisation. */
export function compileC(file: string, ...libraries: readonly string[]): Tool {
  return build('gcc', file, (source, target) => ['-O2', '-Wall', '-o', target, source, ...libraries])
}

/** Compiles one Go file; each is a program of its own. */
export function compileGo(file: string): Tool {
  return build('go', file, (source, target) => ['build', '-o', target, source])
}

/**
 * The first Python on PATH that can import `module`. There is often more than one Python, and a module of the
 * distribution is only seen by the distribution's own.
 */
export function pythonWith(module: string): Tool {
  return once(`python ${module}`, () => {
    const all = [process.env['DRUPE_BENCH_PYTHON'] ?? '', ...everyOnPath('python3')].filter((path) => path !== '')
    for (const path of all) {
      if (spawnSync(path, ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0) return { path }
    }
    return { skip: all.length === 0 ? 'no python3 on PATH' : `no python3 here can import ${module}` }
  })
}

/** The Python for plain asyncio: the one that has uvloop, if any, so that both run on the same interpreter. */
export function pythonForAsyncio(): Tool {
  const same = pythonWith('uvloop')
  return 'path' in same ? same : pythonWith('asyncio')
}

/** Another JavaScript runtime: environment variable, PATH, or an npm package that carries its binary. */
export function runtime(name: 'bun' | 'deno'): Tool {
  return once(`runtime ${name}`, () => {
    const variable = `DRUPE_BENCH_${name.toUpperCase()}`
    const modules = join(root(), 'node_modules')
    const places = [
      process.env[variable] ?? '',
      ...everyOnPath(name),
      join(modules, '.bin', name),
      name === 'bun'
        ? join(modules, '@oven', 'bun-linux-x64', 'bin', 'bun')
        : join(modules, '@deno', 'linux-x64-glibc', 'deno'),
    ]
    const path = places.find((place) => place !== '' && existsSync(place))
    return path === undefined ? { skip: `no ${name}: set ${variable} or put it on PATH` } : { path }
  })
}

/** Is this npm package installed? The benches must run without the optional peers. */
export function installed(name: string): string | undefined {
  return existsSync(join(root(), 'node_modules', name, 'package.json'))
    ? undefined
    : `npm package ${name} is not installed`
}

/** Puts a command on one core, where taskset exists. */
export function pinned(core: number, command: readonly string[]): readonly string[] {
  const tool = onPath('taskset')
  return 'path' in tool ? [tool.path, '-c', String(core), ...command] : command
}

function firstLine(text: string): string {
  return text.split('\n').find((line) => line.trim() !== '') ?? 'no message'
}
