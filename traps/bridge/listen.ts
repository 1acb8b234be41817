/**
 * Things that have listeners: Node's EventEmitter and the web's EventTarget behind one function.
 */
import { wrong } from '../../kernel/protocol/operands.js'

/** An EventEmitter, or whatever has its `on` and `off`. */
export interface EmitterLike {
  /**
   * Adds a listener.
   *
   * @param name The name of the event.
   * @param listener What is called.
   */
  on(name: string | symbol, listener: (...args: unknown[]) => void): unknown
  /**
   * Removes it.
   *
   * @param name The name of the event.
   * @param listener What is called.
   */
  off(name: string | symbol, listener: (...args: unknown[]) => void): unknown
}

/** An EventTarget, or whatever has its two methods. */
export interface EventTargetLike {
  /**
   * Adds a listener.
   *
   * @param name The name of the event.
   * @param listener What is called.
   */
  addEventListener(name: string, listener: (event: unknown) => void): unknown
  /**
   * Removes it.
   *
   * @param name The name of the event.
   * @param listener What is called.
   */
  removeEventListener(name: string, listener: (event: unknown) => void): unknown
}

type Listener = (...args: unknown[]) => void

/** Checks that listeners can be added. */
export function checkTarget<T extends EmitterLike | EventTargetLike>(action: string, target: T): T {
  if (typeof target === 'object' ? target !== null : typeof target === 'function') {
    if (isEmitter(target)) return target
    const { addEventListener, removeEventListener } = target as EventTargetLike
    if (typeof addEventListener === 'function' && typeof removeEventListener === 'function') return target
  }
  throw wrong(action, 'target', 'an EventEmitter or an EventTarget', target, '')
}

/** Checks the name of an event. */
export function checkEvent<N>(action: string, argument: string, name: N): N {
  if (typeof name === 'string' || typeof name === 'symbol') return name
  throw wrong(action, argument, 'a string or a symbol', name, '')
}

/**
 * Whether it has Node's `on` and `off`. What has both is an emitter, as for Node's own
 * `events.once`.
 */
export function isEmitter(target: EmitterLike | EventTargetLike): target is EmitterLike {
  return typeof (target as EmitterLike).on === 'function' && typeof (target as EmitterLike).off === 'function'
}

/**
 * Adds a listener; returns the function that removes it.
 * @throws TypeError if the target has no listeners.
 */
export function listen(target: EmitterLike | EventTargetLike, name: string | symbol, listener: Listener): () => void {
  if (isEmitter(target)) {
    target.on(name, listener)
    return () => void target.off(name, listener)
  }
  target.addEventListener(name as string, listener)
  return () => void target.removeEventListener(name as string, listener)
}

/**
 * Listeners at one target that come and go together.
 *
 * A target may call a listener while that is being added or removed (`newListener`; a store that
 * calls each new listener with its present value). So all are known from the first moment on and
 * can be removed at any; once they are removed they are called no more, not even for that.
 */
export class Listening {
  private removers: (() => void)[] = []
  private over = false

  constructor(private readonly target: EmitterLike | EventTargetLike) {}

  /**
   * Adds one, unless they have gone.
   *
   * @throws TypeError if the target has no listeners.
   */
  add(name: string | symbol, listener: Listener): void {
    if (this.over) return
    const remove = listen(this.target, name, (...args) => {
      if (!this.over) listener(...args)
    })
    this.removers.push(remove)
    if (this.over) this.end()
  }

  /**
   * Adds one for errors, where these are an event of their own and not what is listened for anyway.
   */
  addError(name: string | symbol, listener: (error: unknown) => void): void {
    if (isEmitter(this.target) && name !== 'error') this.add('error', listener)
  }

  /** Removes all of them; what one removal throws is thrown when all were tried. */
  end(): void {
    this.over = true
    const failures: unknown[] = []
    for (let remove = this.removers.pop(); remove !== undefined; remove = this.removers.pop()) {
      try {
        remove()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}
