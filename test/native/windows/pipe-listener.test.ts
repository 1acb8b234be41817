/**
 * A listener of pipes against a Windows that does what Wine does not: clients that are quicker than the server, and no more
 * instances. It runs everywhere.
 */
import test from 'ava'
import { EAGAIN } from '../../../native/posix/errno.js'
import {
  ERROR_IO_PENDING,
  ERROR_NO_DATA,
  ERROR_PIPE_CONNECTED,
  INVALID_HANDLE,
} from '../../../native/windows/constants.js'
import { resultOf } from '../../../native/windows/errors.js'
import type { Windows } from '../../../native/windows/kernel32.js'
import { Overlapped, type Records } from '../../../native/windows/overlapped.js'
import { PipeListener } from '../../../native/windows/pipe-listener.js'
import type { Port } from '../../../native/windows/port.js'

const TOO_MANY = 1816

/** What each ConnectNamedPipe comes to, one after the other; later ones wait. `makes`: so many instances can be made. */
function listening(backlog: number, codes: number[], makes = Number.POSITIVE_INFINITY) {
  let made = 0
  let error = 0
  const closed: number[] = []
  const begun: Overlapped[] = []
  let news = 0
  const windows = {
    makePipe() {
      error = TOO_MANY
      return made < makes ? ++made : INVALID_HANDLE
    },
    connectPipe() {
      error = codes.shift() ?? ERROR_IO_PENDING
      return 0
    },
    lastError: () => error,
    closeHandle: (handle: number) => closed.push(handle),
  }
  const records = {
    take(_sink: object, _kind: number, _state: null, _op: null, handle: number) {
      const record = new Overlapped(begun.length, new Uint32Array(16))
      record.handle = handle
      begun.push(record)
      return record
    },
    release: () => {},
    cancel: () => {},
  }
  const listener = PipeListener.open(
    windows as unknown as Windows,
    records as unknown as Records,
    { associate: () => 0 } as unknown as Port,
    'path',
    () => news++,
  ) as PipeListener
  listener.listen(backlog)
  const allow = (count: number): void => {
    makes = count
  }
  return { listener, closed, begun, allow, news: () => news }
}

test('clients that are quicker than the server are accepted, though no packet tells of them', (t) => {
  const { listener } = listening(1, [ERROR_IO_PENDING])
  t.is(listener.accept(), EAGAIN)
  const quick = listening(1, [ERROR_PIPE_CONNECTED, ERROR_NO_DATA, ERROR_PIPE_CONNECTED]).listener
  t.deepEqual([quick.accept(), quick.accept(), quick.accept(), quick.accept()], [1, 2, 3, EAGAIN])
})

test('no more instances: those that are there are accepted, then the reason is told, and it is tried again', (t) => {
  const codes = [ERROR_IO_PENDING, ERROR_IO_PENDING]
  const { listener, begun, allow, news } = listening(2, codes, 2)
  for (const record of begun.slice(0, 2)) listener.completed(record, 0)
  t.is(news(), 2)
  t.deepEqual([listener.accept(), listener.accept()], [1, 2])
  t.is(listener.accept(), resultOf(TOO_MANY))
  t.is(listener.accept(), resultOf(TOO_MANY))
  // Its client comes before anybody waits for it.
  codes.push(ERROR_PIPE_CONNECTED)
  allow(3)
  t.is(listener.accept(), 3)
})

test('a connection that fails is told, and its instance replaced', (t) => {
  const { listener, closed, begun } = listening(1, [])
  Object.assign(begun[0] as Overlapped, { handle: 1 })
  const codeOf = { codeOf: () => 64 }
  Object.assign((listener as unknown as { records: object }).records, codeOf)
  listener.completed(begun[0] as Overlapped, 0xc0000001)
  t.deepEqual(closed, [1])
  t.is(listener.accept(), resultOf(64))
  t.is(listener.accept(), EAGAIN)
  t.is(begun.length, 2)
})

test('closed, it closes every handle once', (t) => {
  const { listener, closed, begun } = listening(3, [ERROR_PIPE_CONNECTED])
  listener.close()
  for (const record of begun) listener.completed(record, 0)
  t.deepEqual(closed.sort(), [1, 2, 3])
})
