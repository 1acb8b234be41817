/**
 * The public surface, name by name. A name that is added or removed changes here, too, and in the
 * changelog.
 */
import test from 'ava'
import { exportsOfDoors, undescribed } from './program.js'

const SURFACE: Readonly<Record<string, { readonly values: string; readonly types: string }>> = {
  'index.ts': {
    values: `
      AuthenticationError Barrier BoundedSemaphore BrokenError BufferError BufferedWriter BusyError ByteReader
      Cancelled CapacityLimiter ClosedError Condition DeadlockError DrupeError Event ForgottenYieldError Kernel
      KernelStateError LifoQueue Lock PriorityQueue ProcessError Queue RLock RateLimiter Result Semaphore SystemError
      TaskCancelledError Ticker TimeoutError TlsError TooLargeError UniversalEvent UniversalQueue UniversalResult
      UnsupportedError all allSettled any appendFile arena asCompleted broadcast call channel checkpoint chmod clock
      connect connectMessages connectProtocol context copyFile corked current each effectiveDeadline ensure events exec
      exponential fibonacci first fixed flow foreign foreignCallback fork fromDuplex fromWebStreams interval jittered
      keyed link linkedEvent linkedQueue listen listenMessages lookup lstat main map mkdir moveOn nursery once open
      pipe pool processPool race random read readDir readFile readable readlink realpath remove rename resource retry
      reverse run runSync scope serve serveProtocol shield signal signals singleFlight sleep sleepUntil socketPair
      spawn startMessages startProcess startTls started stat subscribe suppressed suspend symlink tempDir thread
      threadPool ticker timeout timeoutAt toAsyncIterable toDuplex toWebStreams transfer udp unixDatagram until use
      using watch withSignal withStore writable write writeFile`,
    types: `
      AbortSignalLike Address Arena BarrierStatistics BorrowOptions Broadcast BroadcastOptions BroadcastStatistics
      BufferOptions ByteStream Bytes CatchableSignal ChannelStatistics ConditionStatistics ConnectMessagesOptions
      ConnectOptions Connection Context ContextOptions CopyFileOptions Cursor Datagram DatagramSocket DirectoryEntry
      Disposal DrawnDelays DuplexLike DuplexOptions Emit EmitterLike EventStatistics EventTargetLike EventsOptions
      ExecOptions ExecResult Exit ExponentialOptions File FileEvent FileStatus FlightOptions FlightStatistics Flow
      ForeignArgument ForeignCallback ForeignCallbackOptions ForeignFunction ForeignMemory ForeignStream ForeignType
      GroupOptions GrowthOptions HostContext HostContexts HostDuplex HostKernel Instrument ItemOptions KernelOptions
      KernelStatistics KeyPolicy KeyedOptions KeyedStatistics KeyedTasks Koffi LimiterStatistics LinkPort LinkedEvent
      LinkedQueue ListenMessagesOptions ListenOptions Listener LockStatistics MainOptions MapOptions MessageListener
      MessageListenerStatistics MessageOptions MessageStatistics MessageStream MkdirOptions NameOptions NamedOps
      NodePair Nursery NurseryOptions Op OpenFlags Operation Ops PipeOptions Pool PoolOptions PoolStatistics
      PriorityOptions Process ProcessOptions ProcessPlace Protocol Provide QueueStatistics RateOptions RateStatistics
      ReadAllOptions ReadFileOptions ReadableLike ReceiveOptions Receiver RemoveOptions ResultState ResultStatistics
      RetryOptions RunOptions Schedule Scope ScopeOptions SemaphoreOptions SemaphoreStatistics Sender ServeLimits
      ServeModuleOptions ServeOptions SignalName SingleFlight SlowPolicy SocketFace SocketOptions SocketPairOptions
      Source SpawnOptions StageStatistics StartMessagesOptions StartTlsOptions Stdio StoreLike Stream SubscribeOptions
      Subscription SubscriptionStatistics SystemErrorFields Task TaskState TickerOptions TlsCertificate
      TlsClientOptions TlsErrorFields TlsIdentity TlsOptions TlsServerOptions TlsStream TlsVersion Transferable
      Transferred Transport Trap UdpOptions UdpSocket Universal UniversalQueueStatistics UnixDatagramOptions
      UnixDatagramSocket WaitOptions WatchOptions WebStreamPair WorkerPool WorkerPoolOptions WorkerPoolStatistics
      WritableLike WriteFileOptions WriteLimits Yielded`,
  },
  'lowlevel.ts': {
    values: `
      ACCEPT BUSY CANCELED CLOSED CONNECT HostDriver IO_NAMES IoOp OPEN_APPEND OPEN_CREATE OPEN_EXCLUSIVE OPEN_READ
      OPEN_TRUNCATE OPEN_WRITE READ READABLE RECEIVE Request SEND UNSUPPORTED WAIT WRITABLE WRITE WaitQueue accept bind
      chooseDriver close connect disconnect listen localAddress membership notify openFile park read readable
      receiveDescriptors remoteAddress sendDescriptors setOption shutdown socket stat suspend sync wake writable write
      writeAll`,
    types: `
      Address Atomic Attachment Bytes Capabilities DatagramOption DirectoryEntry DirectoryHandle Driver Endpoint Exit
      Fd FileNews FileStatus FileWatcher Lender Membership Op OpenFlags Operation ProcessCalls ProcessPlan
      ReceiveDescriptorsOptions ReceivedDescriptors ReceivedMessage RefusedProcess RequestKind RequestKinds Resumer
      SignalName SocketKind SocketOption StartedProcess Trap Undo WaitOptions WakeToken Waker WakerToken Yielded`,
  },
  'testing.ts': {
    values: `
      Choices ExplorationError Sequencer SimDriver SimNetwork VirtualDriver assertNoLeaks checkStreams explore issueCertificate
      lockstepStreams memoryStreams streamConformance virtual waitAllBlocked`,
    types: `
      ByteStream CertificateOptions Conditions ConformanceOptions ExploreOptions ExploreReport HostOptions IssuedCertificate MemoryOptions MemoryStream
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
