/**
 * The public surface, name by name. A name that is added or removed changes here, too, and in the
 * changelog.
 */
import test from 'ava'
import { exportsOfDoors, undescribed } from './program.js'

const SURFACE: Readonly<Record<string, { readonly values: string; readonly types: string }>> = {
  'index.ts': {
    values: `
      Barrier BoundedSemaphore BrokenError BufferError BufferedWriter BusyError ByteReader Cancelled CapacityLimiter ClosedError Condition DeadlockError
      DrupeError Event ForgottenYieldError Kernel KernelStateError LifoQueue Lock PriorityQueue Queue RLock Result
       Semaphore SystemError TaskCancelledError Ticker TimeoutError TooLargeError UniversalEvent UniversalQueue UniversalResult UnsupportedError all allSettled any asCompleted broadcast call channel checkpoint clock connect context corked current each
      effectiveDeadline ensure events first interval linkedEvent linkedQueue listen lookup map moveOn nursery once race read readable resource
      run runSync scope serve shield signal sleep sleepUntil spawn started subscribe suppressed suspend ticker timeout
      timeoutAt toAsyncIterable udp until use using withStore withSignal writable write`,
    types: `
      AbortSignalLike Address BarrierStatistics BorrowOptions Broadcast BroadcastOptions BufferOptions BroadcastStatistics
      ByteStream ChannelStatistics ConditionStatistics ConnectOptions Context Cursor Datagram Disposal Emit EmitterLike
      EventStatistics EventTargetLike EventsOptions HostContext HostContexts HostKernel Instrument KernelOptions KernelStatistics
      LimiterStatistics LinkPort LinkedEvent LinkedQueue ListenOptions Listener LockStatistics MapOptions NameOptions
       NamedOps Nursery NurseryOptions Op Operation Ops PriorityOptions Provide QueueStatistics ReadAllOptions Receiver ResultState RunOptions ResultStatistics Scope ScopeOptions SemaphoreOptions SemaphoreStatistics Sender ServeLimits ServeModuleOptions ServeOptions SlowPolicy SocketOptions Source
      SpawnOptions StoreLike Stream SubscribeOptions Subscription SubscriptionStatistics SystemErrorFields Task TaskState
      TickerOptions Trap UdpOptions UdpSocket Universal UniversalQueueStatistics WaitOptions Yielded`,
  },
  'lowlevel.ts': {
    values: `
      ACCEPT BUSY CANCELED CLOSED CONNECT HostDriver IO_NAMES IoOp OPEN_APPEND OPEN_CREATE OPEN_EXCLUSIVE
      OPEN_READ OPEN_TRUNCATE OPEN_WRITE READ READABLE RECEIVE Request SEND UNSUPPORTED WAIT
      WRITABLE WRITE WaitQueue accept bind chooseDriver close connect listen localAddress notify openFile park read readable
      remoteAddress setOption shutdown socket stat suspend sync wake writable write writeAll`,
    types: `
      Address Atomic Attachment Capabilities Driver Endpoint Fd FileStatus Lender Op OpenFlags Operation RequestKind RequestKinds Resumer SocketKind SocketOption Trap Undo WaitOptions
      WakeToken Waker WakerToken Yielded`,
  },
  'testing.ts': {
    values: `
      Choices ExplorationError Sequencer SimDriver SimNetwork VirtualDriver assertNoLeaks checkStreams explore
      lockstepStreams memoryStreams streamConformance virtual waitAllBlocked`,
    types: `
      ByteStream Conditions ConformanceOptions ExploreOptions ExploreReport HostOptions MemoryOptions MemoryStream
      NameAnswer NetworkOptions Program Programs Results RunOptions Scenario SimHost StreamCheck StreamPair VirtualOptions`,
  },
  'effection.ts': {
    values: `
      fromEffection toEffection`,
    types: `
      HostKernel`,
  },
}

const doors = exportsOfDoors()

/** What is there and not on the list, and the other way round; both are empty where all is well. */
function differences(names: readonly string[], list: string): { readonly extra: string[]; readonly missing: string[] } {
  const listed = list.trim().split(/\s+/)
  return {
    extra: names.filter((name) => !listed.includes(name)),
    missing: listed.filter((name) => !names.includes(name)),
  }
}

const NONE = { extra: [], missing: [] }

for (const [door, { values, types }] of Object.entries(SURFACE)) {
  const exported = doors.get(door) ?? []

  test(`${door} exports exactly the values on the list`, (t) => {
    const names = exported.filter(({ value }) => value).map(({ name }) => name)
    t.deepEqual(differences(names, values), NONE)
  })

  test(`${door} exports exactly the types on the list`, (t) => {
    const names = exported.filter(({ value }) => !value).map(({ name }) => name)
    t.deepEqual(differences(names, types), NONE)
  })

  test(`${door}: every export has a doc comment`, (t) => {
    const silent = exported.filter(({ comment }) => comment.trim() === '').map(({ name }) => name)
    t.deepEqual(silent, [])
  })

  test(`${door} when loaded has the same values as its types promise`, async (t) => {
    const loaded = await import(new URL(`../../${door.replace(/ts$/, 'js')}`, import.meta.url).href)
    t.deepEqual(differences(Object.keys(loaded), values), NONE)
  })
}

test('every parameter of what is exported is described, and so is every function without any', (t) => {
  t.deepEqual(undescribed(), [])
})
