/**
 * Drupe: structured concurrency and native I/O for TypeScript.
 *
 * Tasks are generators that ask the kernel for what they need with `yield*`; `run` runs one on the
 * host's event loop, `runSync` by taking the thread. Everything most programs need is here;
 * `drupe/lowlevel` has file descriptors and wait queues, `drupe/testing` virtual time.
 *
 * @module drupe
 */
/// <reference lib="esnext.disposable" preserve="true" />
export { Kernel, type KernelOptions, type RunOptions, run, runSync } from './doors.js'
export type { KernelStatistics } from './kernel/options.js'
export {
  AuthenticationError,
  BrokenError,
  BufferError,
  BusyError,
  Cancelled,
  ClosedError,
  DeadlockError,
  DrupeError,
  ForgottenYieldError,
  KernelStateError,
  ProcessError,
  SystemError,
  type SystemErrorFields,
  TaskCancelledError,
  TimeoutError,
  TlsError,
  type TlsErrorFields,
  TooLargeError,
  UnsupportedError,
} from './kernel/protocol/errors.js'
export type {
  Nursery,
  NurseryOptions,
  Scope,
  ScopeOptions,
  SpawnOptions,
  Task,
  TaskState,
} from './kernel/protocol/handles.js'
export type { HostContext, HostContexts } from './kernel/protocol/host-context.js'
export type { Address } from './kernel/protocol/io-op.js'
export type { WaitOptions } from './kernel/protocol/operands.js'
export type { ExecResult, Exit, SignalName } from './kernel/protocol/processes.js'
export type { DirectoryEntry, FileStatus } from './kernel/protocol/request.js'
export { suppressed } from './kernel/protocol/suppressed.js'
export type { TlsCertificate, TlsIdentity, TlsVersion } from './kernel/protocol/tls.js'
export type { Op, Operation, Trap, Yielded } from './kernel/protocol/trap.js'
export type { Instrument } from './kernel/watch/instruments.js'
export { type MainOptions, main } from './main.js'
export { type AbortSignalLike, signal, withSignal } from './traps/bridge/abort-signal.js'
export { type Emit, type HostKernel, toAsyncIterable } from './traps/bridge/async-iterable.js'
export { type EventsOptions, events, once } from './traps/bridge/events.js'
export type { EmitterLike, EventTargetLike } from './traps/bridge/listen.js'
export { type StoreLike, withStore } from './traps/bridge/store.js'
export { lookup, reverse } from './traps/net/address.js'
export { BufferedWriter, type BufferOptions, corked } from './traps/net/buffered-writer.js'
export { ByteReader } from './traps/net/byte-reader.js'
export type { ByteStream, ReadAllOptions } from './traps/net/byte-stream.js'
export { type ConnectOptions, connect } from './traps/net/connect.js'
export type { Datagram, DatagramSocket, ReceiveOptions } from './traps/net/datagram.js'
export { type DuplexOptions, type HostDuplex, toDuplex } from './traps/net/duplex.js'
export type { SocketFace } from './traps/net/duplex-socket.js'
export type { ForeignStream } from './traps/net/foreign-stream.js'
export {
  type DuplexLike,
  fromDuplex,
  type NodePair,
  type ReadableLike,
  type WritableLike,
} from './traps/net/from-duplex.js'
export { fromWebStreams } from './traps/net/from-web-streams.js'
export type { ItemOptions } from './traps/net/lines.js'
export { type PipeOptions, pipe } from './traps/net/pipe.js'
export type { Protocol, Transport, WriteLimits } from './traps/net/protocol.js'
export type { ServeLimits } from './traps/net/serve-limits.js'
export { connectProtocol, serveProtocol } from './traps/net/serve-protocol.js'
export { type ServeModuleOptions, type ServeOptions, serve } from './traps/net/server.js'
export { type SocketPairOptions, socketPair } from './traps/net/socket-pair.js'
export type { Stream } from './traps/net/stream.js'
export {
  type Listener,
  type ListenOptions,
  listen,
  type SocketOptions,
} from './traps/net/tcp.js'
export { type StartTlsOptions, startTls } from './traps/net/tls.js'
export type { TlsClientOptions, TlsOptions, TlsServerOptions } from './traps/net/tls-options.js'
export type { Connection, TlsStream } from './traps/net/tls-stream.js'
export { type GroupOptions, type UdpOptions, type UdpSocket, udp } from './traps/net/udp.js'
export { type UnixDatagramOptions, type UnixDatagramSocket, unixDatagram } from './traps/net/unix-datagram.js'
export { toWebStreams, type WebStreamPair } from './traps/net/web-streams.js'
export { type Arena, arena, type ForeignMemory } from './traps/os/arena.js'
export { type ExecOptions, exec } from './traps/os/exec.js'
export type { File } from './traps/os/file.js'
export { type ForeignFunction, foreign } from './traps/os/foreign.js'
export {
  type ForeignCallback,
  type ForeignCallbackOptions,
  foreignCallback,
} from './traps/os/foreign-callback.js'
export { fork, processPool } from './traps/os/fork.js'
export type { ForeignType, Koffi } from './traps/os/koffi.js'
export type { ForeignArgument } from './traps/os/lifetime.js'
export type { MessageListener, MessageListenerStatistics } from './traps/os/message-listener.js'
export type {
  ConnectMessagesOptions,
  ListenMessagesOptions,
  MessageOptions,
  StartMessagesOptions,
} from './traps/os/message-options.js'
export type { MessageStatistics, MessageStream } from './traps/os/message-stream.js'
export { connectMessages, listenMessages, startMessages } from './traps/os/messages.js'
export {
  type CopyFileOptions,
  chmod,
  copyFile,
  link,
  lstat,
  type MkdirOptions,
  mkdir,
  readlink,
  realpath,
  rename,
  symlink,
} from './traps/os/names.js'
export { appendFile, open, type ReadFileOptions, readFile, type WriteFileOptions, writeFile } from './traps/os/open.js'
export { type Process, startProcess } from './traps/os/process.js'
export type { ProcessOptions, ProcessPlace, Stdio } from './traps/os/process-options.js'
export { type CatchableSignal, signals } from './traps/os/signals.js'
export { thread } from './traps/os/thread.js'
export { threadPool } from './traps/os/thread-pool.js'
export { type Transferable, type Transferred, transfer } from './traps/os/transfer.js'
export { type RemoveOptions, readDir, remove, tempDir } from './traps/os/tree.js'
export { type FileEvent, type WatchOptions, watch } from './traps/os/watch.js'
export type { WorkerPool, WorkerPoolOptions, WorkerPoolStatistics } from './traps/os/worker-pool.js'
export { call, checkpoint, current, spawn, suspend } from './traps/raw/call.js'
export { type OpenFlags, stat } from './traps/raw/file.js'
export { interval, Ticker, type TickerOptions, ticker } from './traps/raw/interval.js'
export { read, readable, writable, write } from './traps/raw/io.js'
export { until } from './traps/raw/promise.js'
export { random } from './traps/raw/random.js'
export {
  type DrawnDelays,
  type ExponentialOptions,
  exponential,
  fibonacci,
  fixed,
  type GrowthOptions,
  jittered,
  type Schedule,
} from './traps/raw/schedule.js'
export type { Bytes } from './traps/raw/text.js'
export { clock, sleep, sleepUntil } from './traps/raw/time.js'
export { all, allSettled, any, first, type NamedOps, type Ops, race } from './traps/scope/combinators.js'
export { type Context, type ContextOptions, context } from './traps/scope/context.js'
export type { Disposal } from './traps/scope/disposal.js'
export { type Cursor, each, type Source, subscribe } from './traps/scope/each.js'
export { asCompleted, type MapOptions, map } from './traps/scope/map.js'
export { nursery, started } from './traps/scope/nursery.js'
export { ensure, type Provide, resource, use, using } from './traps/scope/resource.js'
export { type RetryOptions, retry } from './traps/scope/retry.js'
export { effectiveDeadline, moveOn, scope, shield, timeout, timeoutAt } from './traps/scope/scope.js'
export type { NameOptions } from './traps/sync/atomic.js'
export { Barrier, type BarrierStatistics } from './traps/sync/barrier.js'
export {
  type Broadcast,
  type BroadcastOptions,
  type BroadcastStatistics,
  broadcast,
  type SubscribeOptions,
} from './traps/sync/broadcast.js'
export { type ChannelStatistics, channel, type Receiver, type Sender } from './traps/sync/channel.js'
export { Condition, type ConditionStatistics } from './traps/sync/condition.js'
export { Event, type EventStatistics } from './traps/sync/event.js'
export { type Flow, flow, type StageStatistics } from './traps/sync/flow.js'
export { type KeyedOptions, type KeyedStatistics, type KeyedTasks, type KeyPolicy, keyed } from './traps/sync/keyed.js'
export { type BorrowOptions, CapacityLimiter, type LimiterStatistics } from './traps/sync/limiter.js'
export type { LinkPort } from './traps/sync/link.js'
export { type LinkedEvent, type LinkedQueue, linkedEvent, linkedQueue } from './traps/sync/linked.js'
export { Lock, type LockStatistics, RLock } from './traps/sync/lock.js'
export { LifoQueue, type PriorityOptions, PriorityQueue } from './traps/sync/ordered.js'
export { type Pool, type PoolOptions, type PoolStatistics, pool } from './traps/sync/pool.js'
export { Queue, type QueueStatistics } from './traps/sync/queue.js'
export { RateLimiter, type RateOptions, type RateStatistics } from './traps/sync/rate-limiter.js'
export { Result, type ResultState, type ResultStatistics } from './traps/sync/result.js'
export { BoundedSemaphore, Semaphore, type SemaphoreOptions, type SemaphoreStatistics } from './traps/sync/semaphore.js'
export {
  type FlightOptions,
  type FlightStatistics,
  type SingleFlight,
  singleFlight,
} from './traps/sync/single-flight.js'
export type { SlowPolicy, Subscription, SubscriptionStatistics } from './traps/sync/subscription.js'
export type { Universal } from './traps/sync/universal.js'
export { UniversalEvent } from './traps/sync/universal-event.js'
export { UniversalQueue, type UniversalQueueStatistics } from './traps/sync/universal-queue.js'
export { UniversalResult } from './traps/sync/universal-result.js'
