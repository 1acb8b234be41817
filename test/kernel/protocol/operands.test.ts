/**
 * The checks of operands: what passes, what kind of error the rest is, and what the message says.
 */
import { runInNewContext } from 'node:vm'
import test from 'ava'
import {
  checkAt,
  checkBody,
  checkBytes,
  checkCount,
  checkFd,
  checkFunction,
  checkLimit,
  checkOperation,
  checkOptions,
  checkPieces,
  checkText,
  checkTime,
  checkWord,
  timeoutOf,
} from '../../../kernel/protocol/operands.js'
import { sleep } from '../../../traps/raw/time.js'

const { POSITIVE_INFINITY: INFINITY, NaN: NAN } = Number

function* nothing() {}

/** What is checked, what it lets through, and what it says to the rest. */
const TABLE: readonly [string, (value: never) => unknown, unknown[], [unknown, string][]][] = [
  [
    'a time',
    (ms) => checkTime('sleep', 'ms', ms),
    [0, 1.5, INFINITY],
    [
      [undefined, 'TypeError: Cannot sleep: ms must be a number of milliseconds, 0 or more, not undefined'],
      ['5', 'TypeError: Cannot sleep: ms must be a number of milliseconds, 0 or more, not "5"'],
      [5n, 'TypeError: Cannot sleep: ms must be a number of milliseconds, 0 or more, not 5n'],
      [Symbol('s'), 'TypeError: Cannot sleep: ms must be a number of milliseconds, 0 or more, not Symbol(s)'],
      [-1, 'RangeError: Cannot sleep: ms must be a number of milliseconds, 0 or more, not -1'],
      [NAN, 'RangeError: Cannot sleep: ms must be a number of milliseconds, 0 or more, not NaN'],
    ],
  ],
  [
    'a time on the clock',
    (at) => checkAt('sleep', 'at', at),
    [-5, 0, INFINITY, -INFINITY],
    [
      [NAN, 'RangeError: Cannot sleep: at must be a time on the kernel clock in milliseconds, not NaN'],
      [null, 'TypeError: Cannot sleep: at must be a time on the kernel clock in milliseconds, not null'],
    ],
  ],
  [
    'a count',
    (count) => checkCount('read exactly', 'bytes', count, 1),
    [1, 2 ** 53 - 1],
    [
      ['3', 'TypeError: Cannot read exactly: bytes must be a whole number, 1 or more, not "3"'],
      [2.5, 'RangeError: Cannot read exactly: bytes must be a whole number, 1 or more, not 2.5'],
      [0, 'RangeError: Cannot read exactly: bytes must be a whole number, 1 or more, not 0'],
      [INFINITY, 'RangeError: Cannot read exactly: bytes must be a whole number, 1 or more, not Infinity'],
    ],
  ],
  [
    'a count with a most',
    (port) => checkCount('listen', 'port', port, 0, 65535),
    [0, 65535],
    [
      [65536, 'RangeError: Cannot listen: port must be a whole number from 0 to 65535, not 65536'],
      [{}, 'TypeError: Cannot listen: port must be a whole number from 0 to 65535, not an object (Object)'],
    ],
  ],
  [
    'a limit',
    (most) => checkLimit('read', 'max', most, 1),
    [1, INFINITY],
    [
      [1.5, 'RangeError: Cannot read: max must be a whole number, 1 or more, or Infinity, not 1.5'],
      [[], 'TypeError: Cannot read: max must be a whole number, 1 or more, or Infinity, not an object (Array)'],
    ],
  ],
  [
    'a descriptor',
    (fd) => checkFd('close', 'fd', fd),
    [0, 2 ** 31 - 1],
    [
      [-1, 'RangeError: Cannot close: fd must be a file descriptor, a whole number from 0 on, not -1'],
      [2 ** 31, 'RangeError: Cannot close: fd must be a file descriptor, a whole number from 0 on, not 2147483648'],
      ['1', 'TypeError: Cannot close: fd must be a file descriptor, a whole number from 0 on, not "1"'],
    ],
  ],
  [
    'bytes',
    (bytes) => checkBytes('write', 'bytes', bytes),
    [new Uint8Array(1), Buffer.alloc(1), runInNewContext('new Uint8Array(2)')],
    [
      ['text', 'TypeError: Cannot write: bytes must be a Uint8Array, not "text"'],
      [new Uint16Array(1), 'TypeError: Cannot write: bytes must be a Uint8Array, not an object (Uint16Array)'],
      [{ length: 3 }, 'TypeError: Cannot write: bytes must be a Uint8Array, not an object (Object)'],
    ],
  ],
  [
    'a string for C',
    (text) => checkText('open the file', 'path', text),
    ['', '/tmp'],
    [
      ['a\0b', 'TypeError: Cannot open the file: path must be a string without NUL, not "a\\u0000b"'],
      [5, 'TypeError: Cannot open the file: path must be a string without NUL, not 5'],
    ],
  ],
  [
    'a word',
    (late) => checkWord('tick', 'late', late, ['skip', 'burst']),
    ['skip', 'burst'],
    [
      ['never', 'RangeError: Cannot tick: late must be one of "skip", "burst", not "never"'],
      [true, 'TypeError: Cannot tick: late must be one of "skip", "burst", not true'],
    ],
  ],
  [
    'a function',
    (fn) => checkFunction('suspend', 'begin', fn),
    [nothing, () => {}],
    [[null, 'TypeError: Cannot suspend: begin must be a function, not null']],
  ],
  [
    'options',
    (options) => checkOptions('run', 'options', options),
    [undefined, {}, Object.create(null)],
    [
      [nothing, 'TypeError: Cannot run: options must be an object with options, not the function nothing'],
      [nothing(), 'TypeError: Cannot run: options must be an object with options, not a generator'],
      [5, 'TypeError: Cannot run: options must be an object with options, not 5'],
      [null, 'TypeError: Cannot run: options must be an object with options, not null'],
    ],
  ],
  [
    'a timeout',
    (options) => timeoutOf('read', options),
    [],
    [
      [{ timeout: '5' }, 'TypeError: Cannot read: timeout must be a number of milliseconds, 0 or more, not "5"'],
      [{ timeout: null }, 'TypeError: Cannot read: timeout must be a number of milliseconds, 0 or more, not null'],
      [5, 'TypeError: Cannot read: options must be an object with options, not 5'],
    ],
  ],
  [
    'an operation',
    (op) => checkOperation('spawn', 'op', op),
    [sleep(1), nothing, nothing(), () => sleep(1)],
    [
      [
        Promise.resolve(),
        'TypeError: Cannot spawn: op must be an operation or a function that returns one, not a promise; ' +
          'a promise is awaited with "yield* until(promise)"',
      ],
      [
        async function load() {},
        'TypeError: Cannot spawn: op must be an operation or a function that returns one, ' +
          'not the async function load; an async function is run with "yield* until(load())", ' +
          'or written as a generator function (function*, with yield* for await)',
      ],
    ],
  ],
  [
    'a body',
    (body) => checkBody('open a nursery', 'body', body),
    [nothing, () => sleep(1)],
    [
      [
        nothing(),
        'TypeError: Cannot open a nursery: body must be a function that returns an operation, ' +
          'not a generator; give the generator function itself, without calling it',
      ],
    ],
  ],
]

