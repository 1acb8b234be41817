/**
 * For tests: concurrent code on virtual time, deterministic and without waiting.
 *
 * @module drupe/testing
 */
/// <reference lib="esnext.disposable" preserve="true" />
import { Kernel, type KernelOptions, thenClose } from './doors.js'
import type { Driver } from './kernel/driver/contract.js'
import { VirtualDriver } from './kernel/driver/virtual.js'
import { KernelBase } from './kernel/kernel.js'
import { checkInstance, checkOperation, checkOptions, wrong } from './kernel/protocol/operands.js'
import type { Op } from './kernel/protocol/trap.js'
import { SimNetwork } from './kernel/sim/network.js'
import { leftOver } from './kernel/sim/run.js'
import { noting, seedFromEnvironment } from './kernel/sim/seed.js'

export { VirtualDriver } from './kernel/driver/virtual.js'
export { Choices } from './kernel/sim/choices.js'
export { SimDriver } from './kernel/sim/driver.js'
export {
  ExplorationError,
  type ExploreOptions,
  type ExploreReport,
  explore,
  type Scenario,
} from './kernel/sim/explore.js'
export type { HostOptions, SimHost } from './kernel/sim/host.js'
export type { NameAnswer } from './kernel/sim/names.js'
export { type NetworkOptions, SimNetwork } from './kernel/sim/network.js'
export type { Conditions } from './kernel/sim/path.js'
export type { Program, Programs, Results, RunOptions } from './kernel/sim/run.js'
export type { ByteStream } from './traps/net/byte-stream.js'
export { waitAllBlocked } from './traps/raw/call.js'
export { type CertificateOptions, type IssuedCertificate, issueCertificate } from './traps/testing/certificates.js'
export {
  type ConformanceOptions,
  checkStreams,
  type StreamCheck,
  type StreamPair,
  streamConformance,
} from './traps/testing/conformance.js'
export { lockstepStreams, type MemoryOptions, type MemoryStream, memoryStreams } from './traps/testing/memory.js'
export { Sequencer } from './traps/testing/sequencer.js'

/** How to run a test. */
export interface VirtualOptions extends Omit<KernelOptions, 'driver'> {
  /** A simulated network: the operation then runs on its host `main`, and has sockets. */
  readonly network?: SimNetwork
}

/**
 * Runs an operation on a clock that jumps whenever all tasks wait: a test that sleeps for a week
 * takes no time. With a `seed` the order of ready tasks is shuffled, always in the same way;
 * without one `DRUPE_SEED` may give it. An error that leaves says which seed it was. Afterwards
 * nothing may be left over: no task, no timer, no open socket.
 *
 * @param options Those of the kernel; `network`: the simulated network that it is on.
 * @param op The operation, or a function that returns one.
 * @throws what the operation throws.
 * @throws DeadlockError if every task waits for another one.
 * @throws Error if tasks, timers, operations or sockets are left over.
 * @example
 * import { clock, sleep } from 'drupe'
 * import { virtual } from 'drupe/testing'
 *
 * const days = virtual({}, function* () {
 *   yield* sleep(7 * 24 * 3600 * 1000)
 *   return (yield* clock()) / (24 * 3600 * 1000)
 * })
 * console.log(days) // => 7
 */
export function virtual<T>(options: VirtualOptions, op: Op<T>): T {
  checkOperation('run on virtual time', 'op', op)
  if (options === undefined) throw wrong('run on virtual time', 'options', 'an object with options', options, '')
  checkOptions('run on virtual time', 'options', options)
  if (options.network !== undefined) checkInstance('run on virtual time', 'network', options.network, SimNetwork)
  const { network, seed = seedFromEnvironment(), ...rest } = options
  const driver: Driver = network?.host('main').driver() ?? new VirtualDriver()
  const kernel = new Kernel({ ...rest, driver, ...(seed === undefined ? {} : { seed }) })
  return noting(seed ?? network?.seed, () =>
    thenClose(kernel, () => {
      const result = kernel.runSync(op)
      assertNoLeaks(kernel)
      return result
    }),
  )
}

/**
 * Checks that a kernel has nothing left over: no task, no timer, no operation, no
 * open socket.
 *
 * @param kernel The kernel.
 * @throws Error that says what is left over.
 * @example
 * import { Kernel, sleep } from 'drupe'
 * import { assertNoLeaks, VirtualDriver } from 'drupe/testing'
 *
 * const kernel = new Kernel({ driver: new VirtualDriver() })
 * kernel.runSync(() => sleep(1000))
 * assertNoLeaks(kernel)
 * kernel.closeSync()
 */
export function assertNoLeaks(kernel: Kernel): void {
  checkInstance('look for leaks', 'kernel', kernel, KernelBase)
  const left = leftOver(kernel.statistics)
  if (left !== null) throw new Error(`Cannot end the test: left over: ${left}`)
}
