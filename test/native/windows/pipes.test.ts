/**
 * Named pipes against the contract: what the conformance suite asks of streams, with a pipe where it has a TCP socket. Then
 * what pipes alone have: instances, a client that finds none free, pieces that are still on their way at a close.
 */
import { once } from 'node:events'
import { connect as connectWithNode, createServer } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { run } from '../../../index.js'
import { type Address, CANCELED, type SocketKind, UNSUPPORTED } from '../../../kernel/driver/contract.js'
import { accept, bind, connect, listen, read, socket, writeAll } from '../../../lowlevel.js'
import { IocpDriver } from '../../../native/windows/driver.js'
import { conformanceWith, type Suite } from '../../driver/conformance/all.js'
import { bytes } from '../../driver/conformance/bytes.js'
import { control } from '../../driver/conformance/control.js'
import { gather } from '../../driver/conformance/gather.js'
import { memory } from '../../driver/conformance/memory.js'
import { pressure } from '../../driver/conformance/pressure.js'
import { scatter } from '../../driver/conformance/scatter.js'
import { acceptOp, connectOp, lentReadOp, levelOp, ok, Rig, readOp, writeOp } from '../../driver/rig.js'
import { openDescriptors } from '../../open-descriptors.js'

const NO_HALVES = 'a pipe cannot be closed in one direction'
const NO_RESETS = 'a pipe that the peer has closed is at its end, whatever was in it'

/** What the suite asks and a pipe cannot do. */
const LEFT_OUT = new Map([
  ['after shutdown the peer reads the end and can still answer', NO_HALVES],
  ['a reset connection fails a read that waits with ECONNRESET', NO_RESETS],
  ['a read into pieces from a connection that breaks fails', NO_RESETS],
  ['what a closed connection had received and not read is answered with a reset', NO_RESETS],
])

let names = 0
const freshPath = (): string => `\\\\.\\pipe\\drupe-${process.pid}-${++names}`
const at = (path: string): Address => ({ family: 'unix', path })

/** Where a test asks for TCP, it gets a pipe. */
class PipeRig extends Rig {
  constructor() {
    super(new IocpDriver())
  }

  override socket(kind: SocketKind): number {
    return super.socket(kind === 'tcp4' ? 'pipe' : kind)
  }

  override listen(kind: SocketKind = 'tcp4', address?: Address, backlog = 16): [fd: number, address: Address] {
    if (kind !== 'tcp4') return super.listen(kind, address, backlog)
    return super.listen('pipe', address?.family === 'unix' ? address : at(freshPath()), backlog)
  }

  nameOf(result: number): string {
    return this.driver.describeError(result)[0]
  }
}

function withoutSome(part: (suite: Suite) => void): (suite: Suite) => void {
  return (suite) =>
    part({
      ...suite,
      check(sentence, body, ...needs) {
        const why = LEFT_OUT.get(sentence)
        suite.check(sentence, why === undefined ? body : (t) => t.log(`skipped: ${why}`), ...needs)
      },
    })
}

function check(sentence: string, body: (t: ExecutionContext, rig: PipeRig) => void): void {
  test(`pipes: ${sentence}`, (t) => {
    const rig = new PipeRig()
    try {
      body(t, rig)
    } finally {
      rig.driver.close()
    }
  })
}

