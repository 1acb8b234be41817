/** Something of each class, for tests that call all methods that there are. */
import { PassThrough } from 'node:stream'
import * as index from 'drupe'
import * as testing from 'drupe/testing'
import type { TlsSession } from '../../kernel/protocol/tls.js'
import { Stream } from '../../traps/net/stream.js'
import { Listener } from '../../traps/net/tcp.js'
import { TlsStream } from '../../traps/net/tls-stream.js'
import { UdpSocket } from '../../traps/net/udp.js'
import { UnixDatagramSocket } from '../../traps/net/unix-datagram.js'
import { Arena } from '../../traps/os/arena.js'
import { Child } from '../../traps/os/child.js'
import { File } from '../../traps/os/file.js'
import { Seal } from '../../traps/os/message-key.js'
import { MessageListener } from '../../traps/os/message-listener.js'
import { limitsOf } from '../../traps/os/message-options.js'
import { MessageStream } from '../../traps/os/message-stream.js'
import { Process } from '../../traps/os/process.js'
import { planOf } from '../../traps/os/process-options.js'
import * as k from './kinds.js'
import { KOFFI } from './os-operands.js'

export const ADDRESS = { family: 'ipv4', host: '127.0.0.1', port: 80 } as const
export const handles: Record<string, unknown> = {}
testing.virtual({}, () =>
  index.nursery(function* (n) {
    Object.assign(handles, { Nursery: n, Task: yield* index.current() })
    Object.assign(handles, { KeyedTasks: yield* index.keyed(), Pool: yield* index.pool(k.five) })
    Object.assign(handles, { SingleFlight: yield* index.singleFlight(k.five) })
    const module = new URL('data:text/javascript,')
    Object.assign(handles, { WorkerPool: yield* index.threadPool({ module }) })
    yield* index.scope(function* (s) {
      handles['Scope'] = s
    })
  }),
)
export const kernel = new index.Kernel()
export const [sender, receiver] = index.channel()
export const broadcast = index.broadcast()
export const [memory] = testing.memoryStreams()
export const arena = new Arena(KOFFI)
export const network = new testing.SimNetwork()

const listener = new Listener(5, ADDRESS, { port: 0 })
const seal = new Seal(new Uint8Array(32))

/** Something of each class, to call its methods. */
export const THINGS: Readonly<Record<string, unknown>> = {
  ...handles,
  Kernel: kernel,
  BufferedWriter: new index.BufferedWriter(memory),
  ByteReader: memory,
  MemoryStream: memory,
  ForeignStream: index.fromDuplex(new PassThrough()),
  Stream: new Stream(5),
  TlsStream: new TlsStream(memory, {} as TlsSession, 1000),
  File: new File(5, 'r', true),
  Listener: listener,
  UdpSocket: new UdpSocket(5, ADDRESS),
  Arena: arena,
  ForeignMemory: arena.string('text'),
  DatagramSocket: new UnixDatagramSocket(5, null, true),
  UnixDatagramSocket: new UnixDatagramSocket(5, null, true),
  Process: new Process(new Child(planOf('start', 'true', []), 5), []),
  MessageStream: new MessageStream(memory, { incoming: seal, outgoing: seal }, 1000),
  MessageListener: new MessageListener(listener, limitsOf('listen', { key: null }), 5, undefined),
  Context: index.context('context'),
  Barrier: new index.Barrier(2),
  Broadcast: broadcast,
  Subscription: broadcast.subscribe(),
  Receiver: receiver,
  Sender: sender,
  Condition: new index.Condition(),
  Event: new index.Event(),
  CapacityLimiter: new index.CapacityLimiter(2),
  Lock: new index.Lock(),
  RLock: new index.RLock(),
  Queue: new index.Queue(),
  LifoQueue: new index.LifoQueue(),
  PriorityQueue: new index.PriorityQueue(),
  Result: new index.Result(),
  Semaphore: new index.Semaphore(2),
  RateLimiter: new index.RateLimiter(1000, 1),
  Flow: index.flow({ open: () => memory as never }),
  BoundedSemaphore: new index.BoundedSemaphore(2),
  VirtualDriver: new testing.VirtualDriver(),
  Choices: new testing.Choices(1, null),
  SimHost: network.host('a'),
  SimNetwork: network,
  Sequencer: new testing.Sequencer(),
}
