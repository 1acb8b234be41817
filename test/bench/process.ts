/**
 * Child processes: one that answers with a JSON line, and one that serves until it is stopped.
 *
 * One idea: a variant talks over stdout in whole lines and nothing else (`listening PORT`, then JSON), so a variant
 * can be written in any language and started by hand.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Sample, Variant } from './harness.js'
import { pinned } from './tools.js'

export interface Child {
  readonly pid: number
  /** The next line of stdout; rejects when the process ends first or the time is up. */
  line(timeoutMs: number): Promise<string>
  /** The next line that is JSON; lines before it are dropped. */
  json(timeoutMs: number): Promise<Sample>
  send(text: string): void
  /** Waits until the process has ended by itself, or because it was asked to with SIGTERM. */
  finish(ask: boolean, timeoutMs: number): Promise<void>
  /** Ends the process by force and waits until it is gone. */
  stop(): Promise<void>
}

const alive = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

/** Starts a variant, on one core if asked. */
export function start(variant: Pick<Variant, 'command' | 'env'>, core?: number): Child {
  const [file, ...args] = core === undefined ? variant.command : pinned(core, variant.command)
  if (file === undefined) throw new Error('Cannot start a variant without a command')
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...variant.env } })
  alive.add(child)

  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4000)
  })
  // A child that is gone before it has read our line must not end the whole bench.
  child.stdin.on('error', () => {})

  const lines: string[] = []
  let ended: string | undefined
  let notify: (() => void) | undefined
  createInterface({ input: child.stdout }).on('line', (text) => {
    lines.push(text)
    notify?.()
  })
  const gone = new Promise<void>((resolve) => {
    const end = (reason: string): void => {
      alive.delete(child)
      ended ??= `${reason}${errors === '' ? '' : `: ${complaint(errors)}`}`
      notify?.()
      resolve()
    }
    child.once('error', (error) => end(error.message))
    child.once('close', (code, signal) => end(signal ? `ended by ${signal}` : `ended with code ${code}`))
  })

  async function line(timeoutMs: number): Promise<string> {
    const limit = performance.now() + timeoutMs
    for (;;) {
      const next = lines.shift()
      if (next !== undefined) return next
      if (ended !== undefined) throw new Error(ended)
      const left = limit - performance.now()
      if (left <= 0) throw new Error(`said nothing for ${Math.round(timeoutMs / 1000)} s`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        notify = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      notify = undefined
    }
  }

  return {
    pid: child.pid ?? -1,
    line,
    async json(timeoutMs) {
      for (;;) {
        const text = await line(timeoutMs)
        if (text.startsWith('{')) return JSON.parse(text) as Sample
      }
    },
    send(text) {
      child.stdin.write(`${text}\n`)
    },
    async finish(ask, timeoutMs) {
      if (ask) child.kill('SIGTERM')
      const patience = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
      await gone
      clearTimeout(patience)
    },
    async stop() {
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** Runs a variant to its JSON line. */
export async function measureOnce(variant: Variant, core: number | undefined, timeoutMs: number): Promise<Sample> {
  const child = start(variant, core)
  try {
    return await child.json(timeoutMs)
  } finally {
    await child.stop()
  }
}

/** Waits for `listening PORT`. */
export async function listening(child: Child): Promise<number> {
  for (;;) {
    const match = /^listening (\d+)/.exec(await child.line(20_000))
    if (match) return Number(match[1])
  }
}

/**
 * CPU time a process has used so far, user and system, all its threads, in ms. Undefined where there is no /proc.
 * The kernel counts it in ticks of 10 ms (USER_HZ, 100 on every Linux that Node runs on).
 */
export function cpuMs(pid: number): number | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  // The command name may contain spaces; the fields we want come after its closing bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/**
 * CPU time of everything on this machine that is neither this process nor a child it has waited for, in ms since boot.
 * The difference over a run tells whether the bench had the machine to itself.
 */
export function otherCpuMs(): number | undefined {
  try {
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (
      readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? ''
    )
      .split(/ +/)
      .slice(1)
      .map(Number)
    const self = readFileSync('/proc/self/stat', 'utf8')
    const own = self
      .slice(self.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 15)
      .map(Number)
    return (user + nice + system + irq + softirq - own.reduce((a, b) => a + b)) * 10
  } catch {
    return undefined
  }
}

/** Of what a dead process wrote, the line that names the error: runtimes print source and stack around it. */
function complaint(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const named = lines.find((line) => /^(\w+ )?\w*(error|exception)\b.*:/i.test(line))
  return (named ?? lines.at(-1) ?? '').replaceAll('|', '/').slice(0, 160)
}
