/**
 * What a driver can do, said by the driver.
 *
 * Platforms differ in more than speed: one has no files, another cannot share a port. Whoever needs
 * to know asks `driver.can`; nobody guesses it from a driver's name, from a token that is not
 * there, or from a result that says no. Here is what the kernel, the traps or the suite of all
 * drivers ask for. A new driver answers each line.
 */

/** What a driver can do. Constant for its life. */
export interface Capabilities {
  /** It can take the thread: `poll(true)` sleeps. Otherwise it serves guests alone. */
  readonly blocking: boolean
  /**
   * Other threads of this process can have drivers of this kind, and wake this one by its
   * `wakeToken`.
   */
  readonly threads: boolean
  /** TCP and UDP sockets. */
  readonly sockets: boolean
  /** Unix sockets: streams. */
  readonly unixSockets: boolean
  /** Unix sockets of datagrams. */
  readonly unixDatagrams: boolean
  /** Named pipes of Windows. */
  readonly namedPipes: boolean
  /**
   * Several TCP sockets with `reusePort` listen on one port, and each has its share of the
   * connections.
   */
  readonly reusePort: boolean
  /** Files: opened by path, asked about, read, written and flushed. */
  readonly files: boolean
  /** Processes: started, waited for, sent signals. */
  readonly processes: boolean
  /** Its descriptors are those of the OS: it takes others of the process, too. */
  readonly foreignFds: boolean
  /** Datagram sockets are members of groups, and hear what is sent to them. */
  readonly multicast: boolean
  /** Files can be watched: by its own `watcher`, or by the host where it has none. */
  readonly watch: boolean
}
