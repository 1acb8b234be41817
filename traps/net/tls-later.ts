/**
 * Waits for an engine of TLS that computes on the host's loop.
 *
 * A stream over such an engine waits for two things at once: for bytes of the peer, and for what
 * the engine makes of those that it has. Whoever waits looks first, in the same step as the wait
 * begins, so nothing that happens in between is missed; and bytes go into the engine in the task
 * that read them, so they are not lost when both come at once.
 */
import { KernelStateError, UnsupportedError } from '../../kernel/protocol/errors.js'
import type { TlsLater } from '../../kernel/protocol/tls.js'
import { type Operation, SUSPEND, SUSPEND_HOST_LOOP, Trap } from '../../kernel/protocol/trap.js'
import type { Giver } from '../../kernel/protocol/wait-queue.js'
import { race } from '../scope/combinators.js'

/** What the wait brought is still where it was, so a cancel may take it back. */
const GIVER: Giver = { undo: () => true, hostLoop: ['wait for TLS', "its answer comes through the host's loop"] }

/** Waits until the engine has changed, unless it need not. */
function change(later: TlsLater, need: () => boolean): Trap<void> {
  const begin = (resolve: () => void): (() => void) | void => (need() ? later.changed(resolve) : resolve())
  return new Trap<void>(SUSPEND, begin, GIVER, SUSPEND_HOST_LOOP)
}

/** Throws in a blocking run, which the engine cannot work in. */
export function* assertHostLoop(engine: string): Operation<void> {
  try {
    yield* new Trap<void>(SUSPEND, (resolve: () => void) => resolve(), GIVER, SUSPEND_HOST_LOOP)
  } catch (error) {
    if (!(error instanceof KernelStateError)) throw error
    const why = `${engine} works on the host's loop, so it needs run, not runSync; with an OpenSSL 3 either does`
    throw new UnsupportedError('shake hands over TLS', why)
  }
}

/** Waits until the engine has done what it was asked for. */
export function* computed(later: TlsLater): Operation<void> {
  while (later.isBusy) yield* change(later, () => later.isBusy)
}

/** Waits until what was written is output, whatever comes in meanwhile. */
export function* written(later: TlsLater): Operation<void> {
  while (later.isWriting) yield* change(later, () => later.isWriting)
}

/** Waits for news of the engine, or for `input`, which gives it bytes; null: there are no more. */
export function* inputOrNews(later: TlsLater, input: (() => Operation<void>) | null): Operation<undefined> {
  const news = (): Trap<void> => change(later, () => !later.hasNews)
  // A wait alone is cheaper than two.
  if (input === null || later.hasNews) yield* news()
  else yield* race([input, news])
  return undefined
}
