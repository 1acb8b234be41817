/**
 * Conformance: datagrams. What is cut off is told, a connected socket has one peer, and the members of
 * a group hear what is sent to it. Those of Unix wait for their peer, or say that they would.
 */
import { existsSync, unlinkSync } from 'node:fs'
import { type Address, BUSY, CLOSED, IoOp, RECEIVE, SEND } from '../../../kernel/driver/contract.js'
import { connectOp, LOOPBACK, levelOp, ok, type Rig } from '../rig.js'
import { needing, type Suite } from './all.js'

const GROUP = { family: 'ipv4', host: '239.192.7.43', port: 0 } as const

function receiveOp(fd: number, room = 100): IoOp<unknown> {
  return new IoOp(RECEIVE, fd, new Uint8Array(room), 0, room, Number.POSITIVE_INFINITY)
}

function sendOp(fd: number, bytes: number[], address: Address | null): IoOp<unknown> {
  const op = new IoOp<unknown>(SEND, fd, new Uint8Array(bytes), 0, bytes.length, Number.POSITIVE_INFINITY)
  op.address = address
  return op
}

function bound(rig: Rig, address: Address = LOOPBACK): [fd: number, address: Address] {
  const fd = rig.socket('udp4')
  ok(rig.driver.bind(fd, address))
  return [fd, rig.driver.localAddress(fd) as Address]
}

function taken(op: IoOp<unknown>): number[] {
  return [...(op.buffer as Uint8Array).subarray(0, op.result)]
}

