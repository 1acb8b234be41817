/**
 * `fetch` as an operation, in one piece.
 *
 * A request has several phases: a connection is made, headers come, the body comes. `fetch`
 * resolves in the middle, and a promise for the body is another one. So all of it is one function
 * that is given to `until`: whatever it waits for when the task is cancelled, the signal aborts it.
 * Copy it, and try `yield* moveOn(1000, fetchText(url), 'too slow')`.
 */
import { type Operation, until } from 'drupe'

/** The text at a URL. If the task is cancelled, the request is aborted, its connection closed. */
export function* fetchText(url: string | URL, init?: RequestInit): Operation<string> {
  return yield* until(async (signal) => {
    const response = await fetch(url, { ...init, signal })
    if (response.ok) return response.text()
    // A body that nobody reads keeps its connection.
    await response.body?.cancel()
    throw new Error(`Cannot fetch ${url}: ${response.status} ${response.statusText}`)
  })
}
