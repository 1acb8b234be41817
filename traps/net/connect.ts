/**
 * Connecting: from a name to a stream, whichever of its addresses answers first.
 *
 * A name stands for many addresses, and some of them may lead nowhere, without a word. So they are
 * raced, as RFC 8305 has it and Trio does: families take turns; an attempt that has not succeeded
 * after a while gets company by the next one, and goes on; one that fails lets the next begin at
 * once. The first that connects wins, and the others are cancelled and closed. What each of them
 * failed with is kept.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { SystemError } from '../../kernel/protocol/errors.js'
import type { Address } from '../../kernel/protocol/io-op.js'
import { checkTime, checkWord, timeoutOf, type WaitOptions } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { type AbortSignalLike, withSignal } from '../bridge/abort-signal.js'
import * as io from '../raw/io.js'
import { checkPort, placeOf, toAddress } from '../raw/ip.js'
import { nursery } from '../scope/nursery.js'
import { moveOn, within } from '../scope/scope.js'
import { Event } from '../sync/event.js'
import { addressesOf, checkHost } from './address.js'
import { checkGiven, checkSocketOptions, type SocketOptions, setOptions } from './socket-options.js'
import { Stream } from './stream.js'
import { checkNamed, wrap } from './tls.js'
import { checkServer, checkTls, type TlsClientOptions } from './tls-options.js'
import type { Connection, TlsStream } from './tls-stream.js'
import { checkPath, kindOf } from './unix.js'

/** What RFC 8305 recommends. */
const ATTEMPT_DELAY_MS = 250
/** These say that a family or a route is missing here, not what is wrong there. */
const NO_ROUTE = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT'])
/** libuv's number of ENOTFOUND, on every platform. */
const EAI_NONAME = -3008
/** One object for all, so that there is one context. */
const PLAIN_TLS: TlsClientOptions = {}

/** Where to connect: a host and a port, or a path. */
export interface ConnectOptions extends WaitOptions, SocketOptions {
  /** A name or an IP address. */
  readonly host?: string
  /** From 1 to 65535. */
  readonly port?: number
  /** A Unix socket, instead of `host` and `port`; on Windows also a named pipe. */
  readonly path?: string
  /** The IP address of this machine to connect from; other families are then left out. */
  readonly localAddress?: string
  /** Only addresses of this family. Default: both. */
  readonly family?: 'ipv4' | 'ipv6'
  /**
   * Milliseconds that an attempt has before the next address is tried beside it. Infinity: one
   * after the other. Default 250.
   */
  readonly attemptDelay?: number
  /** Speaks TLS. Default: false. With true, the server must be the host, by the roots of Node. */
  readonly tls?: boolean | TlsClientOptions
  /** Ends the attempt, with the signal's reason. */
  readonly signal?: AbortSignalLike
}

/**
 * Connects to a server. A name is looked up, and its addresses are raced: families by turns, the
 * next one after 250 ms, or at once when one fails; the first that answers counts. If the task is
 * cancelled while it waits, or `timeout` is over, no socket is left behind.
 *
 * @param options Where to connect, and what the connection is like; `timeout` in milliseconds.
 * @throws SystemError if it cannot (`ECONNREFUSED`, `ENOTFOUND`, …), with `address` and `port`. Of
 * several addresses: the message names each, and `cause` is an AggregateError of what each failed
 * with.
 * @throws TimeoutError after `timeout` milliseconds, everything together. If some addresses have
 * failed by then, `cause` is an AggregateError of that.
 * @throws RangeError if the port is no port; TypeError if `host` is no string, or has a NUL in it,
 * or if there are both a host and a path.
 * @throws TlsError if the server is not who it should be, or does not speak TLS.
 * @throws UnsupportedError if there is no OpenSSL here.
 * @throws the signal's reason.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { connect, run } from 'drupe'
 *
 * try {
 *   await run(() => connect({ host: '127.0.0.1', port: 1 }))
 * } catch (error) {
 *   console.log((error as { code: string }).code) // => ECONNREFUSED
 * }
 * @see https://www.rfc-editor.org/rfc/rfc8305
 */
export function connect(options: ConnectOptions & { readonly tls: true | TlsClientOptions }): Operation<TlsStream>
/**
 * Connects without TLS.
 *
 * @param options As above.
 */
export function connect(options: ConnectOptions & { readonly tls?: false }): Operation<Stream>
/**
 * Connects as the options say.
 *
 * @param options As above.
 */
export function connect(options: ConnectOptions): Operation<Connection>
export function connect(options: ConnectOptions): Operation<Connection> {
  checkGiven('connect', options)
  const { host, port, path, localAddress, family, attemptDelay, tls, signal } = options
  let place: string
  if (path !== undefined) {
    if ([host, port, localAddress, family].some((one) => one !== undefined))
      throw new TypeError('Cannot connect: it takes a path alone, or a host and a port')
    place = checkPath('connect', path)
  } else {
    checkHost('connect', host as string)
    checkPort('connect', port as number)
    place = `${host} port ${port}`
  }
  if (localAddress !== undefined) toAddress('connect', { host: localAddress, port: 0 })
  if (family !== undefined) checkWord('connect', 'family', family, ['ipv4', 'ipv6'])
  if (attemptDelay !== undefined) checkTime('connect', 'attemptDelay', attemptDelay)
  checkSocketOptions('connect', options)
  if (tls !== undefined && typeof tls !== 'boolean') checkTls('connect', tls)
  // A path is no name that a certificate could be for.
  if (path !== undefined && tls) checkNamed('connect', tls === true ? PLAIN_TLS : tls)
  if (path === undefined && tls) checkServer('connect', 'host', host as string)
  const failed: SystemError[] = []
  const op = within(`connect to ${place}`, timeoutOf('connect', options), connectOperation(options, failed), () =>
    failed.length === 0 ? undefined : { cause: failuresOf(options, failed) },
  )
  return tracked('connect', signal === undefined ? op : withSignal(signal, op))
}

