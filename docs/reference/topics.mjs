/**
 * The topics of the reference: which export belongs to which, in the order in which a reader needs
 * them. The one place that says so; plugin.mjs draws the module pages from it, and
 * test/house/reference.test.ts fails for an export that is in no topic, or in two.
 *
 * A topic is a title, a line that says what it is for, and the names: first what is called, then
 * the types that go with it.
 */

/**
 * @typedef {readonly [title: string, summary: string, names: string]} Topic
 * @type {Readonly<Record<string, readonly Topic[]>>}
 */
export const TOPICS = {
  drupe: [
    [
      'Running',
      'From the host into a kernel: run an operation, make a kernel of your own, watch it.',
      'run runSync main Kernel KernelOptions RunOptions MainOptions KernelStatistics Instrument Op Operation Trap Yielded',
    ],
    [
      'Tasks and nurseries',
      'Start tasks, wait for them, and never lose one: none outlives its nursery.',
      `spawn nursery started call current checkpoint suspend Nursery Task NurseryOptions SpawnOptions TaskState`,
    ],
    [
      'Time and cancellation',
      'Sleep, limit how long something may take, cancel it, and shield what has to be done.',
      `sleep sleepUntil clock timeout timeoutAt moveOn scope shield effectiveDeadline interval ticker Ticker Scope
       ScopeOptions TickerOptions WaitOptions`,
    ],
    [
      'Many at once',
      'Run several operations and take all results, the first, or each as it comes.',
      'all race any first allSettled map asCompleted Ops NamedOps MapOptions',
    ],
    [
      'Resources and context',
      'What is closed when its scope ends, whatever happens, and values that tasks inherit.',
      'resource use using ensure context Provide Disposal Context ContextOptions',
    ],
    [
      'Retrying and rates',
      'Try again later, limit a rate, and do one thing once for all who ask.',
      `retry exponential fibonacci fixed jittered RateLimiter singleFlight keyed pool random RetryOptions Schedule
       ExponentialOptions GrowthOptions DrawnDelays RateOptions RateStatistics SingleFlight FlightOptions FlightStatistics
       KeyedTasks KeyedOptions KeyPolicy KeyedStatistics Pool PoolOptions PoolStatistics`,
    ],
    [
      'Synchronisation',
      'What tasks of a thread wait with for each other: events, locks, semaphores, barriers.',
      `Event Lock RLock Semaphore BoundedSemaphore CapacityLimiter Condition Barrier Result EventStatistics LockStatistics
       SemaphoreOptions SemaphoreStatistics BorrowOptions LimiterStatistics ConditionStatistics BarrierStatistics
       ResultState ResultStatistics NameOptions`,
    ],
    [
      'Queues, channels and flows',
      'Values from task to task, with a limit that slows the sender down.',
      `channel broadcast Queue PriorityQueue LifoQueue each subscribe flow Sender Receiver ChannelStatistics Broadcast
       BroadcastOptions BroadcastStatistics SubscribeOptions Subscription SubscriptionStatistics SlowPolicy QueueStatistics
       PriorityOptions Source Cursor Flow StageStatistics`,
    ],
    [
      'Network',
      'TCP, TLS, UDP and Unix sockets; servers; names.',
      `listen connect serve startTls udp unixDatagram socketPair lookup reverse serveProtocol connectProtocol Listener ListenOptions
       SocketOptions ConnectOptions Connection ServeOptions ServeModuleOptions ServeLimits Address TlsStream TlsOptions
       TlsClientOptions TlsServerOptions StartTlsOptions TlsIdentity TlsCertificate TlsVersion UdpSocket UdpOptions
       Datagram ReceiveOptions GroupOptions UnixDatagramSocket UnixDatagramOptions DatagramSocket SocketPairOptions
       Protocol Transport WriteLimits`,
    ],
    [
      'Streams of bytes',
      'Read by lines, lengths and marks, write with a buffer, and copy one stream to another.',
      `pipe corked ByteReader BufferedWriter read write readable writable Stream ByteStream ReadAllOptions ItemOptions
       BufferOptions PipeOptions Bytes`,
    ],
    [
      'Files',
      'Open, read, write, copy, list and watch files, without holding up other tasks.',
      `open readFile writeFile appendFile copyFile readDir mkdir remove rename tempDir stat lstat chmod link symlink
       readlink realpath watch File FileStatus DirectoryEntry FileEvent OpenFlags ReadFileOptions WriteFileOptions
       CopyFileOptions MkdirOptions RemoveOptions WatchOptions`,
    ],
    [
      'Processes, signals and C',
      'Run other programs, hear signals, and call C functions on another thread.',
      `exec startProcess signals foreign arena foreignCallback Process ProcessOptions ProcessPlace Stdio ExecOptions ExecResult Exit SignalName
       CatchableSignal ForeignFunction ForeignArgument ForeignType ForeignMemory ForeignCallback ForeignCallbackOptions
       Arena Koffi`,
    ],
    [
      'Threads and other kernels',
      'Work on other threads and in other processes, and what kernels and host code share.',
      `thread threadPool fork processPool transfer startMessages connectMessages listenMessages UniversalEvent UniversalQueue UniversalResult linkedEvent linkedQueue
       WorkerPool WorkerPoolOptions WorkerPoolStatistics Transferred Transferable Universal UniversalQueueStatistics
       LinkedEvent LinkedQueue LinkPort MessageStream MessageListener StartMessagesOptions ConnectMessagesOptions
       ListenMessagesOptions MessageOptions MessageStatistics MessageListenerStatistics`,
    ],
    [
      'Bridges',
      'Promises, AbortSignals, emitters, async iterables, and the streams of Node and of the Web.',
      `until signal withSignal once events toAsyncIterable fromDuplex toDuplex fromWebStreams toWebStreams withStore Emit
       HostKernel AbortSignalLike EmitterLike EventTargetLike EventsOptions DuplexLike ReadableLike WritableLike NodePair
       DuplexOptions HostDuplex SocketFace ForeignStream WebStreamPair StoreLike HostContext HostContexts`,
    ],
    [
      'Errors',
      'Every error has a class and a stable code; each code has a page.',
      `DrupeError Cancelled TimeoutError TaskCancelledError ClosedError BusyError BrokenError BufferError TooLargeError
       DeadlockError KernelStateError ForgottenYieldError UnsupportedError TlsError AuthenticationError ProcessError SystemError suppressed
       TlsErrorFields SystemErrorFields`,
    ],
  ],
  'drupe/lowlevel': [
    [
      'Sockets as descriptors',
      'Sockets without streams: numbers, and calls on them.',
      `socket bind listen accept connect read write writeAll readable writable shutdown close disconnect setOption
       membership localAddress remoteAddress sendDescriptors receiveDescriptors ReceiveDescriptorsOptions
       ReceivedDescriptors ReceivedMessage Fd Address Endpoint Bytes SocketKind SocketOption DatagramOption Membership`,
    ],
    [
      'Files as descriptors',
      'Files without their class.',
      'openFile stat sync OpenFlags FileStatus DirectoryEntry DirectoryHandle FileNews FileWatcher',
    ],
    [
      'Wait queues',
      'What locks and queues are built from: a task waits in a queue until another one wakes it.',
      'park wake suspend WaitQueue WAIT Atomic Resumer Undo WaitOptions Op Operation Trap Yielded',
    ],
    ['Other threads', 'How another thread, or host code, wakes a kernel.', 'notify Waker WakerToken WakeToken'],
    [
      'Drivers',
      'What a kernel waits with: the contract, and the driver that works everywhere.',
      `chooseDriver HostDriver Driver Capabilities Attachment Lender IoOp IO_NAMES ACCEPT CONNECT READ READABLE RECEIVE
       SEND WRITABLE WRITE BUSY CANCELED CLOSED UNSUPPORTED Request RequestKind RequestKinds OPEN_APPEND OPEN_CREATE
       OPEN_EXCLUSIVE OPEN_READ OPEN_TRUNCATE OPEN_WRITE`,
    ],
    [
      'Processes for drivers',
      'What a driver does for a child process.',
      'ProcessCalls ProcessPlan StartedProcess RefusedProcess Exit SignalName',
    ],
  ],
  'drupe/testing': [
    [
      'Virtual time',
      'Tests of hours that take no time, in an order that a seed repeats.',
      'virtual assertNoLeaks waitAllBlocked Sequencer VirtualDriver VirtualOptions',
    ],
    [
      'Simulated network',
      'Hosts, latency, loss and partitions in one process.',
      `SimNetwork SimHost NetworkOptions HostOptions Conditions NameAnswer Program Programs Results RunOptions SimDriver`,
    ],
    [
      'Exploring',
      'One test under many schedules, and the one that fails made short.',
      'explore Choices ExplorationError ExploreOptions ExploreReport Scenario',
    ],
    [
      'Streams and certificates for tests',
      'Streams in memory, the checks that every stream has to pass, and certificates of an hour.',
      `memoryStreams lockstepStreams streamConformance checkStreams issueCertificate MemoryStream MemoryOptions ByteStream
       StreamCheck StreamPair ConformanceOptions CertificateOptions IssuedCertificate`,
    ],
  ],
  'drupe/effection': [
    ['Effection', 'Operations of either library inside the other.', 'fromEffection toEffection HostKernel'],
  ],
}

/** The pages that are no modules: a title, a line, and the folder or the pages. */
export const PAGES = [
  ['Guides', /^docs\/guides\//],
  ['Cookbook', /^docs\/cookbook\//],
  ['Errors, by code', /^docs\/errors\//],
  ['Recipes for contributors', /^docs\/recipes\//],
  ['Background', /^docs\/[^/]+$|^CHANGELOG|^CONTRIBUTING/],
  ['Decisions', /^docs\/decisions\//],
]

/** The names of a topic. @param {Topic} topic */
export const namesOf = ([, , names]) => names.trim().split(/\s+/)
