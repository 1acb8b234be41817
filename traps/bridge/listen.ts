/**
 * Things that tell their listeners: Node's EventEmitter and the web's EventTarget behind one function.
 */

/** An EventEmitter, or whatever has its `on` and `off`. */
export interface EmitterLike {
  on(name: string | symbol, listener: (...args: unknown[]) => void): unknown
  off(name: string | symbol, listener: (...args: unknown[]) => void): unknown
}

/** An EventTarget, or whatever has its two methods. */
export interface EventTargetLike {
  addEventListener(name: string, listener: (event: unknown) => void): unknown
  removeEventListener(name: string, listener: (event: unknown) => void): unknown
}

type Listener = (...args: unknown[]) => void

/** @internal Has it Node's `on` and `off`? Who has both is an emitter, as for Node's own `events.once`. */
export function isEmitter(target: EmitterLike | EventTargetLike): target is EmitterLike {
  return typeof (target as EmitterLike).on === 'function' && typeof (target as EmitterLike).off === 'function'
}

/**
 * Adds a listener; the function that removes it.
 *
 * @internal
 * @throws TypeError if the target tells nobody.
 */
export function listen(target: EmitterLike | EventTargetLike, name: string | symbol, listener: Listener): () => void {
  if (isEmitter(target)) {
    target.on(name, listener)
    return () => void target.off(name, listener)
  }
  if (typeof target?.addEventListener !== 'function') {
    throw new TypeError(`Cannot listen for ${String(name)}: an EventEmitter or an EventTarget is needed`)
  }
  target.addEventListener(name as string, listener)
  return () => void target.removeEventListener(name as string, listener)
}

/** @internal Adds several; the function that removes all of them. */
export function listenAll(
  target: EmitterLike | EventTargetLike,
  listeners: ReadonlyArray<readonly [name: string | symbol, listener: Listener]>,
): () => void {
  const removers: (() => void)[] = []
  const removeAll = (): void => {
    for (const remove of removers) remove()
  }
  try {
    for (const [name, listener] of listeners) removers.push(listen(target, name, listener))
  } catch (error) {
    removeAll()
    throw error
  }
  return removeAll
}
