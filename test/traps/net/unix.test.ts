/**
 * Unix listeners on simulated hosts: processes that are killed, starters in every order; and what is refused at the call.
 */
import test from 'ava'
import {
  all,
  connect,
  Kernel,
  type Listener,
  type ListenOptions,
  listen,
  type Operation,
  type SystemError,
  sleep,
  use,
} from 'drupe'
import { SimNetwork, virtual } from 'drupe/testing'
import { Request } from '../../../kernel/protocol/request.js'
import { EAFNOSUPPORT, EMFILE } from '../../../kernel/sim/errno.js'
import { covers } from '../../covers.js'
import { thrownBy } from '../../kit.js'

const path = '/run/service'
const STARTERS = 5
const SEEDS = 50

const codeOf = (error: unknown): string => (error as SystemError).code

function* lstat(name: string) {
  return yield* new Request('lstat', { path: name }, Number.POSITIVE_INFINITY)
}

test('a process that is killed leaves its file, which its successor replaces and removes at its end', (t) => {
  const network = new SimNetwork()
  const found: unknown[] = []
  network.run({
    server: {
      daemon: true,
      *op() {
        const listener = yield* listen({ path, mode: 0o600 })
        const { kind, mode } = yield* lstat(path)
        found.push(kind, mode)
        yield* listener.accept()
      },
    },
    *main() {
      yield* sleep(10)
      network.crash('server')
      network.restart('server', function* () {
        found.push(codeOf(yield* thrownBy(connect({ path }))))
        yield* use(listen({ path }), function* (listener) {
          const stream = yield* connect({ path })
          yield* (yield* listener.accept()).close()
          yield* stream.close()
        })
        found.push(codeOf(yield* thrownBy(lstat(path))))
      })
      yield* sleep(1000)
    },
  })
  t.deepEqual(found, ['socket', 0o600, 'ECONNREFUSED', 'ENOENT'])
})

for (const style of ['readiness', 'completion'] as const)
  test(`${style}: of starters in any order, one listens, whether the file is stale or not there`, (t) => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const network = new SimNetwork({ seed })
      const host = network.host('main', { style })
      // Killed at once.
      if (seed % 2 === 0) new Kernel({ driver: host.driver() }).runSync(() => listen({ path }))
      if (seed % 2 === 0) network.crash('main')
      network.restart('main')
      virtual({ network, seed }, function* () {
        const listeners: Listener[] = []
        const codes: string[] = []
        const start = function* (): Operation<void> {
          try {
            listeners.push(yield* listen({ path }))
          } catch (error) {
            codes.push(codeOf(error))
          }
        }
        yield* all(Array.from({ length: STARTERS }, () => start))
        t.is(listeners.length, 1)
        t.deepEqual(codes, new Array(STARTERS - 1).fill('EADDRINUSE'))
        const stream = yield* connect({ path })
        const [only] = listeners as [Listener]
        yield* (yield* only.accept()).close()
        yield* stream.close()
        yield* only.close()
      })
      t.false(host.unlink(path))
    }
  })

test('a lock that nobody gives back keeps listeners waiting for two seconds, and keeps stale files', (t) => {
  const network = new SimNetwork()
  const host = network.host('main')
  const other = host.driver()
  t.true(other.lock('/run/other') >= 0)
  const [ms, code] = virtual({ network }, function* () {
    const fresh = yield* listen({ path })
    const before = network.now
    yield* fresh.close()
    other.bind(other.socket('unix'), { family: 'unix', path })
    other.closeFd(4)
    return [before, codeOf(yield* thrownBy(listen({ path })))]
  })
  other.close()
  t.true((ms as number) >= 2000 && (ms as number) < 2100)
  t.is(code, 'EADDRINUSE')
})

