/**
 * What the behavioural tests have in common: catching errors as values, and running one scenario in every mode.
 *
 * Nothing here knows what is tested. A scenario is an operation; a mode is a way to run one on a kernel of its own, with
 * nothing left over afterwards. Tests written after a peer's say so in their first line (covers.ts).
 */
import { Kernel, type KernelOptions, type Op, type Operation, type Task } from 'drupe'
import { HostDriver } from 'drupe/lowlevel'
import { assertNoLeaks, VirtualDriver, virtual } from 'drupe/testing'
import { toOperation } from '../kernel/protocol/operation.js'

/** What an operation throws; fails if it returns. */
export function* thrownBy(op: Op<unknown>): Operation<unknown> {
  try {
    yield* toOperation(op)
  } catch (error) {
    return error
  }
  throw new Error('the operation was expected to throw, and returned')
}

/** What a function throws; fails if it returns. */
export function thrown(body: () => unknown): unknown {
  try {
    body()
  } catch (error) {
    return error
  }
  throw new Error('the function was expected to throw, and returned')
}

/** Any value as a way to fail. */
export function* fail(error: unknown): Operation<never> {
  throw error
}

/** An operation that returns at once. */
export function* give<T>(value: T): Operation<T> {
  return value
}

/** Runs on virtual time, with the promise of a kernel that lives longer than one operation. */
export function withKernel<T>(options: Omit<KernelOptions, 'driver'>, body: (kernel: Kernel) => T): T {
  const kernel = new Kernel({ ...options, driver: new VirtualDriver() })
  const result = body(kernel)
  kernel.closeSync()
  return result
}

/** The names of tasks, for comparing orders. */
export const names = (tasks: readonly Task[]): string[] => tasks.map((task) => task.name)

/** A way to run one operation. */
export interface Mode {
  readonly name: string
  /** Does the mode have sockets and files? */
  readonly io: boolean
  /** Does time stand still until everybody waits? */
  readonly virtual: boolean
  /** Do promises and host timers go on meanwhile? */
  readonly hosted: boolean
  run<T>(op: Op<T>, options?: Omit<KernelOptions, 'driver'>): Promise<T>
}

const guest =
  (driver: () => KernelOptions): Mode['run'] =>
  async (op, options) => {
    const kernel = new Kernel({ ...options, ...driver() })
    try {
      const result = await kernel.run(op)
      assertNoLeaks(kernel)
      return result
    } finally {
      await kernel.close()
    }
  }

/** Every way to run an operation. */
export const MODES: readonly Mode[] = [
  { name: 'virtual', io: false, virtual: true, hosted: false, run: async (op, options) => virtual(options ?? {}, op) },
  {
    name: 'guest, virtual time',
    io: false,
    virtual: true,
    hosted: true,
    run: guest(() => ({ driver: new VirtualDriver() })),
  },
  {
    name: 'guest, host timers',
    io: false,
    virtual: false,
    hosted: true,
    run: guest(() => ({ driver: new HostDriver() })),
  },
  { name: 'guest, native', io: true, virtual: false, hosted: true, run: guest(() => ({})) },
  {
    name: 'blocking, native',
    io: true,
    virtual: false,
    hosted: false,
    async run(op, options) {
      const kernel = new Kernel(options)
      try {
        const result = kernel.runSync(op)
        assertNoLeaks(kernel)
        return result
      } finally {
        kernel.closeSync()
      }
    },
  },
]
