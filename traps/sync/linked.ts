/**
 * The far end of a link: a universal object that lives in another thread, as it looks from here.
 *
 * Every call is a request, and what comes back is its answer; see link.ts for what makes that safe.
 * Messages come through the host's event loop on both sides. A blocking run stops that loop: its
 * own tasks get an error when they want to wait at a link, and the far side of its thread's objects
 * waits until the run is over.
 */
import { BrokenError, ClosedError } from '../../kernel/protocol/errors.js'
import { checkMethods } from '../../kernel/protocol/operands.js'
import { type Answer, isMessage, type LinkPort, listenTo, type Request } from './link.js'
import { type Begin, Universal, WITHDRAWN } from './universal.js'

interface Asked {
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** Asks the near side. Keeps its thread alive while an answer is to come. */
class FarEnd {
  private readonly asked = new Map<number, Asked>()
  private lastId = 0
  private closed = false
  /** The last known state of the object. */
  state: unknown = undefined

  constructor(
    private readonly port: LinkPort,
    private readonly title: string,
  ) {
    listenTo(
      port,
      (message) => this.receive(message as Answer),
      () => this.lost(),
    )
  }

  call<T>(name: string, argument?: unknown): Universal<T> {
    const takeBack = (answer: unknown): boolean => {
      if (name === 'get') this.post({ back: answer })
      return name === 'get'
    }
    const begin: Begin<T> = (resolve, reject) => {
      if (this.closed) throw this.broken(name)
      const id = ++this.lastId
      this.post({ call: name, id, argument })
      if (this.asked.size === 0) this.port.ref?.()
      this.asked.set(id, { resolve: resolve as (value: unknown) => void, reject })
      return () => {
        this.post({ cancel: id })
        return false
      }
    }
    return new Universal(begin, true, takeBack)
  }

  cast(name: string): void {
    if (!this.closed) this.post({ cast: name })
  }

  close(): void {
    this.closed = true
    this.port.close()
  }

  private receive(answer: Answer): void {
    if (!isMessage(answer)) return
    if ('news' in answer) {
      this.state = answer.news
      return
    }
    const asked = this.asked.get(answer.id)
    if (asked === undefined) return
    this.forget(answer.id)
    if ('withdrawn' in answer) {
      asked.resolve(WITHDRAWN)
    } else if ('error' in answer) {
      asked.reject(
        answer.closed ? new ClosedError(`use the linked ${this.title}`, answer.error) : new Error(answer.error),
      )
    } else {
      this.post({ got: answer.id })
      asked.resolve(answer.value)
    }
  }

  private forget(id: number): void {
    this.asked.delete(id)
    if (this.asked.size === 0) this.port.unref?.()
  }

  private lost(): void {
    this.closed = true
    for (const [id, { reject }] of [...this.asked]) {
      this.forget(id)
      reject(this.broken('wait'))
    }
  }

  private post(request: Request): void {
    this.port.postMessage(request)
  }

  private broken(action: string): BrokenError {
    return new BrokenError(
      `${action} at the linked ${this.title}`,
      'the thread that has it has ended, or the link was closed',
    )
  }
}

function checkPort(what: string, port: LinkPort): LinkPort {
  const methods = ['postMessage', 'addEventListener', 'start', 'close']
  return checkMethods(`link the ${what}`, 'port', port, 'a MessagePort', methods)
}

/** A universal event that lives in another thread; made by `linkedEvent`. */
export class LinkedEvent {
  private readonly end: FarEnd

  /** @internal */
  constructor(port: LinkPort) {
    this.end = new FarEnd(port, 'event')
  }

  /** Whether it was set when the other thread last said so. */
  get isSet(): boolean {
    return this.end.state === true
  }

  /**
   * Waits until it is set. If the task is cancelled while it waits, it waits no longer.
   *
   * @throws BrokenError if the thread that has it ends.
   * @throws KernelStateError in a blocking run.
   */
  wait(): Universal<void> {
    return this.end.call('wait')
  }

  /** Sets it; `isSet` shows it once the other thread has said so. */
  set(): void {
    this.end.cast('set')
  }

  /** Clears it; `isSet` shows it once the other thread has said so. */
  clear(): void {
    this.end.cast('clear')
  }

  /** Closes the link, not the event. */
  close(): void {
    this.end.close()
  }
}

/** A universal queue that lives in another thread; made by `linkedQueue`. */
export class LinkedQueue<T> {
  private readonly end: FarEnd

  /** @internal */
  constructor(port: LinkPort) {
    this.end = new FarEnd(port, 'queue')
  }

  /**
   * Puts a copy of an item in; waits until it is in the queue. If the task is cancelled while it
   * waits, the item is not put; if it is in the queue by then, this returns.
   *
   * @param item What `postMessage` can copy.
   * @throws ClosedError if the queue is or was shut down.
   * @throws BrokenError if the thread that has it ends.
   * @throws KernelStateError in a blocking run.
   */
  put(item: T): Universal<void> {
    return this.end.call('put', item)
  }

  /**
   * Takes the next item out; waits until there is one. If the task is cancelled while it waits, it
   * leaves the queue; an item that was on its way goes back and is the next one again.
   *
   * @throws ClosedError if the queue was shut down and is empty.
   * @throws BrokenError if the thread that has it ends.
   * @throws KernelStateError in a blocking run.
   */
  get(): Universal<T> {
    return this.end.call('get')
  }

  /** Shuts the queue down; see `UniversalQueue.shutdown`. */
  shutdown(): void {
    this.end.cast('shutdown')
  }

  /** Closes the link, not the queue. Waits that are under way fail with a BrokenError. */
  close(): void {
    this.end.close()
  }
}

/**
 * Makes the other end of `event.link()`, in the thread that the port was transferred to.
 *
 * @param port What `event.link()` returned.
 * @example
 * import { linkedEvent, run, UniversalEvent } from 'drupe'
 *
 * const ready = new UniversalEvent()
 * const there = linkedEvent(ready.link()) // in a worker, which the port is transferred to
 * ready.set()
 * await run(() => there.wait())
 * there.close()
 */
export function linkedEvent(port: LinkPort): LinkedEvent {
  return new LinkedEvent(checkPort('event', port))
}

/**
 * Makes the other end of `queue.link()`, in the thread that the port was transferred to.
 *
 * @param port What `queue.link()` returned.
 * @example
 * import { linkedQueue, run, UniversalQueue } from 'drupe'
 *
 * const queue = new UniversalQueue<string>()
 * const port = queue.link() // new Worker(file, { workerData: port, transferList: [port] })
 * const there = linkedQueue<string>(port) // in the worker: linkedQueue(workerData)
 * await queue.put('hello')
 * console.log(await run(() => there.get())) // => hello
 * there.close()
 */
export function linkedQueue<T>(port: LinkPort): LinkedQueue<T> {
  return new LinkedQueue(checkPort('queue', port))
}
