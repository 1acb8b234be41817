/**
 * The line between this process and one that it starts, which has the other end.
 *
 * Where there are pairs of sockets, the program has one as its input. On Windows there are none: a
 * named pipe waits for the program instead, for as long as it starts. Its name is in the program's
 * environment, and so is a key. A name is seen by others of the machine, and a pipe that is there
 * can be opened by them, so whoever comes proves the key, as messages do (message-handshake.ts);
 * until then nothing is said, and nobody holds up the one that is meant.
 */
import { AuthenticationError, BrokenError, SystemError } from '../../kernel/protocol/errors.js'
import type { Nursery } from '../../kernel/protocol/handles.js'
import type { Fd } from '../../kernel/protocol/io-op.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { connect } from '../net/connect.js'
import type { Listener } from '../net/listener.js'
import { Stream } from '../net/stream.js'
import { listen } from '../net/tcp.js'
import { ask } from '../raw/call.js'
import { close } from '../raw/io.js'
import { nursery } from '../scope/nursery.js'
import { UniversalEvent } from '../sync/universal-event.js'
import { shakeHands } from './message-handshake.js'
import { keyOf, type MessageKey, randomBytes } from './message-key.js'
import type { ProcessOptions } from './process-options.js'

/** Where the program finds the key and the name. */
const VARIABLE = 'DRUPE_LINE'
const ACTION = 'open the line to a process'

/** The end of this process. */
export interface ProcessLine {
  /** Starts the program with what leads it to the other end. */
  start<T>(begin: (options: ProcessOptions) => Operation<T>): Operation<T>
  /** Waits until the program has it. */
  connected(): Operation<Stream>
  close(): Operation<void>
}

/** A line for one program. */
export function* openLine(): Operation<ProcessLine> {
  if (yield* ask('socketpair', ({ can }) => can.namedPipes))
    return yield* openPipe(`\\\\.\\pipe\\drupe-${randomHex(16)}`)
  const [own, theirs] = (yield* ask('socketpair', (driver) => driver.socketPair('unix'))) as readonly [Fd, Fd]
  return new PairLine(new Stream(own), theirs)
}

/** The same with an address, which only the program that has the key can use. */
export function* openPipe(path: string): Operation<ProcessLine> {
  const key = randomHex(32)
  return new PipeLine(yield* listen({ path, backlog: 1 }), keyOf(ACTION, key), `${key} ${path}`)
}

/** The end of the program that was started. */
export function* lineToStarter(): Operation<Stream> {
  const given = process.env[VARIABLE]
  if (given === undefined) return new Stream(0)
  // It is not for what this program starts.
  delete process.env[VARIABLE]
  const space = given.indexOf(' ')
  const stream = yield* connect({ path: given.slice(space + 1) })
  yield* shakeHands(stream, 'client', keyOf(ACTION, given.slice(0, space)))
  return stream
}

function randomHex(bytes: number): string {
  return Array.from(randomBytes(bytes), (one) => one.toString(16).padStart(2, '0')).join('')
}

class PairLine implements ProcessLine {
  constructor(
    private readonly stream: Stream,
    private readonly theirs: Fd,
  ) {}

  *start<T>(begin: (options: ProcessOptions) => Operation<T>): Operation<T> {
    try {
      return yield* begin({ stdin: this.theirs })
    } finally {
      yield* close(this.theirs)
    }
  }

  *connected(): Operation<Stream> {
    return this.stream
  }

  *close(): Operation<void> {
    yield* this.stream.close()
  }
}

class PipeLine implements ProcessLine {
  private readonly proven = new UniversalEvent()
  private stream: Stream | null = null

  constructor(
    private readonly listener: Listener,
    private readonly key: MessageKey,
    private readonly variable: string,
  ) {}

  start<T>(begin: (options: ProcessOptions) => Operation<T>): Operation<T> {
    return begin({ stdin: 'ignore', env: { ...process.env, [VARIABLE]: this.variable } })
  }

  *connected(): Operation<Stream> {
    yield* nursery((n) => this.accept(n))
    yield* this.listener.close()
    return this.stream as Stream
  }

  *close(): Operation<void> {
    yield* this.listener.close()
    if (this.stream !== null) yield* this.stream.close()
  }

  private *accept(n: Nursery): Operation<void> {
    const accepting = function* (this: PipeLine): Operation<never> {
      for (;;) yield* n.spawn(this.prove(yield* this.listener.accept()), { daemon: true, name: 'somebody at the line' })
    }
    yield* n.spawn(accepting.call(this), { daemon: true, name: 'the line' })
    yield* this.proven.wait()
  }

  /** Whoever is somebody else is sent away. */
  private *prove(stream: Stream): Operation<void> {
    try {
      yield* shakeHands(stream, 'server', this.key)
      this.stream = stream
      this.proven.set()
    } catch (error) {
      const expected = [AuthenticationError, BrokenError, SystemError]
      if (!expected.some((one) => error instanceof one)) throw error
    } finally {
      if (this.stream !== stream) yield* stream.close()
    }
  }
}
