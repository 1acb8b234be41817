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
  BrokenError,
  BufferError,
  BusyError,
  Cancelled,
  ClosedError,
  DeadlockError,
  DrupeError,
  ForgottenYieldError,
  KernelStateError,
  SystemError,
  type SystemErrorFields,
  TaskCancelledError,
  TimeoutError,
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
export { suppressed } from './kernel/protocol/suppressed.js'
export type { Op, Operation, Trap, Yielded } from './kernel/protocol/trap.js'
export type { Instrument } from './kernel/watch/instruments.js'
export { type AbortSignalLike, signal, withSignal } from './traps/bridge/abort-signal.js'
export { type Emit, type HostKernel, toAsyncIterable } from './traps/bridge/async-iterable.js'
export { type EventsOptions, events, once } from './traps/bridge/events.js'
export type { EmitterLike, EventTargetLike } from './traps/bridge/listen.js'
export { type StoreLike, withStore } from './traps/bridge/store.js'
export { lookup } from './traps/net/address.js'
export { BufferedWriter, type BufferOptions, corked } from './traps/net/buffered-writer.js'
export { ByteReader } from './traps/net/byte-reader.js'
export type { ByteStream, ReadAllOptions } from './traps/net/byte-stream.js'
export { type ConnectOptions, connect } from './traps/net/connect.js'
export type { ServeLimits } from './traps/net/serve-limits.js'
export { type ServeModuleOptions, type ServeOptions, serve } from './traps/net/server.js'
export type { Stream } from './traps/net/stream.js'
export {
  type Listener,
  type ListenOptions,
  listen,
  type SocketOptions,
} from './traps/net/tcp.js'
export { type Datagram, type UdpOptions, type UdpSocket, udp } from './traps/net/udp.js'
export { call, checkpoint, current, spawn, suspend } from './traps/raw/call.js'
export { interval, Ticker, type TickerOptions, ticker } from './traps/raw/interval.js'
export { read, readable, writable, write } from './traps/raw/io.js'
export { until } from './traps/raw/promise.js'
export { clock, sleep, sleepUntil } from './traps/raw/time.js'
export { all, allSettled, any, first, type NamedOps, type Ops, race } from './traps/scope/combinators.js'
export { type Context, context } from './traps/scope/context.js'
export type { Disposal } from './traps/scope/disposal.js'
export { type Cursor, each, type Source, subscribe } from './traps/scope/each.js'
export { asCompleted, type MapOptions, map } from './traps/scope/map.js'
export { nursery, started } from './traps/scope/nursery.js'
export { ensure, type Provide, resource, use, using } from './traps/scope/resource.js'
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
export { type BorrowOptions, CapacityLimiter, type LimiterStatistics } from './traps/sync/limiter.js'
export type { LinkPort } from './traps/sync/link.js'
export { type LinkedEvent, type LinkedQueue, linkedEvent, linkedQueue } from './traps/sync/linked.js'
export { Lock, type LockStatistics, RLock } from './traps/sync/lock.js'
export { LifoQueue, type PriorityOptions, PriorityQueue } from './traps/sync/ordered.js'
export { Queue, type QueueStatistics } from './traps/sync/queue.js'
export { Result, type ResultState, type ResultStatistics } from './traps/sync/result.js'
export { BoundedSemaphore, Semaphore, type SemaphoreOptions, type SemaphoreStatistics } from './traps/sync/semaphore.js'
export type { SlowPolicy, Subscription, SubscriptionStatistics } from './traps/sync/subscription.js'
export type { Universal } from './traps/sync/universal.js'
export { UniversalEvent } from './traps/sync/universal-event.js'
export { UniversalQueue, type UniversalQueueStatistics } from './traps/sync/universal-queue.js'
export { UniversalResult } from './traps/sync/universal-result.js'
