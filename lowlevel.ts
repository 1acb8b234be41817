/**
 * Below the comfort: file descriptors, wait queues, drivers, other threads. What streams and locks
 * are built from.
 *
 * @module drupe/lowlevel
 */
/// <reference lib="esnext.disposable" preserve="true" />
export {
  type Attachment,
  BUSY,
  CANCELED,
  CLOSED,
  type DatagramOption,
  type Driver,
  type Membership,
  type SocketKind,
  type SocketOption,
  UNSUPPORTED,
  type WakeToken,
} from './kernel/driver/contract.js'
export { HostDriver } from './kernel/driver/host.js'
export type { FileNews, FileWatcher, ReceivedDescriptors, ReceivedMessage } from './kernel/protocol/calls.js'
export type { Capabilities } from './kernel/protocol/capabilities.js'
export {
  ACCEPT,
  type Address,
  CONNECT,
  type Fd,
  IO_NAMES,
  IoOp,
  type Lender,
  READ,
  READABLE,
  RECEIVE,
  SEND,
  WRITABLE,
  WRITE,
} from './kernel/protocol/io-op.js'
export type { WaitOptions } from './kernel/protocol/operands.js'
export type {
  Exit,
  ProcessCalls,
  ProcessPlan,
  RefusedProcess,
  SignalName,
  StartedProcess,
} from './kernel/protocol/processes.js'
export {
  type DirectoryEntry,
  type DirectoryHandle,
  type FileStatus,
  OPEN_APPEND,
  OPEN_CREATE,
  OPEN_EXCLUSIVE,
  OPEN_READ,
  OPEN_TRUNCATE,
  OPEN_WRITE,
  Request,
  type RequestKind,
  type RequestKinds,
} from './kernel/protocol/request.js'
export type { Atomic, Resumer, Undo } from './kernel/protocol/scheduler.js'
export type { Op, Operation, Trap, Yielded } from './kernel/protocol/trap.js'
export { WAIT, WaitQueue } from './kernel/protocol/wait-queue.js'
export type { Waker, WakerToken } from './kernel/waker.js'
export { notify } from './native/notify.js'
export { chooseDriver } from './native/select.js'
export { type ReceiveDescriptorsOptions, receiveDescriptors, sendDescriptors } from './traps/net/descriptors.js'
export { park, suspend, wake } from './traps/raw/call.js'
export { type OpenFlags, openFile, stat, sync } from './traps/raw/file.js'
export {
  accept,
  bind,
  close,
  connect,
  disconnect,
  listen,
  localAddress,
  membership,
  read,
  readable,
  remoteAddress,
  setOption,
  shutdown,
  socket,
  writable,
  write,
  writeAll,
} from './traps/raw/io.js'
export type { Endpoint } from './traps/raw/ip.js'
export type { Bytes } from './traps/raw/text.js'