function ownTests(): void {
  check('both ends say their path; neither has half a close, or options', (t, rig) => {
    const path = freshPath()
    const [a, b] = rig.pair('tcp4', at(path))
    t.deepEqual(rig.driver.remoteAddress(a), at(path))
    t.deepEqual(rig.driver.localAddress(a), at(''))
    t.deepEqual(rig.driver.localAddress(b), at(path))
    t.deepEqual(rig.driver.remoteAddress(b), at(''))
    t.is(rig.driver.shutdown(a), UNSUPPORTED)
    t.is(rig.driver.setOption(a, 'noDelay', 1), UNSUPPORTED)
    rig.close(a, b)
  })

  check('what cannot be done is refused by name', (t, rig) => {
    const fd = rig.socket('pipe')
    const refused = (result: number): string => rig.nameOf(result)
    t.is(refused(rig.run(readOp(fd))), 'ENOTCONN')
    t.is(refused(rig.run(writeOp(fd, new Uint8Array(1)))), 'ENOTCONN')
    t.is(refused(rig.run(acceptOp(fd))), 'EINVAL')
    t.is(refused(rig.driver.listen(fd, 1)), 'EINVAL')
    t.is(refused(rig.driver.remoteAddress(fd) as number), 'ENOTCONN')
    for (const path of ['/tmp/socket', '\\\\.\\pipe\\', '\\\\elsewhere\\pipe\\name', 'C:\\pipe\\name']) {
      t.is(refused(rig.driver.bind(fd, at(path))), 'EINVAL', path)
      t.is(refused(rig.run(connectOp(fd, at(path)))), 'EINVAL', path)
    }
    t.is(refused(rig.driver.bind(fd, { family: 'ipv4', host: '127.0.0.1', port: 0 })), 'EAFNOSUPPORT')
    t.is(refused(rig.run(connectOp(fd, at(freshPath())))), 'ENOENT')
    t.is(rig.driver.bind(fd, at(freshPath())), 0)
    t.is(refused(rig.driver.bind(fd, at(freshPath()))), 'EINVAL')
    t.is(refused(rig.run(connectOp(fd, at(freshPath())))), 'EINVAL')
    rig.close(fd)
    t.is(refused(rig.run(readOp(fd))), 'EBADF')
  })

  check('a name that somebody has is refused', (t, rig) => {
    const [listener, address] = rig.listen()
    const fd = rig.socket('pipe')
    t.is(rig.nameOf(rig.driver.bind(fd, address)), 'EADDRINUSE')
    rig.close(fd, listener)
  })

  check('a client that finds all instances taken waits for one, and may give up', (t, rig) => {
    const [listener, address] = rig.listen('tcp4', undefined, 1)
    const [first, second, third] = [rig.socket('pipe'), rig.socket('pipe'), rig.socket('pipe')]
    t.is(rig.run(connectOp(first, address)), 0)
    const waiting = connectOp(second, address)
    const givingUp = connectOp(third, address)
    t.false(rig.submit(waiting))
    t.false(rig.submit(givingUp))
    rig.settle()
    if (!rig.cancel(givingUp)) t.is(rig.finish(givingUp), CANCELED)
    const accepted = ok(rig.run(acceptOp(listener)))
    t.is(rig.finish(waiting), 0)
    rig.write(second, 'second')
    rig.write(first, 'first')
    const other = ok(rig.run(acceptOp(listener)))
    t.is(rig.read(accepted), 'first')
    t.is(rig.read(other), 'second')
    rig.close(first, second, third, accepted, other, listener)
  })

  check('a client that waits for an instance learns that the server has gone', (t, rig) => {
    const [listener, address] = rig.listen('tcp4', undefined, 1)
    const [first, second] = [rig.socket('pipe'), rig.socket('pipe')]
    t.is(rig.run(connectOp(first, address)), 0)
    const waiting = connectOp(second, address)
    t.false(rig.submit(waiting))
    rig.close(listener)
    t.is(rig.run(readOp(first)), 0)
    // A pipe is there as long as any end of it.
    rig.close(first)
    t.is(rig.nameOf(rig.finish(waiting)), 'ENOENT')
    rig.close(second)
  })

  check('a connection that has gone before it was accepted is accepted, and read to its end', (t, rig) => {
    const [listener, address] = rig.listen()
    const client = rig.socket('pipe')
    t.is(rig.run(connectOp(client, address)), 0)
    rig.write(client, 'too late')
    rig.close(client)
    const server = ok(rig.run(acceptOp(listener)))
    t.is(rig.read(server), 'too late')
    t.is(rig.run(readOp(server)), 0)
    rig.close(server, listener)
  })

  check('what was written is delivered after a close, also if it did not fit', (t, rig) => {
    const [a, b] = rig.pair()
    const op = writeOp(a, new Uint8Array(1 << 20).fill(7))
    op.all = true
    t.false(rig.submit(op))
    rig.settle()
    if (!rig.cancel(op)) rig.finish(op)
    // The pipe is full, and the rest is with us.
    t.true(op.moved > 64 * 1024)
    rig.close(a)
    let got = 0
    const reading = lentReadOp(b)
    for (let count = ok(rig.run(reading)); count > 0; count = ok(rig.run(reading))) got += count
    t.is(got, op.moved)
    rig.close(b)
  })

  check('a driver that closes gives what was written a moment, and the peer that reads gets it', (t, rig) => {
    const other = new PipeRig()
    const [listener, address] = rig.listen()
    const fd = other.socket('pipe')
    const accepting = acceptOp(listener)
    rig.submit(accepting)
    t.is(other.run(connectOp(fd, address)), 0)
    const server = ok(rig.finish(accepting))
    t.is(rig.run(writeOp(server, new Uint8Array(64 * 1024).fill(1))), 64 * 1024)
    t.is(rig.run(writeOp(server, new Uint8Array(10_000).fill(2))), 10_000)
    // The reader is in the same thread: its read takes the first piece, and makes room for the other.
    const reading = lentReadOp(fd)
    other.submit(reading)
    rig.close(server)
    rig.driver.close()
    let got = 0
    for (let count = ok(other.finish(reading)); count > 0; count = ok(other.run(reading))) got += count
    t.is(got, 74 * 1024 - 240)
    other.close(fd)
    other.driver.close()
  })

  check('readiness is told: of a connection, of bytes, of room', (t, rig) => {
    const [listener, address] = rig.listen()
    const ready = levelOp(listener, 'readable')
    t.false(rig.submit(ready))
    const client = rig.socket('pipe')
    t.is(rig.run(connectOp(client, address)), 0)
    t.is(rig.finish(ready), 0)
    const server = ok(rig.run(acceptOp(listener)))
    const readable = levelOp(server, 'readable')
    t.false(rig.submit(readable))
    t.is(rig.run(levelOp(client, 'writable')), 0)
    rig.write(client, 'x'.repeat(50_000))
    t.is(rig.finish(readable), 0)
    t.is(rig.read(server, 50_000).length, 50_000)
    rig.close(client, server, listener)
  })

  check('three hundred connections, a hundred at a time, leave no handle', (t, rig) => {
    rig.close(...rig.pair())
    const before = openDescriptors()
    for (let round = 0; round < 3; round++) {
      const [listener, address] = rig.listen('tcp4', undefined, 100)
      const clients = Array.from({ length: 100 }, () => rig.socket('pipe'))
      const connecting = clients.map((fd) => connectOp(fd, address))
      for (const op of connecting) rig.submit(op)
      const servers = clients.map(() => ok(rig.run(acceptOp(listener))))
      for (const op of connecting) t.is(rig.isPending(op) ? rig.finish(op) : op.result, 0)
      for (const fd of clients) rig.write(fd, 'hello')
      for (const fd of servers) t.is(rig.read(fd), 'hello')
      rig.close(...servers, listener, ...clients)
      rig.settle()
    }
    t.true(openDescriptors() <= before + 2)
  })

  test('pipes: Node connects to ours, and we to Node’s', async (t) => {
    const path = freshPath()
    const answer = (text: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const client = connectWithNode(path, () => client.write(text))
        client.once('data', (data) => {
          resolve(String(data))
          client.destroy()
        })
        client.once('error', reject)
      })
    const asked = await run(function* () {
      const listener = yield* socket('pipe')
      yield* bind(listener, at(path))
      yield* listen(listener)
      const answered = answer('from Node')
      const fd = yield* accept(listener)
      const buffer = new Uint8Array(100)
      const count = yield* read(fd, buffer)
      yield* writeAll(fd, buffer.subarray(0, count))
      t.is(yield* read(fd, buffer), 0)
      return answered
    })
    t.is(asked, 'from Node')

    const server = createServer((connection) => connection.pipe(connection))
    server.listen(freshPath())
    await once(server, 'listening')
    await run(function* () {
      const fd = yield* socket('pipe')
      yield* connect(fd, at(server.address() as string))
      yield* writeAll(fd, new TextEncoder().encode('to Node'))
      const buffer = new Uint8Array(100)
      t.is(yield* read(fd, buffer), 7)
    })
    server.close()
  })
}

if (process.platform === 'win32') {
  const parts = [bytes, gather, scatter, memory, control, pressure].map(withoutSome)
  conformanceWith('pipes', () => new PipeRig(), ...parts)
  ownTests()
} else {
  test('pipes: the conformance suite', (t) => {
    t.log('skipped: it needs Windows, or Wine (npm run test:windows)')
    t.pass()
  })
}
