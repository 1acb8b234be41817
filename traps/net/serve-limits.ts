/**
 * How much a server takes, and for how long: what `serve` asks before it accepts, and what it puts
 * around a connection.
 */
import type { Nursery } from '../../kernel/protocol/handles.js'
import { checkLimit, checkTime } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { checkPeriod } from '../raw/interval.js'
import { clock } from '../raw/time.js'
import { race } from '../scope/combinators.js'
import { Semaphore } from '../sync/semaphore.js'
import { IdleWatch } from './idle.js'
import type { Listener } from './tcp.js'
import type { Connection } from './tls-stream.js'

/** How much a server takes, and for how long; with several threads, each of them. */
export interface ServeLimits {
  /**
   * So many connections at a time. With as many it stops accepting, and the others wait in the
   * listener's backlog. Default: no limit.
   */
  readonly maxConnections?: number
  /**
   * When the listener is closed, the connections have so many milliseconds to come to their end;
   * then they are cancelled. Default: as long as they take.
   */
  readonly drainTimeout?: number
  /**
   * A connection at which its handler waits, to read or to write, and over which nothing moves for
   * so many milliseconds (and up to a quarter more), is cancelled. Default: never.
   */
  readonly idleTimeout?: number
}

/** The limits among the options, and nothing else: they are sent to other threads. */
export function checkLimits({ maxConnections, drainTimeout, idleTimeout }: ServeLimits): ServeLimits {
  if (maxConnections !== undefined) checkLimit('serve', 'maxConnections', maxConnections, 1)
  if (drainTimeout !== undefined) checkTime('serve', 'drainTimeout', drainTimeout)
  if (idleTimeout !== undefined) checkPeriod('serve', 'idleTimeout', idleTimeout)
  return {
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...(drainTimeout === undefined ? {} : { drainTimeout }),
    ...(idleTimeout === undefined ? {} : { idleTimeout }),
  }
}

/** The limits of one server, at work. */
export class Limits {
  private readonly room: Semaphore | null
  private readonly watch: IdleWatch | null

  constructor(private readonly limits: ServeLimits) {
    const { maxConnections, idleTimeout } = limits
    this.room = maxConnections === undefined ? null : new Semaphore(maxConnections)
    this.watch = idleTimeout === undefined ? null : new IdleWatch(idleTimeout)
  }

  /** Begins to look for connections that are idle. */
  *begin(n: Nursery): Operation<void> {
    if (this.watch !== null) yield* n.spawn(this.watch.look(), { name: 'idle connections', daemon: true })
  }

  /** Waits for room for one more, or for the listener's end, of which `accept` tells. */
  *wait(listener: Listener<Connection>): Operation<void> {
    if (this.room !== null) yield* race([this.room.acquire(), listener.over.wait()])
  }

  /** A connection that has got its room, as long as it may last. */
  around(stream: Connection, life: Operation<void>): Operation<void> {
    const watched = this.watch === null ? life : this.watch.guard(stream, life)
    return this.room === null ? watched : within(this.room, watched)
  }

  /** No further one comes: those in the nursery have only so long. */
  *drain(n: Nursery): Operation<void> {
    const { drainTimeout } = this.limits
    if (drainTimeout !== undefined) yield* n.setDeadline((yield* clock()) + drainTimeout)
  }
}

function* within(room: Semaphore, life: Operation<void>): Operation<void> {
  try {
    yield* life
  } finally {
    yield* room.release()
  }
}
