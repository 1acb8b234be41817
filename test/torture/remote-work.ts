/** What threads and processes of remotes.ts and scarce.ts run there. */
import { type Operation, shield, sleep, startProcess, suspend } from 'drupe'

export const sum = (...numbers: number[]): number => numbers.reduce((a, b) => a + b, 0)
export const pid = (): number => process.pid
export const same = <T>(value: T): T => value
export const exits = (code: number): never => process.exit(code)

export const waits = (): Operation<never> => suspend()

export function* cleansUp(ms: number): Operation<void> {
  try {
    yield* suspend()
  } finally {
    yield* shield(sleep(ms))
  }
}

export function spins(): never {
  for (;;);
}

export function throwsOutside(): Promise<never> {
  setTimeout(() => {
    throw new RangeError('thrown outside')
  })
  return new Promise(() => {})
}

/** Leaves a program behind that has the line, and the outputs, open. */
export function* leavesOne(): Operation<never> {
  const inherit = { stdin: 'inherit', stdout: 'inherit', stderr: 'inherit', group: false } as const
  const { pid } = yield* startProcess('sleep', ['1000'], inherit)
  process.kill(process.pid, 'SIGKILL')
  throw new Error(`not killed, beside ${pid}`)
}

export function killsItself(signal: NodeJS.Signals): Promise<never> {
  process.kill(process.pid, signal)
  return new Promise(() => {})
}