for (const [what, check, good, bad] of TABLE) {
  test(`${what}: what is right comes back, and the rest is an error that names the argument and the value`, (t) => {
    for (const value of good) t.is(check(value as never), value)
    t.deepEqual(
      bad.map(([value]) => String(t.throws(() => check(value as never), { any: true }))),
      bad.map(([, message]) => message),
    )
  })
}

test('a timeout that is not given is no limit', (t) => {
  t.deepEqual(
    [timeoutOf('read', undefined), timeoutOf('read', {}), timeoutOf('read', { timeout: 5 })],
    [INFINITY, INFINITY, 5],
  )
})

test('bytes in pieces are counted, whichever realm they are of; a bad piece is named', (t) => {
  t.is(checkPieces('write', 'bytes', new Uint8Array(3)), 3)
  t.is(checkPieces('write', 'bytes', runInNewContext('[new Uint8Array(2), new Uint8Array(5)]')), 7)
  t.throws(() => checkPieces('write', 'bytes', [new Uint8Array(1), 'text' as never]), {
    instanceOf: TypeError,
    message: /^Cannot write: bytes\[1\] must be a Uint8Array, not "text"/,
  })
  t.throws(() => checkPieces('write', 'bytes', 5 as never), {
    message: 'Cannot write: bytes must be a Uint8Array, or a list of them, not 5',
  })
})
