/** `node:timers/promises` as a program in the page imports it: programs of promises wait with it. */
interface Options {
  readonly signal?: AbortSignal
}

export function setTimeout<T = void>(ms: number, value?: T, { signal }: Options = {}): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = globalThis.setTimeout(() => resolve(value as T), ms)
    const stop = (): void => {
      clearTimeout(timer)
      reject(new DOMException('The operation was aborted', 'AbortError'))
    }
    if (signal?.aborted === true) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
}
