/**
 * The choice of a driver: by platform, or by name through DRUPE_DRIVER, with an error that lists what there is.
 */
import test from 'ava'
import { chooseDriver } from '../../native/select.js'

test('a driver that does not exist is refused by name', (t) => {
  t.throws(() => chooseDriver('magic'), { message: /"magic" \(DRUPE_DRIVER\): there is none of that name, only epoll/ })
})

test('host means no driver of ours', (t) => {
  t.is(chooseDriver('host'), null)
})

test('Linux has epoll, by default and by name', (t) => {
  if (process.platform !== 'linux') {
    t.throws(() => chooseDriver('epoll'), { message: /not on/ })
    return
  }
  for (const forced of ['', 'epoll']) {
    const driver = chooseDriver(forced)
    t.is(driver?.name, 'epoll')
    driver?.close()
  }
})
