/**
 * The protocol that docs/recipes/add-a-protocol.md walks through, attacked as the recipe says: in pieces, out of the middle, at
 * its limits, by a peer that leaves, and with tasks that are cancelled while they wait.
 */
import test from 'ava'
import {
  all,
  BrokenError,
  type ByteStream,
  connect,
  listen,
  moveOn,
  type Operation,
  serve,
  sleep,
  spawn,
  use,
} from 'drupe'
import { memoryStreams, SimNetwork, virtual } from 'drupe/testing'
import { dictionary, serveDictionary } from '../../examples/protocols/dictionary.js'
import { thrownBy } from '../kit.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (value: Uint8Array | null): string | null => (value === null ? null : new TextDecoder().decode(value))

/** Runs a client against a server over memory streams that carry so many bytes at a time. */
function* served(
  chunk: number,
  body: (words: ReturnType<typeof dictionary> extends Operation<infer D> ? D : never) => Operation<void>,
): Operation<void> {
  const [near, far] = memoryStreams({ chunk })
  const server = yield* spawn(() => serveDictionary(new Map(), far))
  yield* use(dictionary(near), body)
  yield* server.join()
}

/** What a server of garbage makes of a client: it is sent this, and then the end. */
function failureOf(answer: string): Operation<unknown> {
  const [near, far] = memoryStreams()
  return use(dictionary(near), function* (words) {
    yield* far.write(bytes(answer))
    yield* far.end()
    return yield* thrownBy(words.get('key'))
  })
}

for (const chunk of [1, 3, 64_000]) {
  test(`values go and come whole, ${chunk} bytes at a time`, (t) => {
    virtual({}, () =>
      served(chunk, function* (words) {
        t.is(yield* words.get('apple'), null)
        yield* words.set('apple', bytes('a pome\r\nget apple\r\n'))
        yield* words.set('nothing', new Uint8Array(0))
        t.deepEqual((yield* all([words.get('apple'), words.get('nothing'), words.get('pear')])).map(text), [
          'a pome\r\nget apple\r\n',
          '',
          null,
        ])
      }),
    )
  })
}

test('a task that is cancelled while it waits leaves its place, and the others get their own answers', (t) => {
  const network = new SimNetwork({ latency: 20 })
  const { client } = network.run({
    server: {
      daemon: true,
      *op() {
        const entries = new Map([
          ['a', bytes('1')],
          ['b', bytes('2')],
        ])
        yield* serve(yield* listen({ port: 80 }), (stream) => serveDictionary(entries, stream))
      },
    },
    *client() {
      const stream: ByteStream = yield* connect({ host: 'server', port: 80 })
      return yield* use(dictionary(stream), function* (words) {
        const [cut, kept] = yield* all([moveOn(10, words.get('a'), null), words.get('b')])
        return [cut, text(kept), text(yield* words.get('a'))]
      })
    },
  })
  t.deepEqual(client, [null, '2', '1'])
})

test('a server that leaves fails those who wait, and all who ask later', (t) => {
  virtual({}, function* () {
    const [near, far] = memoryStreams()
    yield* use(dictionary(near), function* (words) {
      const waiting = yield* spawn(() => thrownBy(words.get('key')))
      yield* sleep(1)
      yield* far.close()
      t.true((yield* waiting.join()) instanceof BrokenError)
      t.true((yield* thrownBy(words.get('key'))) instanceof BrokenError)
    })
  })
})

test('what is no answer ends the connection, whatever length it claims', (t) => {
  for (const answer of ['nonsense\r\n', 'value -1\r\n', 'value 99999999\r\n', 'value 5\r\nabc', '', 'x'.repeat(2000)]) {
    t.regex(String(virtual({}, () => failureOf(answer))), /Cannot read/, JSON.stringify(answer.slice(0, 20)))
  }
})

test('what is no request ends the connection, and changes nothing', (t) => {
  for (const request of [
    '',
    'delete a',
    'get',
    'set a',
    'set a 1e3',
    'get two words\u0000',
    `get ${'k'.repeat(300)}`,
  ]) {
    const entries = new Map<string, Uint8Array>()
    const error = virtual({}, function* () {
      const [near, far] = memoryStreams()
      yield* near.write(bytes(`${request}\r\nset b 1\r\nx`))
      yield* near.end()
      const error = yield* thrownBy(serveDictionary(entries, far))
      yield* far.close()
      yield* near.close()
      return error
    })
    t.true(error instanceof BrokenError, `"${request}": ${error}`)
    t.is(entries.size, 0)
  }
})
