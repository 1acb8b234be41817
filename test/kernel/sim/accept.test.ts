/**
 * Accepting, when connections fail before they are served: what is the peer's trouble is not the listener's end.
 */
import test from 'ava'
import {
  all,
  clock,
  connect,
  Kernel,
  type KernelOptions,
  listen,
  moveOn,
  nursery,
  type Operation,
  scope,
  serve,
  sleep,
  spawn,
  suppressed,
  timeout,
} from 'drupe'
import { SimNetwork, VirtualDriver } from 'drupe/testing'
import { ACCEPT, type IoOp } from '../../../kernel/driver/contract.js'
import { fail, thrown, thrownBy } from '../../kit.js'
import { ask, codeOf, echo } from './net-kit.js'

const NAMES = ['EPERM', 'ENONET', 'ENOPROTOOPT', 'EOPNOTSUPP', 'ENOTSUP', 'EPROTO', 'ENETDOWN', 'EHOSTDOWN']
const OTHERS = ['ENETUNREACH', 'EHOSTUNREACH', 'ECONNABORTED', 'ETIMEDOUT', 'ECONNRESET']
const FIRST = -1000

/** A kernel of a simulated host, on which the next calls fail. */
class Faulty {
  /** Names of the errors that the next accepts and the next options end with. */
  accepts: string[] = []
  options: string[] = []
  readonly opened = new Set<number>()
  readonly kernel: Kernel
  private readonly names: string[] = []

  constructor() {
    const driver = new SimNetwork().host('main').driver()
    const { submit, setOption, describeError, closeFd } = driver
    Object.assign(driver, {
      submit: (op: IoOp): boolean => {
        const name = op.kind === ACCEPT ? this.accepts.shift() : undefined
        if (name === undefined) return submit.call(driver, op)
        op.result = this.resultOf(name)
        return true
      },
      setOption: (...operands: Parameters<typeof setOption>): number => {
        if (operands[1] === 'noDelay') this.opened.add(operands[0])
        const name = operands[1] === 'noDelay' ? this.options.shift() : undefined
        return name === undefined ? setOption.apply(driver, operands) : this.resultOf(name)
      },
      closeFd: (fd: number): number => {
        this.opened.delete(fd)
        return closeFd.call(driver, fd)
      },
      describeError: (result: number) => {
        const name = this.names[FIRST - result]
        return name === undefined ? describeError.call(driver, result) : [name, 'as the test wants it']
      },
    } satisfies Partial<typeof driver>)
    this.kernel = new Kernel({ driver } satisfies KernelOptions)
  }

  run<T>(op: () => Operation<T>): T {
    const result = this.kernel.runSync(op)
    this.kernel.closeSync()
    return result
  }

  private resultOf(name: string): number {
    this.names.push(name)
    return FIRST - this.names.length + 1
  }
}

function* echoes(port: number): Operation<string> {
  const stream = yield* connect({ host: '127.0.0.1', port })
  const answer = yield* ask(stream, 'a')
  yield* stream.close()
  return answer
}

test('a connection that fails before it is accepted is passed over, whatever its error', (t) => {
  const host = new Faulty()
  host.accepts = [...NAMES, ...OTHERS]
  const answer = host.run(function* () {
    const listener = yield* listen({ host: '127.0.0.1', port: 0 })
    const server = yield* spawn(serve(listener, echo))
    const answer = yield* echoes(listener.port)
    yield* server.cancel()
    return answer
  })
  t.is(answer, 'a')
})

test('accepts that fail again and again pause', (t) => {
  const host = new Faulty()
  host.accepts = Array.from({ length: 1000 }, () => 'EPERM')
  const [answer, ms] = host.run(function* () {
    const listener = yield* listen({ host: '127.0.0.1', port: 0 })
    const server = yield* spawn(serve(listener, echo))
    const answer = yield* echoes(listener.port)
    yield* server.cancel()
    return [answer, yield* clock()] as const
  })
  t.is(answer, 'a')
  t.true(ms > 90_000 && ms < 110_000)
})

test('an error that is the listener’s own ends the accept', (t) => {
  const host = new Faulty()
  host.accepts = ['EINVAL', 'EIO']
  const codes = host.run(function* () {
    const listener = yield* listen({ host: '127.0.0.1', port: 0 })
    const codes = [codeOf(yield* thrownBy(listener.accept())), codeOf(yield* thrownBy(listener.accept()))]
    yield* listener.close()
    return codes
  })
  t.deepEqual(codes, ['EINVAL', 'EIO'])
})

test('a connection on which no option can be set is closed, and the next one is accepted', (t) => {
  const host = new Faulty()
  const answer = host.run(function* () {
    const listener = yield* listen({ host: '127.0.0.1', port: 0 })
    const failing = yield* connect({ host: '127.0.0.1', port: listener.port })
    host.options = ['EINVAL', 'ENOBUFS']
    const server = yield* spawn(serve(listener, echo))
    t.is(yield* failing.read(), null)
    t.is(codeOf(yield* thrownBy(connect({ host: '127.0.0.1', port: listener.port }))), 'ENOBUFS')
    yield* failing.close()
    const answer = yield* echoes(listener.port)
    yield* server.cancel()
    return answer
  })
  t.is(answer, 'a')
  t.deepEqual([...host.opened], [])
})

/** What throws whatever it is asked. */
function unaskable(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

test('a thrown value that cannot even be asked for its class fails its task, and its scopes end', (t) => {
  const first = unaskable()
  const kernel = new Kernel({ driver: new VirtualDriver() })
  const broken = function* () {
    throw first
  }
  const failing = (): Operation<unknown> =>
    nursery(function* (n) {
      yield* n.spawn(function* () {
        try {
          yield* sleep(Number.POSITIVE_INFINITY)
        } finally {
          yield* fail(unaskable())
        }
      })
      yield* sleep(1)
      yield* scope({}, () => timeout(1, () => moveOn(1, broken)))
    })
  const error = thrown(() => kernel.runSync(failing))
  t.true(error === first)
  t.is(suppressed(error).length, 1)
  t.is(
    thrown(() => kernel.runSync(() => all([broken, sleep(5)]))),
    first,
  )
  kernel.closeSync()
})

test('a thrown value that cannot be looked at ends its connection, not the server', (t) => {
  const broken = (): never => {
    throw new Error('cannot be looked at')
  }
  const values = [
    Object.defineProperty({}, 'code', { get: broken }),
    { [Symbol.for('nodejs.util.inspect.custom')]: broken },
    Object.defineProperty(new Error('x'), 'stack', { get: broken }),
    unaskable(),
    null,
    undefined,
  ]
  const reported: unknown[] = []
  const { error } = console
  console.error = (value: unknown) => {
    if (typeof value === 'object' && value !== null && value !== values[0]) broken()
    reported.push(value)
  }
  try {
    const host = new Faulty()
    const seen = host.run(function* () {
      const listener = yield* listen({ host: '127.0.0.1', port: 0 })
      const left = [...values]
      const server = yield* spawn(
        serve(listener, function* () {
          throw left.shift()
        }),
      )
      let seen = 0
      for (const _ of values) {
        const stream = yield* connect({ host: '127.0.0.1', port: listener.port })
        if ((yield* stream.read()) === null) seen++
        yield* stream.close()
      }
      yield* server.cancel()
      return seen
    })
    t.is(seen, values.length)
    t.is(reported.length, values.length)
  } finally {
    console.error = error
  }
})
