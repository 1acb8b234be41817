/**
 * Conformance, part three: the sockets themselves. Connecting, accepting, addresses, options.
 */
import { unlinkSync } from 'node:fs'
import { CLOSED, UNSUPPORTED } from '../../../kernel/driver/contract.js'
import { covers } from '../../covers.js'
import { acceptOp, connectOp, ok, readOp, textOf, writeOp } from '../rig.js'
import { needing, type Suite } from './all.js'

export function sockets(suite: Suite): void {
  suite.check('a connection that nobody listens for is refused', (t, rig) => {
    const [listener, address] = rig.listen()
    rig.close(listener)
    const fd = rig.socket('tcp4')
    t.is(suite.nameOf(rig, rig.run(connectOp(fd, address))), 'ECONNREFUSED')
    rig.close(fd)
    if (!rig.driver.can.unixSockets) return
    const unix = rig.socket('unix')
    t.is(suite.nameOf(rig, rig.run(connectOp(unix, { family: 'unix', path: '/no/such/place' }))), 'ENOENT')
    rig.close(unix)
  })

  suite.check('a pair of sockets carries bytes both ways, or the driver says that it has none', (t, rig) => {
    const pair = rig.driver.socketPair('unix')
    if (typeof pair === 'number') {
      t.is(pair, UNSUPPORTED)
      return
    }
    for (const [from, to] of [pair, [...pair].reverse()] as const) {
      t.is(rig.run(writeOp(from as number, Buffer.from('hello'))), 5)
      const op = readOp(to as number)
      t.is(rig.run(op), 5)
      t.is(textOf(op), 'hello')
    }
    rig.close(...pair)
  })

  suite.check('both ends of a connection agree on its addresses', (t, rig) => {
    for (const [kind, host] of [
      ['tcp4', '127.0.0.1'],
      ['tcp6', '::1'],
    ] as const) {
      const family = kind === 'tcp4' ? 'ipv4' : 'ipv6'
      const [a, b] = rig.pair(kind, { family, host, port: 0 })
      t.deepEqual(rig.driver.localAddress(a), rig.driver.remoteAddress(b))
      t.deepEqual(rig.driver.remoteAddress(a), rig.driver.localAddress(b))
      t.like(rig.driver.localAddress(a), { family, host })
      rig.close(a, b)
    }
  })

  suite.check('one accept after the other takes all that queue, then waits', (t, rig) => {
    const [listener, address] = rig.listen()
    const clients = Array.from({ length: 5 }, () => rig.socket('tcp4'))
    for (const fd of clients) t.is(rig.run(connectOp(fd, address)), 0)
    const servers = clients.map(() => ok(rig.run(acceptOp(listener))))
    const op = acceptOp(listener)
    t.false(rig.submit(op))
    rig.settle()
    t.true(rig.isPending(op))
    rig.close(listener)
    t.is(rig.finish(op), CLOSED)
    rig.close(...clients, ...servers)
  })

  needing(suite, 'unixSockets').check('Unix sockets work by path and by abstract name, and say so', (t, rig) => {
    covers(t, 'uvloop unix: create_unix_connection_open_con_sock, create_unix_connection_open_unix_con_sock')
    for (const path of [`/tmp/drupe-${process.pid}-${suite.name}.sock`, `\0drupe-${process.pid}-${suite.name}`]) {
      const [a, b] = rig.pair('unix', { family: 'unix', path })
      rig.write(a, 'over there')
      t.is(rig.read(b), 'over there')
      t.deepEqual(rig.driver.remoteAddress(a), { family: 'unix', path })
      t.deepEqual(rig.driver.localAddress(a), { family: 'unix', path: '' })
      rig.close(a, b)
      if (path[0] === '/') unlinkSync(path)
    }
  })

  suite.check('a port in use is refused with EADDRINUSE', (t, rig) => {
    const [listener, address] = rig.listen()
    const fd = rig.socket('tcp4')
    t.is(suite.nameOf(rig, rig.driver.bind(fd, address)), 'EADDRINUSE')
    rig.close(listener, fd)
  })

  suite.check('every socket option can be set', (t, rig) => {
    const fd = rig.socket('tcp6')
    const options = ['noDelay', 'reuseAddress', 'keepAlive', 'ipv6Only'] as const
    for (const option of options) t.is(rig.driver.setOption(fd, option, 1), 0, option)
    t.is(rig.driver.setOption(fd, 'reusePort', 1), rig.driver.can.reusePort ? 0 : UNSUPPORTED)
    t.is(rig.driver.setOption(fd, 'receiveBufferBytes', 65536), 0)
    t.is(rig.driver.setOption(fd, 'sendBufferBytes', 65536), 0)
    t.true(rig.driver.setOption(fd, 'nonsense' as 'noDelay', 1) < 0)
    rig.close(fd)
  })
}
