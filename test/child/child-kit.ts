/**
 * Running the programs of test/child/programs as processes of their own: to the end, or as long as a test needs them.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { PATIENCE_MS } from '../patience.js'

/** How a process ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

const pathOf = (program: string): string => fileURLToPath(new URL(`./programs/${program}.js`, import.meta.url))

/** A running program. */
export class Child {
  readonly process: ChildProcess
  stdout = ''
  stderr = ''
  private readonly ended: Promise<unknown>

  constructor(program: string, args: readonly string[] = [], limits = '') {
    const script = `${limits === '' ? '' : `ulimit ${limits}; `}exec "$0" "$@"`
    this.process = spawn('sh', ['-c', script, process.execPath, pathOf(program), ...args], { timeout: PATIENCE_MS })
    this.process.stdout?.on('data', (chunk) => void (this.stdout += chunk))
    this.process.stderr?.on('data', (chunk) => void (this.stderr += chunk))
    this.ended = once(this.process, 'close')
  }

  /** Waits for so many lines of output; the last of them. */
  async line(count = 1): Promise<string> {
    for (;;) {
      const lines = this.stdout.split('\n')
      if (lines.length > count) return lines[count - 1] as string
      const over = await Promise.race([
        once(this.process.stdout as NodeJS.EventEmitter, 'data'),
        this.ended.then(() => null),
      ])
      if (over === null) throw new Error(`the program ended: ${this.stdout}${this.stderr}`)
    }
  }

  async end(): Promise<Ending> {
    await this.ended
    const { exitCode: code, signalCode: signal } = this.process
    return { code, signal, stdout: this.stdout.trim(), stderr: this.stderr }
  }

  kill(signal: NodeJS.Signals): Promise<Ending> {
    this.process.kill(signal)
    return this.end()
  }
}

/** Runs a program to its end. */
export const execute = (program: string, ...args: string[]): Promise<Ending> => new Child(program, args).end()
