/**
 * Packets that come when what they are about is gone, and its number is another's: of a job whose process had the same
 * number, of a wait for a pipe whose descriptor was closed. A Windows that gives such numbers at once stands in for the real
 * one, so it runs everywhere.
 */
import test from 'ava'
import { type ProcessPlan, STDIO_IGNORE } from '../../../kernel/protocol/processes.js'
import type { Koffi } from '../../../native/koffi.js'
import { STATUS_PENDING } from '../../../native/windows/constants.js'
import { Handles } from '../../../native/windows/handles.js'
import type { Windows } from '../../../native/windows/kernel32.js'
import { Overlapped, type Records } from '../../../native/windows/overlapped.js'
import { PipeWaits } from '../../../native/windows/pipe-waits.js'
import type { Pipes } from '../../../native/windows/pipes.js'
import { hand, PACKET_WORDS, type Port } from '../../../native/windows/port.js'
import { Processes } from '../../../native/windows/processes.js'

const PID = 7
const EXIT_PROCESS = 7
const COMPLETION_PORT = 7
const WAIT_TIMEOUT = 258
const FILE_ATTRIBUTE_NORMAL = 0x80

/** Every process runs, and has the number 7. */
function starting() {
  const views = new Map<number, ArrayBufferView>()
  const addressOf = (view: ArrayBufferView): number => {
    views.set(views.size + 1, view)
    return views.size
  }
  const keys: number[] = []
  const news: number[] = []
  const closers: (() => void)[] = []
  const functions: Record<string, (...operands: number[]) => number> = {
    GetFileAttributesW: () => FILE_ATTRIBUTE_NORMAL,
    WaitForSingleObject: () => WAIT_TIMEOUT,
    CreateProcessW(...operands) {
      ;(views.get(operands[9] as number) as Uint32Array).set([10, 0, 11, 0, PID, 0])
      return 1
    },
    SetInformationJobObject(_job, what, at) {
      if (what === COMPLETION_PORT) keys.push(Number((views.get(at as number) as BigInt64Array)[0]))
      return 1
    },
  }
  const koffi = {
    address: addressOf,
    load: () => ({ func: (name: string) => functions[name] ?? (() => 1) }),
  } as unknown as Koffi
  const windows = { koffi, addressOf, closeHandle: () => 1, openFile: () => 20, lastError: () => 0 }
  const pipes = {
    adoptSource(job: { close(): void }, begin: (tell: () => void) => void) {
      const fd = closers.push(() => job.close()) - 1
      begin(() => news.push(fd))
      return fd
    },
  }
  const processes = new Processes(
    windows as unknown as Windows,
    new Handles(),
    { handle: 1 } as Port,
    pipes as unknown as Pipes,
    () => {},
  )
  return { processes, keys, news, closers }
}

const PLAN: ProcessPlan = {
  command: 'C:\\program.exe',
  args: [],
  cwd: null,
  env: [],
  stdio: [STDIO_IGNORE, STDIO_IGNORE, STDIO_IGNORE],
  group: true,
  detached: false,
}

test('what a job tells late is not taken for the news of the next process with the same number', (t) => {
  const { processes, keys, news, closers } = starting()
  t.like(processes.start(PLAN), { pid: PID, exitFd: 0 })
  closers[0]?.()
  t.like(processes.start(PLAN), { pid: PID, exitFd: 1 })
  const [first, second] = keys as [number, number]
  processes.told(first, PID, EXIT_PROCESS)
  t.deepEqual(news, [])
  t.true(processes.running)
  processes.told(second, PID, EXIT_PROCESS)
  t.deepEqual(news, [1])
  t.false(processes.running)
})

test('a key of more than 32 bits is handed on as it is', (t) => {
  const packet = new Uint32Array(PACKET_WORDS)
  packet.set([5, 1, 3, 1, 0, 0, 9])
  hand(packet, (key, overlapped, status, bytes) =>
    t.deepEqual([key, overlapped, status, bytes], [5 + 2 ** 32, 3 + 2 ** 32, 0, 9]),
  )
})

test('a wait for a pipe whose descriptor was closed is called off, and tries nothing for the next one', (t) => {
  const begun: Overlapped[] = []
  const cancelled: Overlapped[] = []
  const tried: number[] = []
  const windows = { openFile: () => 20, addressOf: () => 1, askFiles: () => STATUS_PENDING }
  const records = {
    take() {
      begun.push(new Overlapped(begun.length, new Uint32Array(16)))
      return begun.at(-1)
    },
    cancel: (record: Overlapped) => cancelled.push(record),
  }
  const port = { associate: () => 0 } as unknown as Port
  const waits = new PipeWaits(windows as unknown as Windows, records as unknown as Records, port, (fd) =>
    tried.push(fd),
  )
  waits.begin(5, 'busy')
  waits.forget(5)
  waits.begin(5, 'busy')
  const [first, second] = begun as [Overlapped, Overlapped]
  t.deepEqual(cancelled, [first])
  waits.completed(first)
  t.deepEqual(tried, [])
  waits.completed(second)
  t.deepEqual(tried, [5])
})
