/**
 * The public surface, name by name. Whoever adds or removes one does it here, too, and in the changelog.
 */
import test from 'ava'
import { exportsOfDoors } from './program.js'

const SURFACE: Readonly<Record<string, { readonly values: string; readonly types: string }>> = {
  'index.ts': {
    values: `
      BrokenError BusyError Cancelled ClosedError DeadlockError DrupeError ForgottenYieldError Kernel KernelStateError
      SystemError TaskCancelledError TimeoutError UnsupportedError checkpoint clock connect current listen moveOn nursery
      read readable run runSync scope serve shield sleep sleepUntil spawn started suppressed suspend timeout timeoutAt udp
      until writable write`,
    types: `
      Address ConnectOptions Datagram Instrument KernelOptions KernelStatistics ListenOptions Listener Nursery NurseryOptions
      Op Operation Scope ScopeOptions ServeOptions SpawnOptions Stream SystemErrorFields Task TaskState Trap UdpOptions
      UdpSocket WaitOptions`,
  },
  'lowlevel.ts': {
    values: `
      ACCEPT BUSY CANCELED CLOSED CONNECT HostDriver IO_NAMES IoOp READ READABLE RECEIVE SEND UNSUPPORTED WRITABLE WRITE
      WaitQueue accept bind chooseDriver close connect knock listen localAddress park read readable remoteAddress setOption
      shutdown socket suspend wake writable write writeAll`,
    types: `
      Address Attachment Driver Endpoint Lender Op Operation SocketKind SocketOption Trap WaitOptions WakeToken Waker
      WakerToken`,
  },
  'testing.ts': {
    values: 'VirtualDriver assertNoLeaks virtual waitAllBlocked',
    types: 'VirtualOptions',
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
