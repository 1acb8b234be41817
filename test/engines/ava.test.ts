/**
 * What stands for AVA on other engines judges as AVA does: each of these tests is run by both.
 */
import test, { type ExecutionContext } from 'ava'
import { judge } from './ava.js'

type Body = (t: ExecutionContext) => unknown

const circle = (): object => {
  const value: Record<string, unknown> = { a: 1 }
  value['self'] = value
  return value
}

class Point {
  readonly x: number
  constructor(x: number) {
    this.x = x
  }
}

/** Pairs to compare in depth. */
const PAIRS: readonly (readonly [unknown, unknown])[] = [
  [1, 1],
  [1, 2],
  [1, '1'],
  [0, -0],
  [Number.NaN, Number.NaN],
  [null, undefined],
  [undefined, undefined],
  [{}, null],
  [
    [1, 2],
    [1, 2],
  ],
  [
    [1, 2],
    [2, 1],
  ],
  [[1], [1, 2]],
  [[], {}],
  [{ a: { b: [1] } }, { a: { b: [1] } }],
  [{ a: { b: [1] } }, { a: { b: [2] } }],
  [{ a: 1 }, { a: 1, b: undefined }],
  [{ a: 1 }, { b: 1 }],
  [
    { b: 2, a: 1 },
    { a: 1, b: 2 },
  ],
  [new Point(1), new Point(1)],
  [new Point(1), new Point(2)],
  [new Point(1), { x: 1 }],
  [new Map([[1, { a: 1 }]]), new Map([[1, { a: 1 }]])],
  [new Map([[1, { a: 1 }]]), new Map([[1, { a: 2 }]])],
  [new Map([[1, 1]]), new Map([[2, 1]])],
  [new Set([1, 2]), new Set([1, 2])],
  [new Set([1, 2]), new Set([1, 3])],
  [new Set([1]), new Set([1, 2])],
  [new Uint8Array([1, 2]), new Uint8Array([1, 2])],
  [new Uint8Array([1, 2]), new Uint8Array([1, 3])],
  [new Uint8Array([1]), [1]],
  [new Error('a'), new Error('a')],
  [new Error('a'), new Error('b')],
  [new Error('a'), new TypeError('a')],
  [new Date(1), new Date(1)],
  [new Date(1), new Date(2)],
  [/a/g, /a/g],
  [/a/g, /a/],
  [circle(), circle()],
  [PAIR, PAIR],
  [() => 1, () => 1],
]

function PAIR(): void {}

const failing = async (): Promise<void> => {
  throw new RangeError('out of it')
}
const raise = (): never => {
  throw new RangeError('out of it')
}

const BODIES: readonly Body[] = [
  (t) => t.pass(),
  (t) => t.fail('no'),
  () => {},
  (t) => t.is(1, 1),
  (t) => t.is(1 as number, 2),
  (t) => t.is(0, -0),
  (t) => t.is(Number.NaN, Number.NaN),
  (t) => t.not(1, 1),
  (t) => t.not(1 as number, 2),
  (t) => t.true(true),
  (t) => t.true(1 as unknown),
  (t) => t.false(false),
  (t) => t.false(0 as unknown),
  (t) => t.truthy(1),
  (t) => t.truthy(''),
  (t) => t.falsy(''),
  (t) => t.falsy(1),
  (t) => t.regex('abc', /b/),
  (t) => t.regex('abc', /d/),
  (t) => t.notRegex('abc', /b/),
  (t) => t.notRegex('abc', /d/),
  (t) => t.like({ a: 1, b: { c: 2, d: 3 } }, { b: { c: 2 } }),
  (t) => t.like({ a: 1, b: { c: 2, d: 3 } }, { b: { c: 3 } }),
  (t) => t.like([1, 2, 3], [1]),
  (t) => t.like([1, 2, 3], [2]),
  (t) => t.throws(raise),
  (t) => t.throws(() => 1),
  (t) => t.throws(raise, { instanceOf: RangeError }),
  (t) => t.throws(raise, { instanceOf: TypeError }),
  (t) => t.throws(raise, { message: 'out of it' }),
  (t) => t.throws(raise, { message: 'out' }),
  (t) => t.throws(raise, { message: /out/ }),
  (t) => t.throws(raise, { message: /in/ }),
  (t) => t.throws(raise, { name: 'RangeError' }),
  (t) => t.throws(raise, { name: 'Error' }),
  (t) => t.throws(raise, { code: 'E' }),
  (t) =>
    t.throws(() => {
      throw 'no error'
    }),
  (t) => t.throwsAsync(failing),
  (t) => t.throwsAsync(failing()),
  (t) => t.throwsAsync(failing, { instanceOf: TypeError }),
  (t) => t.throwsAsync(Promise.resolve(1)),
  (t) => t.notThrows(() => 1),
  (t) => t.notThrows(raise),
  (t) => t.notThrowsAsync(failing),
  (t) => t.notThrowsAsync(async () => {}),
  async (t) => {
    t.pass()
    await failing()
  },
  (t) => {
    t.pass()
    raise()
  },
]

async function alike(t: ExecutionContext, body: Body): Promise<void> {
  const attempt = await t.try((inner) => body(inner) as Promise<void>)
  attempt.discard()
  const verdict = await judge('one', body as never)
  t.is(verdict.error === undefined, attempt.passed, `${body}\nAVA: ${attempt.errors[0]}\nhere: ${verdict.error}`)
}

test('every assertion holds and fails where it does in AVA', async (t) => {
  for (const body of BODIES) await alike(t, body)
})

test('two values are equal in depth if AVA says so', async (t) => {
  for (const [left, right] of PAIRS) {
    await alike(t, (inner) => inner.deepEqual(left, right))
    await alike(t, (inner) => inner.notDeepEqual(left, right))
  }
})

test('what a test asked for at its end is done, last first, also if it failed', async (t) => {
  const done: number[] = []
  const verdict = await judge('one', (inner) => {
    inner.teardown(() => done.push(1))
    inner.teardown(async () => done.push(2))
    inner.fail('no')
  })
  t.regex(String(verdict.error), /no/)
  t.deepEqual(done, [2, 1])
})
