/**
 * A listener for messages: connections whose client has proved that it has the key.
 *
 * One task accepts, and each connection shakes hands in a task of its own. It leaves by a channel
 * without capacity: until somebody has accepted it, it is its task's, which closes it whatever
 * happens.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { ClosedError } from '../../kernel/protocol/errors.js'
import type { Nursery, Task } from '../../kernel/protocol/handles.js'
import { INSPECT } from '../../kernel/protocol/inspect.js'
import type { Address } from '../../kernel/protocol/io-op.js'
import { timeoutOf, type WaitOptions } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import type { Listener } from '../net/tcp.js'
import type { Connection } from '../net/tls-stream.js'
import { current } from '../raw/call.js'
import { placeOf } from '../raw/ip.js'
import { ASYNC_DISPOSE, Disposal } from '../scope/disposal.js'
import { nursery } from '../scope/nursery.js'
import { isLeaving } from '../scope/place.js'
import { shield, within } from '../scope/scope.js'
import { channel, type Receiver, type Sender } from '../sync/channel.js'
import { Semaphore } from '../sync/semaphore.js'
import type { MessageLimits } from './message-options.js'
import { type MessageStream, openMessages } from './message-stream.js'

const ACCEPT = 'accept a connection for messages'

/** The figures of a listener for messages. */
export interface MessageListenerStatistics {
  /** Connections that are shaking hands. */
  readonly shaking: number
  /** Connections that wait for `accept`. */
  readonly ready: number
  /** Connections that `accept` has returned. */
  readonly accepted: number
  /** Connections whose handshake has failed, or was given up for another one. */
  readonly refused: number
}

/** What accepts connections for messages; made by `listenMessages`. */
export class MessageListener<T = unknown> {
  private readonly sender: Sender<MessageStream<T>>
  private readonly receiver: Receiver<MessageStream<T>>
  private readonly room: Semaphore
  /** In the order in which they began. */
  private readonly shaking = new Set<Task>()
  private ready = 0
  private accepted = 0
  private refused = 0
  private accepting: Task | null = null
  private failure: unknown = null

  /** @internal */
  constructor(
    private readonly listener: Listener<Connection>,
    private readonly limits: MessageLimits,
    maxHandshakes: number,
    private readonly onError: ((error: unknown) => void) | undefined,
  ) {
    this.room = new Semaphore(maxHandshakes)
    ;[this.sender, this.receiver] = channel<MessageStream<T>>()
  }

  /** `console.log(listener)` is one line. */
  [INSPECT](): string {
    return `MessageListener (${placeOf(this.address)}${this.closed ? ', closed' : ''})`
  }

  /** Where it listens. */
  get address(): Address {
    return this.listener.address
  }

  /** The port that it listens on; 0 if that is a path. */
  get port(): number {
    return this.listener.port
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.sender.closed
  }

  /**
   * Waits for a client that has proved that it has the key. Several tasks may wait. If the task is
   * cancelled while it waits, or `timeout` is over, no connection is lost: it is for the next
   * `accept`.
   *
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws ClosedError if the listener is closed, before or meanwhile.
   * @throws SystemError if accepting has failed for good.
   * @throws TimeoutError after `timeout` milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  accept(options?: WaitOptions): Operation<MessageStream<T>> {
    const ms = timeoutOf(ACCEPT, options)
    return tracked('accept', within(ACCEPT, ms, this.acceptOperation()))
  }

  /**
   * Stops listening, ends the handshakes that are under way, and closes what was not accepted. A
   * second call does nothing.
   */
  close(): Operation<void> {
    return tracked('close', this.closeOperation())
  }

  /** Closes it at the end of a block: `yield* using(…)`, or `use`. */
  [ASYNC_DISPOSE](): Disposal {
    return new Disposal(this)
  }

  /** Returns the current figures. */
  statistics(): MessageListenerStatistics {
    const { shaking, ready, accepted, refused } = this
    return { shaking: shaking.size, ready, accepted, refused }
  }

  /** @internal Begins to accept, in a child of that nursery. */
  *begin(n: Nursery): Operation<void> {
    this.accepting = yield* n.spawn(() => this.run(), { daemon: true, name: 'accept for messages' })
  }

  private *acceptOperation(): Operation<MessageStream<T>> {
    const messages = yield* this.receiver.receive()
    if (messages !== null) return messages
    throw this.failure ?? new ClosedError(ACCEPT, 'the listener is closed')
  }

  private *closeOperation(): Operation<void> {
    yield* (this.accepting as Task).cancel()
  }

  private *run(): Operation<void> {
    try {
      yield* nursery((n) => this.acceptAll(n))
    } catch (error) {
      if (yield* isLeaving(error)) throw error
      this.failure = error
    } finally {
      yield* this.listener.close()
      yield* this.sender.close()
      // What was given to a task that was cancelled before it ran.
      for (let left = yield* this.receiver.tryReceive(); left != null; left = yield* this.receiver.tryReceive())
        yield* shield(left.close())
    }
  }

  private *acceptAll(n: Nursery): Operation<never> {
    for (;;) {
      const stream = yield* this.listener.accept()
      try {
        if (this.room.value === 0) yield* this.makeRoom()
        yield* this.room.acquire()
      } catch (error) {
        yield* stream.close()
        throw error
      }
      yield* n.spawn(() => this.admit(stream), { name: 'handshake' })
    }
  }

  /** Who has taken longest is the least likely to come through. */
  private *makeRoom(): Operation<void> {
    const [oldest] = this.shaking
    if (oldest !== undefined) yield* oldest.cancel('there are too many handshakes')
  }

  private *admit(stream: Connection): Operation<void> {
    const task = yield* current()
    this.shaking.add(task)
    let messages: MessageStream<T> | null = null
    try {
      messages = yield* openMessages<T>(stream, 'server', this.limits)
      this.shaking.delete(task)
      this.ready++
      yield* this.sender.send(messages)
      messages = null
      this.accepted++
    } catch (error) {
      if (this.shaking.has(task)) this.refused++
      if (yield* isLeaving(error)) throw error
      this.onError?.(error)
    } finally {
      if (!this.shaking.delete(task)) this.ready--
      if (messages !== null) yield* shield(messages.close())
      yield* this.room.release()
    }
  }
}
