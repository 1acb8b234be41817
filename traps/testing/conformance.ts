/**
 * Stream conformance: what every stream of bytes promises, as checks that any implementation can
 * run.
 *
 * A check is an operation that throws if the promise is broken, so it runs under every test runner
 * and every kernel: on virtual time, as a guest, blocking. None of them sleeps; where one has to
 * wait for "nothing more can happen now", it does that and no more.
 */
import { checkCount, checkOperation, checkOptions, checkSwitch } from '../../kernel/protocol/operands.js'
import { toOperation } from '../../kernel/protocol/operation.js'
import type { Op, Operation } from '../../kernel/protocol/trap.js'
import type { ByteStream } from '../net/byte-stream.js'
import { endings } from './conformance-endings.js'
import { moving } from './conformance-moving.js'
import { reading } from './conformance-reading.js'
import { writing } from './conformance-writing.js'

/** Two streams that are connected to each other. */
export type StreamPair = readonly [ByteStream, ByteStream]

/** What the streams that are to be checked are like. */
export interface ConformanceOptions {
  /** A writer never waits for room: skips the checks of back-pressure. */
  readonly unbounded?: boolean
  /**
   * It has no half-closed state (`end` closes for both directions, as TLS of old): skips those
   * checks.
   */
  readonly noHalfClose?: boolean
  /** At least as many bytes as fit between writer and reader. Default 16 MiB. */
  readonly plenty?: number
}

/** One promise. */
export interface StreamCheck {
  /** A sentence: `a read of what is there returns it`. */
  readonly name: string
  /** Checks it on a pair of its own; throws if it is broken. */
  run(): Operation<void>
}

/** What the parts are made of. */
export interface CheckBody {
  readonly name: string
  readonly needs?: 'bounded' | 'halfClose' | readonly ('bounded' | 'halfClose')[]
  run(a: ByteStream, b: ByteStream, plenty: number): Operation<void>
}

/**
 * Returns the checks for one kind of stream.
 *
 * @param pair Makes two connected streams; the check closes them.
 * @param options What the streams are like.
 * @see https://trio.readthedocs.io/en/stable/reference-testing.html#trio.testing.check_two_way_stream
 * @example
 * import { memoryStreams, streamConformance, virtual } from 'drupe/testing'
 *
 * const checks = streamConformance(function* () {
 *   return memoryStreams()
 * })
 * for (const check of checks) virtual({}, () => check.run()) // or: test(check.name, …)
 * console.log(checks.length > 20) // => true
 */
export function streamConformance(pair: Op<StreamPair>, options: ConformanceOptions = {}): readonly StreamCheck[] {
  checkOperation('check streams', 'pair', pair)
  checkOptions('check streams', 'options', options)
  const plenty = checkCount('check streams', 'plenty', options.plenty ?? 16 << 20, 1)
  checkSwitch('check streams', 'unbounded', options.unbounded)
  checkSwitch('check streams', 'noHalfClose', options.noHalfClose)
  const wanted = [...moving, ...reading, ...writing, ...endings].filter(({ needs = [] }) => {
    return !(needs.includes('bounded') && options.unbounded) && !(needs.includes('halfClose') && options.noHalfClose)
  })
  return wanted.map((body) => ({ name: body.name, run: () => checked(pair, body, plenty) }))
}

/**
 * Runs all checks, one after the other.
 *
 * @param pair Makes two connected streams; each check closes them.
 * @param options What the streams are like.
 * @throws Error whose message names the promise that is broken, and whose cause says how.
 * @example
 * import { checkStreams, memoryStreams, virtual } from 'drupe/testing'
 *
 * virtual({}, () => checkStreams(function* () {
 *   return memoryStreams()
 * }))
 */
export function checkStreams(pair: Op<StreamPair>, options?: ConformanceOptions): Operation<void> {
  return checkAll(streamConformance(pair, options))
}

function* checkAll(checks: readonly StreamCheck[]): Operation<void> {
  for (const check of checks) {
    try {
      yield* check.run()
    } catch (cause) {
      throw new Error(`Cannot call it a stream: "${check.name}" does not hold`, { cause })
    }
  }
}

function* checked(pair: Op<StreamPair>, body: CheckBody, plenty: number): Operation<void> {
  const [a, b] = yield* toOperation(pair)
  try {
    yield* body.run(a, b, plenty)
  } finally {
    yield* a.close()
    yield* b.close()
  }
}