/** `failed` gets what attempts fail with. */
function* connectOperation(options: ConnectOptions, failed: SystemError[]): Operation<Connection> {
  const { tls = false, host = '' } = options
  const stream = yield* streamTo(options, failed)
  if (tls === false) return stream
  let outermost: Connection = stream
  try {
    const secure = wrap(stream, 'client', tls === true ? PLAIN_TLS : tls, host)
    outermost = secure
    yield* secure.handshake()
    return secure
  } catch (error) {
    yield* outermost.close()
    throw error
  }
}

function* streamTo(options: ConnectOptions, failed: SystemError[]): Operation<Stream> {
  const { host, port, path } = options
  if (path !== undefined) return new Stream(yield* connectTo({ family: 'unix', path }, options))
  const found = yield* addressesOf('connect', host as string, port as number)
  const [first, ...others] = usable(found, options)
  if (first === undefined) throw nothingUsable(found, options)
  return new Stream(yield* others.length === 0 ? connectTo(first, options) : race([first, ...others], options, failed))
}

/** Families by turns, that of the first address first. */
function usable(found: readonly Address[], { family, localAddress }: ConnectOptions): readonly Address[] {
  const own = localAddress === undefined ? undefined : toAddress('connect', { host: localAddress, port: 0 }).family
  const wanted = found.filter((address) => address.family === (family ?? address.family))
  const possible = wanted.filter((address) => address.family === (own ?? address.family))
  const ones = possible.filter((address) => address.family === possible[0]?.family)
  const others = possible.filter((address) => address.family !== possible[0]?.family)
  return ones.flatMap((address, i) => [address, ...others.slice(i, i + 1)]).concat(others.slice(ones.length))
}

/** The fd of the first that connects. */
function* race(addresses: readonly Address[], options: ConnectOptions, errors: SystemError[]): Operation<number> {
  const { attemptDelay = ATTEMPT_DELAY_MS } = options
  let winner = -1
  try {
    yield* nursery(function* (n) {
      function* attempt(address: Address, over: Event): Operation<void> {
        try {
          const fd = yield* connectTo(address, options)
          if (winner >= 0) yield* io.close(fd)
          else winner = fd
          yield* n.cancel()
        } catch (error) {
          if (!(error instanceof SystemError)) throw error
          errors.push(error)
          yield* over.set()
        }
      }
      for (const address of addresses) {
        const over = new Event()
        yield* n.spawn(attempt(address, over), { name: `connect to ${placeOf(address)}` })
        yield* moveOn(attemptDelay, over.wait())
      }
    })
  } catch (error) {
    if (winner >= 0) yield* io.close(winner)
    throw error
  }
  if (winner < 0) throw allFailed(options, errors)
  return winner
}

function* connectTo(address: Address, options: ConnectOptions): Operation<number> {
  const fd = yield* io.socket(yield* kindOf(address))
  try {
    const { localAddress: host } = options
    if (host !== undefined) yield* io.bind(fd, toAddress('connect', { host, port: 0 }))
    yield* io.connect(fd, address)
    if (address.family !== 'unix') yield* setOptions(fd, options)
    return fd
  } catch (error) {
    yield* io.close(fd)
    throw error
  }
}

/** What several addresses failed with, as one error, with the code of the most telling of them. */
function allFailed(options: ConnectOptions, errors: readonly SystemError[]): SystemError {
  const told = (errors.find(({ code }) => !NO_ROUTE.has(code)) ?? errors[0]) as SystemError
  const { code, errno, address } = told
  const cause = failuresOf(options, errors)
  const { port } = options
  return new SystemError({ code, errno, syscall: 'connect', text: cause.message, address, port, cause })
}

function failuresOf({ host }: ConnectOptions, errors: readonly SystemError[]): AggregateError {
  const each = errors.map(({ address, syscall, text }) => `${address ?? syscall}: ${text}`).join('; ')
  return new AggregateError(errors, `none of the ${errors.length} addresses of ${host} answered: ${each}`)
}

/** There is the name, and nothing of it that was asked for: to its user that is no other error. */
function nothingUsable(found: readonly Address[], { host, family, localAddress }: ConnectOptions): SystemError {
  const kind = family === undefined ? `that ${localAddress} can connect to` : `of the family ${family}`
  const all = found.map((address) => placeOf(address)).join(', ')
  const text = `${host} has no address ${kind}, only ${all}`
  return new SystemError({ code: 'ENOTFOUND', errno: EAI_NONAME, syscall: 'getaddrinfo', text })
}
