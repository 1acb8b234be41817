/**
 * The simulated driver keeps the contract of all drivers, in both styles, and on a network that moves bytes in odd pieces.
 *
 * Left out of the common suite is what needs a real clock or a real file system; the same is tested here by other means.
 */
import test from 'ava'
import { SimNetwork } from 'drupe/testing'
import { conformance, type Suite } from '../../driver/conformance/all.js'
import { bytes } from '../../driver/conformance/bytes.js'
import { control } from '../../driver/conformance/control.js'
import { datagrams } from '../../driver/conformance/datagrams.js'
import { gather } from '../../driver/conformance/gather.js'
import { scatter } from '../../driver/conformance/scatter.js'
import { sockets } from '../../driver/conformance/sockets.js'
import { ok, Rig, readOp } from '../../driver/rig.js'

/** These turn in circles until a real clock has moved, or unlink the file of a Unix socket. */
const ELSEWHERE = new Set([
  'an alarm in the past goes off at once, and an alarm at Infinity never',
  'Unix sockets work by path and by abstract name, and say so',
])

const without = (part: (suite: Suite) => void) => (suite: Suite) => {
  part({
    ...suite,
    check: (sentence, body, ...needs) => {
      if (!ELSEWHERE.has(sentence)) suite.check(sentence, body, ...needs)
    },
  })
}

const parts = [bytes, gather, scatter, control, sockets, datagrams].map(without)
const driver = (options: object) => () => new SimNetwork().host('main', options).driver()

conformance('simulated, readiness', driver({}), ...parts)
conformance('simulated, completion', driver({ style: 'completion' }), ...parts)

for (const style of ['readiness', 'completion'] as const) {
  test(`simulated, ${style}: an alarm in the past goes off at once`, (t) => {
    const rig = new Rig(driver({ style })())
    rig.driver.arm(-1000)
    rig.driver.poll(true)
    rig.driver.arm(0)
    rig.driver.poll(true)
    t.is(rig.driver.now(), 0)
    rig.driver.arm(5)
    rig.driver.arm(Number.POSITIVE_INFINITY)
    rig.pass(10)
    t.is(rig.driver.now(), 10)
  })

  test(`simulated, ${style}: Unix sockets work by path and by abstract name, and a path stays behind`, (t) => {
    const host = new SimNetwork().host('main', { style })
    const rig = new Rig(host.driver())
    for (const path of ['/run/socket', '\0abstract']) {
      const [a, b] = rig.pair('unix', { family: 'unix', path })
      rig.write(a, 'over there')
      t.is(rig.read(b), 'over there')
      t.deepEqual(rig.driver.remoteAddress(a), { family: 'unix', path })
      t.deepEqual(rig.driver.localAddress(a), { family: 'unix', path: '' })
      rig.close(a, b)
      const again = rig.socket('unix')
      const result = rig.driver.bind(again, { family: 'unix', path })
      if (path[0] === '/') t.true(host.unlink(path))
      t.is(rig.driver.bind(rig.socket('unix'), { family: 'unix', path: '/run/socket' }), path[0] === '/' ? 0 : -98)
      t.is(result < 0 ? rig.driver.describeError(result)[0] : 'bound', path[0] === '/' ? 'EADDRINUSE' : 'bound')
    }
  })
}

test('completion style: a cancel says that the completion will come, and data that came first wins', (t) => {
  const rig = new Rig(driver({ style: 'completion' })())
  const [a, b] = rig.pair()
  const op = readOp(b)
  t.false(rig.submit(op))
  rig.write(a, 'won')
  rig.pass(1)
  const idle = readOp(a)
  t.false(rig.submit(idle))
  t.false(rig.cancel(idle))
  t.true(ok(op.result) === 3)
  t.is(rig.driver.describeError(rig.finish(idle))[0], 'ECANCELED')
  rig.close(a, b)
})
