/**
 * The host's ambient context (AsyncLocalStorage), as tasks carry it.
 *
 * Node follows a context through its own call-backs and promises. Tasks are resumed by the kernel,
 * so the kernel has to carry it: it asks for the context where the host starts a task, hands it on
 * to the task's children, and enters it for each step. An AsyncResource is all that is needed: it
 * keeps the context in which it was made.
 *
 * A step in a context costs some 10 ns more, so a task gets one only if there is something in it.
 * What is in it nobody tells; but a store is kept on the resource itself, under a symbol (Node 20
 * and 22: one for each store; later: one table), and a resource made where no store is set has
 * none. An engine that keeps it elsewhere gets a context each time.
 */
import type { HostContext, HostContexts } from '../../kernel/protocol/host-context.js'

/** What a resource has besides stores. */
const BARE = new Set(['async_id_symbol', 'trigger_async_id_symbol', 'destroyed'])

/** Null where the host has no such thing: in browsers. */
export function hostContexts(): HostContexts | null {
  const hooks = typeof process === 'object' ? process.getBuiltinModule?.('node:async_hooks') : undefined
  if (hooks === undefined) return null
  const make = (): HostContext => new hooks.AsyncResource('drupe task', { requireManualDestroy: true })
  const base = make()
  const isVisible = Object.getOwnPropertySymbols(base).length > 0
  return {
    base,
    make,
    capture: () => {
      const context = make()
      return isVisible && !holdsStore(context) ? null : context
    },
  }
}

function holdsStore(resource: object): boolean {
  for (const key of Object.getOwnPropertySymbols(resource)) {
    if (BARE.has(key.description ?? '')) continue
    const stored = (resource as Record<symbol, unknown>)[key]
    if (stored instanceof Map) {
      for (const store of stored.values()) if (store !== undefined) return true
    } else if (stored !== undefined) {
      return true
    }
  }
  return false
}
