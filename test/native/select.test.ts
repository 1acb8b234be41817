/**
 * The choice of a driver: by platform, or by name through DRUPE_DRIVER, with an error that lists what there is.
 */
import test from 'ava'
import { chooseDriver } from '../../native/select.js'

test('a driver that does not exist is refused by name', (t) => {
  t.throws(() => chooseDriver('magic'), {
    message: /"magic" \(DRUPE_DRIVER\): there is none of that name, only io_uring, epoll, kqueue, iocp, host/,
  })
})

test('host means no driver of ours', (t) => {
  t.is(chooseDriver('host'), null)
})

test('Linux has epoll and, if it is not forbidden, io_uring', (t) => {
  if (process.platform !== 'linux') {
    t.throws(() => chooseDriver('epoll'), { message: /not on/ })
    return
  }
  for (const forced of ['io_uring', 'epoll']) {
    const driver = chooseDriver(forced)
    t.is(driver?.name, forced)
    driver?.close()
  }
  const driver = chooseDriver('')
  t.is(driver?.name, 'io_uring')
  driver?.close()
})