test('files of sockets are renamed, linked and removed by their names', (t) => {
  const names = function* (kind: 'rename' | 'link', from: string, to: string) {
    return yield* new Request(kind, { path: from, to }, Number.POSITIVE_INFINITY)
  }
  virtual({ network: new SimNetwork() }, function* () {
    const listener = yield* listen({ path })
    yield* names('link', path, '/run/link')
    t.is((yield* lstat('/run/link')).links, 2)
    t.is(codeOf(yield* thrownBy(names('link', path, '/run/link'))), 'EEXIST')
    yield* names('rename', path, '/run/moved')
    const stream = yield* connect({ path: '/run/moved' })
    yield* (yield* listener.accept()).close()
    yield* stream.close()
    t.is(codeOf(yield* thrownBy(connect({ path }))), 'ENOENT')
    t.is(codeOf(yield* thrownBy(names('rename', path, '/run/x'))), 'ENOENT')
    yield* names('rename', '/run/link', '/run/moved')
    t.is((yield* lstat('/run/link')).inode, (yield* lstat('/run/moved')).inode)
    yield* listener.close()
    t.is((yield* lstat('/run/moved')).kind, 'socket')
  })
})

test('what cannot be is refused at the call', (t) => {
  covers(
    t,
    'trio open_tcp_listeners: open_tcp_listeners_port_checking, open_tcp_listeners_backlog_float_error',
    'trio open_unix_stream: open_with_bad_filename_type',
    'uvloop tcp: create_server_2, create_server_float_backlog',
  )
  const refused = (options: object): string => (t.throws(() => listen(options as ListenOptions)) as Error).message
  t.regex(refused({}), /port/)
  t.regex(refused({ port: -1 }), /port/)
  t.regex(refused({ port: '80' }), /port/)
  t.regex(refused({ port: 80, backlog: 2.5 }), /backlog/)
  t.regex(refused({ port: 80, backlog: '1' }), /backlog/)
  t.is(refused({ path, port: 80 }), 'Cannot listen: it takes a path alone, or a host and a port')
  t.regex(refused({ path, reusePort: true }), /path alone/)
  t.regex(refused({ path, ipv6Only: true }), /path alone/)
  t.regex(refused({ path: '' }), /path must be a path/)
  t.regex(refused({ path: 7 }), /path/)
  t.regex(refused({ path: 'a\0b' }), /path/)
  t.regex(refused({ path, mode: 0o1777 }), /mode/)
  t.regex(refused({ path, mode: '600' }), /mode/)
  t.regex(refused({ path: '\0a', mode: 0o600 }), /an abstract name has no mode/)
  t.regex(refused({ port: 80, mode: 0o600 }), /mode is for a path/)
  t.regex(refused({ host: '127.0.0.1', port: 80, ipv6Only: true }), /ipv6Only is for IPv6/)
  t.regex(refused({ port: 80, ipv6Only: 1 }), /ipv6Only/)
})

test('a machine without IPv6 listens by IPv4, unless IPv6 was asked for; another error of a socket is told', (t) => {
  covers(
    t,
    'trio open_tcp_listeners: open_tcp_listeners_some_address_families_unavailable',
    'trio open_tcp_listeners: open_tcp_listeners_socket_fails_not_afnosupport',
  )
  const outcomeOf = (errno: number, options: ListenOptions): string => {
    const driver = new SimNetwork().host('main').driver()
    const socket = driver.socket.bind(driver)
    driver.socket = (kind) => (kind === 'tcp6' ? errno : socket(kind))
    const kernel = new Kernel({ driver })
    try {
      return kernel.runSync(function* () {
        return yield* use(listen(options), function* ({ address }) {
          return address.family
        })
      })
    } catch (error) {
      return codeOf(error)
    } finally {
      kernel.closeSync()
    }
  }
  t.is(outcomeOf(EAFNOSUPPORT, { port: 80 }), 'ipv4')
  t.is(outcomeOf(EAFNOSUPPORT, { port: 80, ipv6Only: true }), 'EAFNOSUPPORT')
  t.is(outcomeOf(EAFNOSUPPORT, { host: '::1', port: 80 }), 'EAFNOSUPPORT')
  t.is(outcomeOf(EMFILE, { port: 80 }), 'EMFILE')
})

test('where there are no Unix sockets, listening says so', (t) => {
  covers(t, 'trio open_unix_stream: error_on_no_unix')
  const error = t.throws(() => virtual({}, () => listen({ path })))
  t.is(codeOf(error), 'DRUPE_UNSUPPORTED')
})
