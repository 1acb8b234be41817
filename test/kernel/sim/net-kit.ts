/**
 * What the tests of the simulated network share: a server that echoes, and words for bytes.
 */
import { connect, listen, type Operation, type Stream, serve } from 'drupe'

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const text = (content: Uint8Array | null): string =>
  content === null ? '(end)' : new TextDecoder().decode(content)
export const codeOf = (error: unknown): string => (error as { code: string }).code

/** Sends back what it gets, until the end. */
export function* echo(stream: Stream): Operation<void> {
  for (let got = yield* stream.read(); got !== null; got = yield* stream.read()) yield* stream.write(got)
}

/** A server that serves the others: connections go to the handler. */
export function serving(handler: (stream: Stream) => Operation<unknown>, port = 80) {
  return {
    daemon: true as const,
    *op(): Operation<void> {
      yield* serve(yield* listen({ port }), handler, { onError: () => {} })
    },
  }
}

/** Runs a body with a connection to the host called `server`, and closes it. */
export function connected<T>(body: (stream: Stream) => Operation<T>, port = 80): () => Operation<T> {
  return function* () {
    const stream = yield* connect({ host: 'server', port })
    try {
      return yield* body(stream)
    } finally {
      yield* stream.close()
    }
  }
}

/** Sends a word and waits for the echo. */
export function* ask(stream: Stream, word: string): Operation<string> {
  yield* stream.write(bytes(word))
  return text(yield* stream.readExactly(word.length))
}
