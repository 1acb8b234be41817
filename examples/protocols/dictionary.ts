/**
 * A protocol of one's own: a dictionary that many tasks use over one connection.
 *
 * Start it: `npm run example -- dictionary`. A request is a line, `set <key> <bytes>` with so many
 * bytes behind it or `get <key>`; an answer is `stored`, `missing`, or `value <bytes>` with the
 * bytes. All of it works on any `ByteStream`, so it is tested on streams in memory and on a
 * simulated network. The client lets requests of many tasks be under way at once: answers come in
 * the order of the requests. A task that is cancelled while it waits leaves its place in that
 * order, so the others keep theirs. Try a third request, `delete`.
 */
import { BrokenError, type ByteStream, Lock, type Operation, Result, resource, spawn } from 'drupe'

const LINE_BYTES = 1024
const VALUE_BYTES = 1024 * 1024
const KEY = /^\S{1,250}$/

/** Null: there is no such key. */
type Value = Uint8Array | null

const line = (text: string): Uint8Array => new TextEncoder().encode(`${text}\r\n`)

/** A number of bytes as the peer wrote it; it is the peer's word, so it has a limit. */
function countOf(text: string | undefined): number {
  const bytes = /^\d{1,7}$/.test(text ?? '') ? Number(text) : Number.NaN
  if (bytes <= VALUE_BYTES) return bytes
  throw new BrokenError('read a value', `"${text}" is no number of bytes up to ${VALUE_BYTES}`)
}

/**
 * Serves one connection until its end. What is no request ends it with an error: nobody knows where
 * the next one begins.
 */
export function* serveDictionary(entries: Map<string, Uint8Array>, stream: ByteStream): Operation<void> {
  for (let text = yield* stream.readLine(LINE_BYTES); text !== null; text = yield* stream.readLine(LINE_BYTES)) {
    const [verb, key = '', ...operands] = text.split(' ')
    if (verb === 'set' && KEY.test(key) && operands.length === 1) {
      entries.set(key, yield* stream.readExactly(countOf(operands[0])))
      yield* stream.write(line('stored'))
    } else if (verb === 'get' && KEY.test(key) && operands.length === 0) {
      const value = entries.get(key)
      yield* stream.write(value === undefined ? line('missing') : [line(`value ${value.length}`), value])
    } else {
      throw new BrokenError('serve the dictionary', `"${text}" is no request`)
    }
  }
}

function* readAnswer(stream: ByteStream): Operation<Value> {
  const text = yield* stream.readLine(LINE_BYTES)
  if (text === null) throw new BrokenError('read an answer', 'the server has closed the connection')
  const [verb, bytes] = text.split(' ')
  if (verb === 'value') return yield* stream.readExactly(countOf(bytes))
  if (verb === 'stored' || verb === 'missing') return null
  throw new BrokenError('read an answer', `"${text}" is none`)
}

/** What a task asks of the dictionary. */
export class Dictionary {
  private readonly stream: ByteStream
  /** One request after the other: their bytes must not mix. */
  private readonly writing = new Lock({ name: 'dictionary' })
  /** Those that have been asked for and not answered, the oldest first. */
  private readonly asked = new Set<Result<Value>>()
  /** Why there will be no more answers. */
  private failure: { readonly error: unknown } | null = null

  constructor(stream: ByteStream) {
    this.stream = stream
  }

  get(key: string): Operation<Value> {
    return this.ask(key, [line(`get ${key}`)])
  }

  *set(key: string, value: Uint8Array): Operation<void> {
    yield* this.ask(key, [line(`set ${key} ${value.length}`), value])
  }

  private *ask(key: string, request: readonly Uint8Array[]): Operation<Value> {
    if (!KEY.test(key)) throw new TypeError(`Cannot ask for ${JSON.stringify(key)}: a key is a word`)
    const answer = new Result<Value>({ name: key })
    yield* this.writing.with(() => this.send(answer, request))
    return yield* answer.join()
  }

  private *send(answer: Result<Value>, request: readonly Uint8Array[]): Operation<void> {
    if (this.failure !== null) throw this.failure.error
    this.asked.add(answer)
    let whole = false
    try {
      yield* this.stream.write(request)
      whole = true
    } finally {
      // Half a request may be with the server, and no other can follow it.
      if (!whole) yield* this.stream.close()
    }
  }

  /** Gives the answers to those who asked, until the connection ends; from then on nobody waits. */
  *receive(): Operation<void> {
    try {
      for (;;) {
        const value = yield* readAnswer(this.stream)
        const [answer] = this.asked
        if (answer === undefined) throw new BrokenError('read an answer', 'nobody has asked')
        this.asked.delete(answer)
        yield* answer.set(value)
      }
    } catch (error) {
      this.failure = { error }
      for (const answer of this.asked) yield* answer.fail(error)
      this.asked.clear()
    }
  }
}

/** A client on a connection, which it closes at the end of the block that opened it. */
export function dictionary(stream: ByteStream): Operation<Dictionary> {
  return resource<Dictionary>(function* (provide) {
    const client = new Dictionary(stream)
    yield* spawn(() => client.receive(), { name: 'answers', daemon: true })
    try {
      yield* provide(client)
    } finally {
      yield* stream.close()
    }
  })
}
