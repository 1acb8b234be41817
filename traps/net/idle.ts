/**
 * Connections of a server over which nothing moves.
 *
 * A connection is idle while its handler waits at it, to read or to write, and nothing comes or
 * goes; a handler that is busy with something else is not. One task looks at all of them, four
 * times in the time that they have, so a connection costs no timer: it has its time, and up to a
 * quarter more. A server without connections is not looked at.
 */
import type { Scope } from '../../kernel/protocol/handles.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { sleep } from '../raw/time.js'
import { scope } from '../scope/scope.js'
import { Event } from '../sync/event.js'
import type { Connection } from './tls-stream.js'

const LOOKS = 4

class Watched {
  private begun = -1
  private moved = 0
  private still = 0

  constructor(
    private readonly stream: Connection,
    readonly scope: Scope,
  ) {}

  /** Has nothing happened since so many looks? */
  isIdle(): boolean {
    const { begun, moved, waits } = this.stream.activity()
    if (waits && begun === this.begun && moved === this.moved) return ++this.still >= LOOKS
    this.begun = begun
    this.moved = moved
    this.still = 0
    return false
  }
}

/** The connections of one server. */
export class IdleWatch {
  private readonly watched = new Set<Watched>()
  private readonly any = new Event()

  /** @param ms How long a connection may be idle. */
  constructor(private readonly ms: number) {}

  /** Runs what a connection is for; that is cancelled when it has been idle for too long. */
  *guard(stream: Connection, op: Operation<void>): Operation<void> {
    const { watched, any } = this
    yield* scope(function* (inner) {
      const one = new Watched(stream, inner)
      watched.add(one)
      yield* any.set()
      try {
        yield* op
      } finally {
        watched.delete(one)
      }
    })
  }

  /** Looks, until it is cancelled. */
  *look(): Operation<never> {
    for (;;) {
      if (this.watched.size === 0) this.any.clear()
      yield* this.any.wait()
      yield* sleep(this.ms / LOOKS)
      for (const one of [...this.watched]) if (one.isIdle()) yield* one.scope.cancel('idle')
    }
  }
}
