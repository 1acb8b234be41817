/**
 * What makes kernels, watched: a program in the page gets these in the place of those of the
 * package, and everything else as it is.
 *
 * In virtual mode a kernel of the program is on host `main` of a simulated network, which is there
 * for all kernels of the program. Whoever connects to himself is at the other end of a line as well:
 * without a latency all of a program that only talks would be drawn at 0 ms.
 */
import {
  Kernel as Base,
  run as baseRun,
  runSync as baseRunSync,
  type Instrument,
  type KernelOptions,
  type Op,
} from 'drupe'
import {
  SimNetwork as BaseNetwork,
  virtual as baseVirtual,
  type Programs,
  type Results,
  type RunOptions as SimOptions,
  type VirtualOptions,
} from 'drupe/testing'
import { Recorder } from './recorder.js'

/** The host that kernels of the program are on, and how long its packets take. */
const HOST = 'main'
const LATENCY_MS = 10

type RunOptions = NonNullable<Parameters<typeof baseRun>[1]>

let recorder = new Recorder(
  () => {},
  () => {},
)
let network: BaseNetwork | null = null

/** Says who is told of the program that comes next, and which clock it has. */
export function watchWith(own: Recorder, seed: number | null): void {
  recorder = own
  network = seed === null ? null : networkOf(seed)
}

function networkOf(seed: number): BaseNetwork {
  const made = new BaseNetwork({ seed, latency: LATENCY_MS })
  // Inside a host there is none, unless it is said.
  made.link(HOST, HOST, { latency: LATENCY_MS })
  return made
}

function watched<O extends KernelOptions>(options: O): O {
  const driver = options.driver ?? network?.host(HOST).driver()
  const watch = recorder.instrument(() => driver?.now() ?? performance.now())
  return { ...options, ...(driver === undefined ? {} : { driver }), instruments: withOthers(options, watch) }
}

function withOthers(options: { readonly instruments?: readonly Instrument[] }, own: Instrument): readonly Instrument[] {
  return [...(options.instruments ?? []), own]
}

export class Kernel extends Base {
  constructor(options: KernelOptions = {}) {
    super(watched(options))
  }
}

export function run<T>(op: Op<T>, options: RunOptions = {}): Promise<T> {
  return baseRun(op, watched(options))
}

export function runSync<T>(op: Op<T>, options: KernelOptions = {}): T {
  return baseRunSync(op, watched(options))
}

export function virtual<T>(options: VirtualOptions, op: Op<T>): T {
  const { seed } = options
  const on = options.network ?? new BaseNetwork(seed === undefined ? {} : { seed })
  return baseVirtual(
    {
      ...options,
      network: on,
      instruments: withOthers(
        options,
        recorder.instrument(() => on.now),
      ),
    },
    op,
  )
}

export class SimNetwork extends BaseNetwork {
  override run<P extends Programs>(programs: P, options: SimOptions = {}): Results<P> {
    return super.run(programs, {
      ...options,
      instruments: withOthers(
        options,
        recorder.instrument(() => this.now),
      ),
    })
  }
}
