/**
 * Descriptors in messages, as far as systems differ: one that cannot close them in child processes from the start, and how
 * many there may be at once.
 */
import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import type { ReceivedMessage } from '../../../kernel/driver/contract.js'
import { MESSAGES } from '../../../native/linux/constants.js'
import { type Libc, openLibc } from '../../../native/linux/libc.js'
import { Descriptors } from '../../../native/posix/descriptors.js'

const SOCK_STREAM = 1
const isLinux = process.platform === 'linux'

/** Runs a test with a pair of sockets, and closes them. */
function withPair(title: string, body: (t: ExecutionContext, libc: Libc, a: number, b: number) => void): void {
  test(title, (t) => {
    if (!isLinux) {
      t.log('skipped: it needs Linux')
      return t.pass()
    }
    const libc = openLibc()
    const ends = new Int32Array(2)
    t.is(libc.socketPair(SOCK_STREAM, libc.addressOf(ends)), 0)
    const [a, b] = ends as unknown as [number, number]
    body(t, libc, a, b)
    for (const fd of ends) libc.close(fd)
  })
}

const isClosedOnExec = (fd: number): boolean => {
  const [, flags = ''] = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? []
  return (Number.parseInt(flags, 8) & 0o2000000) !== 0
}

const bytes = (): Uint8Array => new Uint8Array([1, 2, 3])

withPair('where a message cannot say it, they are closed in child processes a call later', (t, libc, a, b) => {
  for (const system of [MESSAGES, { ...MESSAGES, CMSG_CLOEXEC: 0 }]) {
    const descriptors = new Descriptors(libc, system)
    t.is(descriptors.send(a, bytes(), [0, a, b]), 3)
    const received = descriptors.receive(b, new Uint8Array(9), 253) as ReceivedMessage
    t.like(received, { bytes: 3, lost: false, truncated: false })
    t.is(received.descriptors.length, 3)
    for (const fd of received.descriptors) {
      t.true(isClosedOnExec(fd))
      libc.close(fd)
    }
  }
})

withPair('as many as Linux passes at once come, one more is refused', (t, libc, a, b) => {
  const descriptors = new Descriptors(libc, MESSAGES)
  const many = new Array<number>(253).fill(a)
  t.is(descriptors.send(a, bytes(), many), 3)
  t.true(descriptors.send(a, bytes(), [...many, a]) < 0)
  const received = descriptors.receive(b, new Uint8Array(9), 253) as ReceivedMessage
  t.is(new Set(received.descriptors).size, 253)
  t.false(received.lost)
  for (const fd of received.descriptors) libc.close(fd)
})
