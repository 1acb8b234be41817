/**
 * The immediate calls: what a task asks of the driver and has answered at once.
 *
 * An ASK carries a function that is given these, and nothing else of the driver. Nothing here
 * waits, so nothing here can be cancelled. A negative number becomes the error of the task that
 * asked.
 */
import type { Capabilities } from './capabilities.js'
import type { Address, Fd } from './io-op.js'
import type { ProcessCalls } from './processes.js'

/**
 * Sockets that a driver can open. `'unix'` is a stream, `'unixDatagram'` is none. A `'pipe'` is a
 * named pipe of Windows: a stream within the machine, with a path such as `\\\\.\\pipe\\name` where
 * a Unix socket has its own.
 */
export type SocketKind = 'tcp4' | 'tcp6' | 'udp4' | 'udp6' | 'unix' | 'unixDatagram' | 'pipe'

/** Does such a socket send and receive datagrams? */
export function isDatagrams(kind: SocketKind): boolean {
  return kind === 'udp4' || kind === 'udp6' || kind === 'unixDatagram'
}

/**
 * Options of datagrams, which each family of addresses has for itself: over how many routers a
 * datagram goes, and what becomes of those that are sent to a group.
 */
export type DatagramOption = 'ttl' | 'multicastTtl' | 'multicastLoopback' | 'multicastInterface'

/**
 * Socket options that a driver can set: switches, sizes in bytes, numbers of routers, and the
 * number of an interface (0: the system's choice).
 */
export type SocketOption =
  | DatagramOption
  | 'broadcast'
  | 'noDelay'
  | 'reuseAddress'
  | 'reusePort'
  | 'keepAlive'
  | 'ipv6Only'
  | 'receiveBufferBytes'
  | 'sendBufferBytes'

/** What has happened in a directory, or to a file, that is watched. */
export interface FileNews {
  /** What `add` gave; -1 of an overflow. */
  readonly id: number
  /** What has happened; after an overflow some news are lost. */
  readonly change: 'created' | 'changed' | 'removed' | 'overflow'
  /** Within the directory; empty: it is what is watched itself. */
  readonly name: string
  /** Whether it is about a directory. */
  readonly directory: boolean
}

/** Watches files; what it tells is read from its descriptor. */
export interface FileWatcher {
  /** The descriptor to read from. */
  readonly fd: Fd
  /**
   * Watches one more; its number, or a negative errno.
   *
   * @param path A file or a directory.
   * @param nested Only a directory, and no link to one.
   */
  add(path: string, nested: boolean): number
  /**
   * Watches one no more; news of it may still be on their way.
   *
   * @param id What `add` gave. It may have ended by itself.
   */
  remove(id: number): void
  /**
   * What some bytes from the descriptor say.
   *
   * @param bytes They end where a read ended.
   */
  newsIn(bytes: Uint8Array): FileNews[]
}

/** What came with some bytes over a Unix socket. */
export interface ReceivedDescriptors {
  /** How many bytes; 0 at the end of a stream. */
  readonly bytes: number
  /** New descriptors of this process, which the caller owns: it has to close them. */
  readonly descriptors: readonly Fd[]
  /** It was a datagram that is longer than the buffer, and its end is lost. */
  readonly truncated: boolean
}

/** The same, from a driver. */
export interface ReceivedMessage extends ReceivedDescriptors {
  /** More came than were to, or than this process may have: all that came are closed. */
  readonly lost: boolean
}

/** The membership of a socket in a group of receivers. */
export interface Membership {
  /** The group's address; its port does not count. */
  readonly group: Address
  /** The number of the interface where the group is; 0: the system's choice. */
  readonly interfaceIndex: number
  /** Datagrams of this sender alone. */
  readonly source: Address | null
}

/** They never wait. Numbers are fds, 0, or negative errno. */
export interface ImmediateCalls {
  /** What it is called: `io_uring`, `epoll`, `host`. */
  readonly name: string
  /** What it can do. */
  readonly can: Capabilities
  /** There exactly if `can.processes` is true. */
  readonly processes?: ProcessCalls
  /**
   * Opens a socket; its fd.
   *
   * @param kind Its protocol, and the family of its addresses.
   */
  socket(kind: SocketKind): number
  /**
   * Opens two Unix sockets that are connected to each other; their fds.
   *
   * @param kind Streams, or datagrams.
   */
  socketPair(kind: 'unix' | 'unixDatagram'): readonly [Fd, Fd] | number
  /**
   * Gives a socket its address.
   *
   * @param fd Which socket.
   * @param address Port 0 is any that is free.
   */
  bind(fd: Fd, address: Address): number
  /**
   * Makes a socket accept connections.
   *
   * @param fd Which socket.
   * @param backlog How many connections may wait to be accepted.
   */
  listen(fd: Fd, backlog: number): number
  /**
   * Locks the directory of a path against others that do the same; a descriptor that holds the lock
   * until it is closed, or EAGAIN: somebody else holds it. The OS takes it back from a process that
   * dies.
   *
   * @param path A path in that directory, whether there is such a file or not.
   */
  lock(path: string): number
  /**
   * Sets an option.
   *
   * @param fd Which socket.
   * @param option Which one.
   * @param value 0 or 1, a size in bytes, or another number that the option is about.
   */
  setOption(fd: Fd, option: SocketOption, value: number): number
  /**
   * The address of this end.
   *
   * @param fd Which socket.
   */
  localAddress(fd: Fd): Address | number
  /**
   * The address of the other end.
   *
   * @param fd Which socket.
   */
  remoteAddress(fd: Fd): Address | number
  /**
   * Makes a socket a member of a group, or ends that.
   *
   * @param fd Which socket.
   * @param joins True: it becomes one.
   * @param membership Which group, and where.
   */
  membership(fd: Fd, joins: boolean, membership: Membership): number
  /**
   * Undoes the CONNECT of a datagram socket: it has no peer any more. A port that the system had
   * chosen may be gone, too; it can be bound again.
   *
   * @param fd Which socket.
   */
  disconnect(fd: Fd): number
  /**
   * Ends the writing side, so that the peer reads an end.
   *
   * @param fd Which socket.
   */
  shutdown(fd: Fd): number
  /**
   * Sends bytes over a Unix socket, and descriptors with the first of them; how many bytes went.
   * EAGAIN: there is no room. There exactly where `receiveDescriptors` is.
   *
   * @param fd Which socket.
   * @param bytes One at least.
   * @param descriptors They stay open here.
   */
  sendDescriptors?(fd: Fd, bytes: Uint8Array, descriptors: readonly Fd[]): number
  /**
   * Receives bytes, and what comes with them. EAGAIN: nothing is there. From now on nothing is
   * received ahead on this socket, with which descriptors would be lost.
   *
   * @param fd Which socket.
   * @param buffer Where the bytes go.
   * @param most If more descriptors come, all are closed.
   */
  receiveDescriptors?(fd: Fd, buffer: Uint8Array, most: number): ReceivedMessage | number
  /** A new watcher of files, if the system has such; its descriptor is closed as any other. */
  watcher?(): FileWatcher | number
  /**
   * Closes a descriptor, and completes what waits on it with CLOSED.
   *
   * @param fd Which one.
   */
  closeFd(fd: Fd): number
  /**
   * Name and words of a negative result: `['ECONNREFUSED', 'connection refused']`.
   *
   * @param result What a call gave, or an operation.
   * @param syscall Which call, as Node names it; a limit of the process goes with some.
   */
  describeError(result: number, syscall?: string): readonly [name: string, text: string]
}
