/**
 * Listening: from a host and a port, or a path, to a listener. What is special about paths is in
 * unix.ts.
 */

import { operation } from '../../kernel/protocol/debug.js'
import { SystemError } from '../../kernel/protocol/errors.js'
import type { Address } from '../../kernel/protocol/io-op.js'
import { checkCount, checkSwitch } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import * as io from '../raw/io.js'
import { checkPort, toAddress } from '../raw/ip.js'
import { Listener, type ListenOptions } from './listener.js'
import { checkGiven, checkSocketOptions } from './socket-options.js'
import { checkTls, contextOf, type TlsServerOptions } from './tls-options.js'
import type { Connection, TlsStream } from './tls-stream.js'
import { checkPath, isAbstract, listenAt } from './unix.js'

export { Listener, type ListenOptions } from './listener.js'
export type { SocketOptions } from './socket-options.js'

/**
 * Opens a listener. Close it when done; `serve` does. At a path, the file of a socket on which
 * nobody listens any more is replaced, and the file goes when the listener is closed. If the task
 * is cancelled while it waits, nothing is left behind.
 *
 * @param options Where to listen, and what connections are like.
 * @throws SystemError if the port is taken (`EADDRINUSE`), not allowed (`EACCES`), …, with
 * `address` and `port`. For a path: `EADDRINUSE` if somebody listens there, if it is another file
 * than a socket's, or if it cannot be told.
 * @throws TlsError if a certificate or a key cannot be read.
 * @throws UnsupportedError if it is to speak TLS and there is no OpenSSL here.
 * @throws RangeError if the port is no port, or the path is empty or too long.
 * @throws TypeError if `host` is neither an IP address nor `localhost`, if there are both a port
 * and a path, or an option is of another type than it should be.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { listen, run } from 'drupe'
 *
 * await run(function* () {
 *   const listener = yield* listen({ host: '127.0.0.1', port: 0 })
 *   console.log(listener.port > 0) // => true
 *   yield* listener.close()
 * })
 */
export function listen(options: ListenOptions & { readonly tls: TlsServerOptions }): Operation<Listener<TlsStream>>
/**
 * Opens a listener without TLS.
 *
 * @param options As above.
 */
export function listen(options: ListenOptions & { readonly tls?: undefined }): Operation<Listener>
/**
 * Opens a listener as the options say.
 *
 * @param options As above.
 */
export function listen(options: ListenOptions): Operation<Listener<Connection>>
export function listen(options: ListenOptions): Operation<Listener<Connection>> {
  checkGiven('listen', options)
  const { host, port, path, mode, backlog, reusePort, ipv6Only, tls } = options
  if (backlog !== undefined) checkCount('listen', 'backlog', backlog, 0, 0x7fffffff)
  checkSwitch('listen', 'reusePort', reusePort)
  checkSwitch('listen', 'ipv6Only', ipv6Only)
  checkSocketOptions('listen', options)
  if (tls !== undefined) checkTls('listen', tls)
  if (path !== undefined) {
    checkPath('listen', path)
    if ([host, port, reusePort, ipv6Only].some((one) => one !== undefined))
      throw new TypeError('Cannot listen: it takes a path alone, or a host and a port')
    if (mode !== undefined) checkCount('listen', 'mode', mode, 0, 0o777)
    if (mode !== undefined && isAbstract(path)) throw new TypeError('Cannot listen: an abstract name has no mode')
    return operation('listen', function* () {
      checkKeys(options)
      const [fd, file] = yield* listenAt(path, options)
      return new Listener<Connection>(fd, { family: 'unix', path }, options, file)
    })
  }
  if (mode !== undefined) throw new TypeError('Cannot listen: mode is for a path')
  checkPort('listen', port as number)
  const given = host === undefined ? null : toAddress('listen', { host, port: port as number })
  if (ipv6Only && given?.family === 'ipv4') throw new TypeError('Cannot listen: ipv6Only is for IPv6 addresses')
  return operation('listen', function* () {
    checkKeys(options)
    return yield* given === null ? everywhere(options) : listenOn(given, options)
  })
}

/** A key that cannot be read is told at once, not with the first connection. */
function checkKeys({ tls }: ListenOptions): void {
  if (tls !== undefined) contextOf('server', tls, 'listen')
}

function* everywhere(options: ListenOptions): Operation<Listener<Connection>> {
  const port = options.port as number
  try {
    return yield* listenOn({ family: 'ipv6', host: '::', port }, options)
  } catch (error) {
    // A machine without IPv6.
    const missing = error instanceof SystemError && (error.code === 'EAFNOSUPPORT' || error.code === 'EADDRNOTAVAIL')
    if (!missing || options.ipv6Only) throw error
    return yield* listenOn({ family: 'ipv4', host: '0.0.0.0', port }, options)
  }
}

function* listenOn(address: Address, options: ListenOptions): Operation<Listener<Connection>> {
  const { reusePort, backlog } = options
  const fd = yield* io.socket(address.family === 'ipv6' ? 'tcp6' : 'tcp4')
  try {
    yield* io.setOption(fd, 'reuseAddress', true)
    if (reusePort) yield* io.setOption(fd, 'reusePort', true)
    if (address.family === 'ipv6') yield* io.setOption(fd, 'ipv6Only', options.ipv6Only ?? address.host !== '::')
    yield* io.bind(fd, address)
    yield* io.listen(fd, backlog, address)
    return new Listener<Connection>(fd, yield* io.localAddress(fd), options)
  } catch (error) {
    yield* io.close(fd)
    throw error
  }
}
