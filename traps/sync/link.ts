/**
 * Links: a universal object that lives in one thread, used from another one.
 *
 * A link is a MessagePort with a small protocol of requests and answers; the object stays where it
 * is and does all the deciding. Two rules keep items whole. A cancel on the far side is only a
 * request: it waits for the answer, which is either what was waited for (then that counts) or
 * "withdrawn". And an item that was sent is forgotten only when the far side says that it has it;
 * if the thread ends before that, the item goes back to where it came from, as does one whose task
 * there is cancelled before it saw it.
 *
 * A port can be passed on, so anything may come through it. What is no message of the protocol is
 * ignored, and a call that does not exist is refused by name.
 */
import { ClosedError } from '../../kernel/protocol/errors.js'
import { MessageChannel } from '../../kernel/protocol/host-functions.js'
import { describe } from '../../kernel/protocol/value.js'
import type { Universal } from './universal.js'

/** A MessagePort, as this host has it. */
export type LinkPort = InstanceType<typeof MessageChannel>['port1']

/** What the near side of a link offers. */
export interface Linked {
  /** The waits that the far side may ask for, by name. */
  readonly calls: Readonly<Record<string, (argument: unknown) => Universal<unknown>>>
  /** What it may ask for without an answer. */
  readonly casts: Readonly<Record<string, () => void>>
  /** Puts back an answer that did not arrive. */
  readonly putBack?: (answer: unknown) => void
  /** Follows the state of the object; what comes back stops that. */
  readonly news?: (tell: (state: unknown) => void) => () => void
}

/** What the far side says. */
export type Request =
  | { readonly call: string; readonly id: number; readonly argument: unknown }
  | { readonly cancel: number }
  | { readonly got: number }
  | { readonly back: unknown }
  | { readonly cast: string }

/** What the near side says. */
export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string; readonly closed: boolean }
  | { readonly id: number; readonly withdrawn: true }
  | { readonly news: unknown }

/** Makes the far end of a link; it is to be transferred. */
export function linkTo(linked: Linked): LinkPort {
  const { port1, port2 } = new MessageChannel()
  new NearEnd(port1, linked)
  return port2
}

/** Listens to a port without keeping the process alive. */
export function listenTo(port: LinkPort, receive: (message: unknown) => void, gone: () => void): void {
  port.addEventListener('message', (event: object) => receive((event as { readonly data?: unknown }).data))
  port.addEventListener('close', gone)
  port.start()
  port.unref?.()
}

/** Whether it could be a message. Its fields are checked by the end that receives it. */
export function isMessage(message: unknown): boolean {
  return typeof message === 'object' && message !== null
}

/** Does what the far side asks for. */
class NearEnd {
  private readonly port: LinkPort
  private readonly linked: Linked
  /** Waits that are under way, and how to call them off. */
  private readonly pending = new Map<number, () => void>()
  /** Answers that may not have arrived. */
  private readonly sent = new Map<number, unknown>()

  constructor(port: LinkPort, linked: Linked) {
    this.port = port
    this.linked = linked
    const stop = linked.news?.((news) => this.post({ news }))
    listenTo(
      port,
      (message) => this.receive(message as Request),
      () => {
        stop?.()
        this.lost()
      },
    )
  }

  private receive(request: Request): void {
    if (!isMessage(request)) return
    if ('call' in request) {
      const { call, id, argument } = request
      if (!Number.isSafeInteger(id) || this.pending.has(id) || this.sent.has(id)) return
      this.begin(call, id, argument)
    } else if ('cancel' in request) {
      const callOff = this.pending.get(request.cancel)
      if (callOff === undefined) return
      this.pending.delete(request.cancel)
      callOff()
      this.post({ id: request.cancel, withdrawn: true })
    } else if ('got' in request) {
      this.sent.delete(request.got)
    } else if ('back' in request) {
      this.linked.putBack?.(request.back)
    } else if (Object.hasOwn(this.linked.casts, request.cast)) {
      this.linked.casts[request.cast]?.()
    }
  }

  private begin(name: string, id: number, argument: unknown): void {
    let over = false
    const answer = (message: Answer): void => {
      over = true
      this.pending.delete(id)
      this.post(message)
    }
    const fail = (error: unknown): void => {
      answer({ id, error: (error as Error).message, closed: error instanceof ClosedError })
    }
    const resolve = (value: unknown): void => {
      if (name === 'get') this.sent.set(id, value)
      try {
        answer({ id, value })
      } catch (error) {
        // It cannot be copied to the other thread; another waiter on this side may get it.
        fail(error)
        this.sent.delete(id)
        this.linked.putBack?.(value)
      }
    }
    try {
      const call = Object.hasOwn(this.linked.calls, name) ? this.linked.calls[name] : undefined
      if (call === undefined) throw new TypeError(`Cannot do ${describe(name)} at a link: there is no such call`)
      const callOff = call(argument).start(resolve, fail)
      if (!over) this.pending.set(id, () => void callOff?.())
    } catch (error) {
      fail(error)
    }
  }

  /** The other thread has gone, or closed its end. */
  private lost(): void {
    for (const callOff of this.pending.values()) callOff()
    this.pending.clear()
    for (const value of [...this.sent.values()].reverse()) this.linked.putBack?.(value)
    this.sent.clear()
  }

  private post(message: Answer): void {
    this.port.postMessage(message)
  }
}
