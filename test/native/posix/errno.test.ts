/**
 * Error numbers: each has the name and words that Node gives it, and the few that the drivers compare with are right.
 */
import { constants } from 'node:os'
import test from 'ava'
import { BUSY, CANCELED, CLOSED, UNSUPPORTED } from '../../../kernel/driver/contract.js'
import * as errno from '../../../native/posix/errno.js'

test('system errors have their name and words', (t) => {
  t.deepEqual(errno.describeError(-constants.errno.ECONNREFUSED), ['ECONNREFUSED', 'connection refused'])
  t.is(errno.describeError(errno.EBADF)[0], 'EBADF')
})

test('what only the system names, and Node’s own table does not, has its name', (t) => {
  if (process.platform === 'win32') return t.pass()
  const names = ['ENOEXEC', 'EDQUOT', 'ESTALE', 'EDEADLK', 'ENOLCK', 'EBADMSG', 'ECHILD', 'ENETRESET', 'ETIME']
  const known: Readonly<Record<string, number>> = constants.errno
  for (const name of names.filter((one) => one in known)) {
    const [code, text] = errno.describeError(-(known[name] as number))
    t.is(code, name)
    t.notRegex(text, /unknown/)
  }
})

test('portable results and unknown numbers have a name too', (t) => {
  for (const result of [CANCELED, CLOSED, BUSY, UNSUPPORTED]) t.not(errno.describeError(result)[0], 'UNKNOWN')
  t.deepEqual(errno.describeError(-99_999), ['UNKNOWN', 'unknown error -99999'])
})

test('the constants are what this system calls them', (t) => {
  if (process.platform !== 'linux') return t.pass()
  const known: Record<string, number> = constants.errno
  for (const [name, value] of Object.entries(errno)) {
    if (typeof value === 'number') t.is(value, -(known[name] as number), name)
  }
})