export function datagrams(suite: Suite): void {
  suite.check('a datagram that is longer than the buffer is cut off, and that is told', (t, rig) => {
    const [a] = bound(rig)
    const [b, address] = bound(rig)
    for (const [room, truncated] of [
      [3, true],
      [4, false],
      [5, false],
    ] as const) {
      t.is(rig.run(sendOp(a, [1, 2, 3, 4], address)), 4)
      const op = receiveOp(b, room)
      t.is(rig.run(op), Math.min(room, 4))
      t.is(op.truncated, truncated)
      t.deepEqual(taken(op), [1, 2, 3, 4].slice(0, room))
    }
    rig.close(a, b)
  })

  suite.check('an op that was cut off once is not said to be for ever', (t, rig) => {
    const [a] = bound(rig)
    const [b, address] = bound(rig)
    const op = receiveOp(b, 2)
    rig.run(sendOp(a, [1, 2, 3], address))
    rig.run(op)
    t.true(op.truncated)
    rig.run(sendOp(a, [1], address))
    t.is(rig.run(op), 1)
    t.false(op.truncated)
    rig.close(a, b)
  })

  suite.check('a connected socket sends without an address and hears its peer alone', (t, rig) => {
    const [a, atA] = bound(rig)
    const [b, atB] = bound(rig)
    const [stranger] = bound(rig)
    t.is(rig.run(connectOp(a, atB)), 0)
    t.deepEqual(rig.driver.remoteAddress(a), atB)
    t.is(rig.run(sendOp(a, [1], null)), 1)
    t.is(rig.run(receiveOp(b)), 1)
    rig.run(sendOp(stranger, [2], atA))
    rig.run(sendOp(b, [3], atA))
    const heard = receiveOp(a)
    t.is(rig.run(heard), 1)
    t.deepEqual(taken(heard), [3])
    t.is(rig.driver.disconnect(a), 0)
    t.is(suite.nameOf(rig, rig.driver.remoteAddress(a) as number), 'ENOTCONN')
    // Linux lets go of a port that it has chosen itself.
    if ((rig.driver.localAddress(a) as typeof atA & { port: number }).port === 0) ok(rig.driver.bind(a, atA))
    t.deepEqual(rig.driver.localAddress(a), atA)
    rig.run(sendOp(stranger, [4], atA))
    const again = receiveOp(a)
    rig.run(again)
    t.deepEqual(taken(again), [4])
    rig.close(a, b, stranger)
  })

  needing(suite, 'multicast').check('members of a group hear what is sent to it, until they leave', (t, rig) => {
    const [a] = bound(rig, { family: 'ipv4', host: '0.0.0.0', port: 0 })
    const [b, at] = bound(rig, { family: 'ipv4', host: '0.0.0.0', port: 0 })
    const { port } = at as { port: number }
    const membership = { group: GROUP, interfaceIndex: 1, source: null }
    for (const [option, value] of [
      ['multicastTtl', 0],
      ['multicastLoopback', 1],
      ['multicastInterface', 1],
      ['ttl', 9],
    ] as const) {
      t.is(rig.driver.setOption(a, option, value), 0, option)
    }
    t.is(suite.nameOf(rig, rig.driver.membership(b, false, membership)), 'EADDRNOTAVAIL')
    t.is(rig.driver.membership(b, true, membership), 0)
    t.is(suite.nameOf(rig, rig.driver.membership(b, true, membership)), 'EADDRINUSE')
    t.is(rig.run(sendOp(a, [7], { ...GROUP, port })), 1)
    const op = receiveOp(b)
    t.is(rig.run(op), 1)
    t.deepEqual(taken(op), [7])
    t.is(rig.driver.membership(b, false, membership), 0)
    const waits = receiveOp(b)
    rig.submit(waits)
    rig.run(sendOp(a, [8], { ...GROUP, port }))
    rig.settle()
    t.true(rig.isPending(waits))
    t.is(rig.run(receiveOp(b)), BUSY)
    rig.close(a, b)
    rig.finish(waits)
  })

  needing(suite, 'multicast').check('what is no group, and what is no descriptor, is refused', (t, rig) => {
    const [a] = bound(rig)
    const membership = { group: LOOPBACK, interfaceIndex: 0, source: null }
    t.is(suite.nameOf(rig, rig.driver.membership(a, true, membership)), 'EINVAL')
    t.is(suite.nameOf(rig, rig.driver.membership(Number.NaN, true, { ...membership, group: GROUP })), 'EBADF')
    t.is(suite.nameOf(rig, rig.driver.disconnect(-1)), 'EBADF')
    rig.close(a)
  })

  const unix = needing(suite, 'unixDatagrams')
  const named = (rig: Rig, path: string): number => {
    if (path[0] === '/' && existsSync(path)) unlinkSync(path)
    const fd = rig.socket('unixDatagram')
    ok(rig.driver.bind(fd, { family: 'unix', path }))
    return fd
  }
  const pathOf = (name: string): string => `/tmp/drupe-${process.pid}-${suite.name}-${name}`

  unix.check('Unix datagrams go by path, by abstract name, and from nobody', (t, rig) => {
    for (const path of [pathOf('named'), `\0${pathOf('abstract')}`]) {
      const b = named(rig, path)
      const nobody = rig.socket('unixDatagram')
      const a = named(rig, `${path}-peer`)
      t.is(rig.run(sendOp(nobody, [1, 2], { family: 'unix', path })), 2)
      t.is(rig.run(sendOp(a, [3], { family: 'unix', path })), 1)
      const op = receiveOp(b)
      t.is(rig.run(op), 2)
      t.is(op.address, null)
      t.is(rig.run(op), 1)
      t.deepEqual(op.address, { family: 'unix', path: `${path}-peer` })
      rig.close(a, b, nobody)
      if (path[0] !== '/' || !existsSync(path)) continue
      t.is(suite.nameOf(rig, rig.run(connectOp(rig.socket('unixDatagram'), { family: 'unix', path }))), 'ECONNREFUSED')
      for (const file of [path, `${path}-peer`]) unlinkSync(file)
    }
  })

  unix.check('a Unix datagram to a full queue waits if connected, or is EAGAIN or waits', (t, rig) => {
    const address = { family: 'unix', path: pathOf('full') } as const
    const b = named(rig, address.path)
    const connected = rig.socket('unixDatagram')
    t.is(rig.run(connectOp(connected, address)), 0)
    let sent = 0
    let waits = sendOp(connected, [0], null)
    while (rig.submit(waits) || settled(rig, waits)) waits = sendOp(connected, [++sent], null)
    t.true(sent > 2)
    const stranger = rig.socket('unixDatagram')
    const other = sendOp(stranger, [99], address)
    if (rig.submit(other)) t.is(suite.nameOf(rig, other.result), 'EAGAIN')
    // A system tells it nothing but that it may try again, at once, for as long as the queue is full.
    else t.false(rig.driver.can.foreignFds)
    // Another one, which is connected, can tell.
    const watcher = rig.socket('unixDatagram')
    t.is(rig.run(connectOp(watcher, address)), 0)
    const room = levelOp(watcher, 'writable')
    t.false(rig.submit(room))
    rig.settle()
    t.true(rig.isPending(room))
    for (let i = 0; i < sent; i++) {
      const op = receiveOp(b)
      t.is(rig.run(op), 1)
      t.deepEqual(taken(op), [i])
    }
    t.is(rig.finish(waits), 1)
    t.true(rig.finish(room) >= 0)
    rig.close(connected, stranger, watcher)
    if (rig.isPending(other)) rig.finish(other)
    rig.close(b)
    if (existsSync(address.path)) unlinkSync(address.path)
  })

  unix.check('a pair of Unix datagrams keeps the bounds of its messages', (t, rig) => {
    const pair = rig.driver.socketPair('unixDatagram')
    if (typeof pair === 'number') return t.fail()
    const [a, b] = pair
    for (const bytes of [[1, 2], [], [3]]) t.is(rig.run(sendOp(a, bytes, null)), bytes.length)
    for (const bytes of [[1, 2], [], [3]]) {
      const op = receiveOp(b)
      t.is(rig.run(op), bytes.length)
      t.deepEqual(taken(op), bytes)
      t.is(op.address?.family === 'unix' ? op.address.path : '', '')
    }
    const waits = receiveOp(b)
    rig.submit(waits)
    rig.close(a)
    t.is(suite.nameOf(rig, rig.run(sendOp(b, [4], null))), 'ECONNREFUSED')
    rig.close(b)
    t.is(rig.finish(waits), CLOSED)
  })
}

/** Has it been completed, after a while? */
function settled(rig: Rig, op: IoOp<unknown>): boolean {
  rig.settle()
  return !rig.isPending(op)
}
