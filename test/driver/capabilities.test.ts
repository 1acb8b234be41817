/**
 * What each driver says that it can do, beside what it does; and what is in no program's hands, the
 * token of a driver.
 */
import test from 'ava'
import { HostDriver, notify, UNSUPPORTED } from 'drupe/lowlevel'
import { SimNetwork, VirtualDriver } from 'drupe/testing'
import type { Driver, SocketKind } from '../../kernel/driver/contract.js'
import { KqueueDriver } from '../../native/bsd/driver.js'
import { CAN } from '../../native/linux/constants.js'
import { EpollDriver } from '../../native/linux/epoll.js'
import { openLibc } from '../../native/linux/libc.js'
import { UringDriver } from '../../native/linux/uring/driver.js'
import { IocpDriver } from '../../native/windows/driver.js'
import { kqueueFor } from '../native/bsd/shim.js'
import { Rig } from './rig.js'

const source = kqueueFor()

const DRIVERS: Readonly<Record<string, () => Driver>> = {
  host: () => new HostDriver(),
  virtual: () => new VirtualDriver(),
  simulated: () => new SimNetwork().host('main').driver(),
  ...(process.platform === 'linux' && { epoll: () => new EpollDriver(), io_uring: () => new UringDriver() }),
  ...(typeof source === 'object' && { kqueue: () => new KqueueDriver({ libc: openLibc(), can: CAN, source }) }),
  ...(process.platform === 'win32' && { iocp: () => new IocpDriver() }),
}

for (const [name, make] of Object.entries(DRIVERS)) {
  test(`${name}: what it says that it can do is what it does`, (t) => {
    const rig = new Rig(make())
    const { can, wakeToken } = rig.driver
    t.is(rig.driver.name, name)
    t.is(wakeToken !== null, can.threads)
    t.deepEqual(structuredClone(wakeToken), wakeToken)
    const gives = (kind: SocketKind): boolean => {
      const fd = rig.driver.socket(kind)
      if (fd >= 0) rig.close(fd)
      return fd !== UNSUPPORTED
    }
    t.is(gives('tcp4') && gives('udp6'), can.sockets)
    t.is(gives('unix'), can.unixSockets)
    t.is(gives('unixDatagram'), can.unixDatagrams)
    t.is(gives('pipe'), can.namedPipes)
    t.is(rig.driver.processes !== undefined, can.processes)
    if (can.reusePort) {
      const [fd] = rig.listen()
      t.is(rig.driver.setOption(fd, 'reusePort', 1), 0)
      rig.close(fd)
    }
    rig.driver.close()
  })
}

test('notify takes the token of a waker, and of nothing else', (t) => {
  const notifications = new SharedArrayBuffer(4)
  for (const token of [
    null,
    {},
    { notifications },
    { wake: null, notifications },
    { wake: { pipe: -1 }, notifications },
  ])
    t.throws(() => notify(token as never), {
      instanceOf: TypeError,
      message: /^Cannot notify: token must be the token of a waker/,
    })
  t.is(new Int32Array(notifications)[0], 0)
})
