/** What the tests about C have in common: koffi and the C library, and threads and waits of C's own. Needs glibc. */
import test, { type ExecutionContext } from 'ava'
import type { LibraryHandle } from 'koffi'
import {
  type ForeignCallback,
  type ForeignFunction,
  type ForeignType,
  foreign,
  type Koffi as KoffiOfDrupe,
} from '../../../index.js'
import type { Koffi } from '../../../native/koffi.js'
import { openLibc } from '../../../native/linux/libc.js'

/** What a test is given. */
export interface C {
  readonly koffi: Koffi
  readonly libc: LibraryHandle
}

/** Makes a `test` whose titles begin with this; it is skipped where the library cannot be loaded. */
export function checks(
  subject: string,
  file = 'libc.so.6',
): (sentence: string, body: (t: ExecutionContext, c: C, library: LibraryHandle) => Promise<void>) => void {
  return (sentence, body) => {
    // All of a thread share what koffi has room for.
    test.serial(`${subject}: ${sentence}`, async (t) => {
      let c: C
      let library: LibraryHandle
      try {
        const { koffi } = openLibc()
        c = { koffi, libc: koffi.load('libc.so.6') }
        library = koffi.load(file)
      } catch (error) {
        t.log(`skipped: ${String(error)}`)
        t.pass()
        return
      }
      await body(t, c, library)
    })
  }
}

/** koffi, which counts what it has given and not got back. */
export function counting(koffi: Koffi): { readonly koffi: KoffiOfDrupe; readonly given: ReadonlySet<unknown> } {
  const given = new Set<unknown>()
  const counted = {
    ...koffi,
    alloc(type: ForeignType, count: number) {
      const pointer: unknown = koffi.alloc(type as string, count)
      given.add(pointer)
      return pointer
    },
    free(pointer: unknown) {
      if (!given.delete(pointer)) throw new Error('freed twice')
      koffi.free(pointer)
    },
    register(callback: (...args: unknown[]) => unknown, type: ForeignType) {
      const pointer = koffi.register(callback, type as string)
      given.add(pointer)
      return pointer
    },
    unregister(pointer: unknown) {
      if (!given.delete(pointer)) throw new Error('unregistered twice')
      koffi.unregister(pointer as bigint)
    },
  }
  return { koffi: counted, given }
}

/** A pipe of C's, so that a call takes as long as the test wants. */
export function pipeOf({ libc }: C) {
  const ends = new Int32Array(2)
  libc.func('int pipe(_Out_ int *ends)')(ends)
  const [from, to] = ends as unknown as [number, number]
  const read = libc.func('read', 'long', ['int', 'void *', 'size_t'])
  const write = libc.func('long write(int fd, const char *at, size_t bytes)')
  const close = libc.func('int close(int fd)')
  return {
    /** Blocks until something is written. */
    read: (into: unknown, bytes: number) => foreign<number>(read, from, into, bytes),
    write: (text: string): number => write(to, text, text.length),
    close(): void {
      for (const fd of [from, to]) close(fd)
    },
  }
}

let prototypes: ReturnType<typeof prototypesOf> | null = null

function prototypesOf({ koffi }: C) {
  return {
    start: koffi.proto('void *DrupeStart(void *argument)'),
    compare: koffi.proto('int DrupeCompare(const void *a, const void *b)'),
    handler: koffi.proto('void DrupeHandler(int number)'),
  }
}

/** Types of functions; koffi knows each name once. */
export function types(c: C): ReturnType<typeof prototypesOf> {
  prototypes ??= prototypesOf(c)
  return prototypes
}

/** Starts a thread of C's own that calls the function once; its id. */
export function startThread({ koffi, libc }: C, callback: ForeignCallback<unknown>, argument: number): number {
  const create = libc.func('pthread_create', 'int', ['void *', 'void *', 'void *', 'size_t'])
  const id = new BigUint64Array(1)
  const result = create(id, null, callback.address, argument)
  if (result !== 0) throw new Error(`no thread: ${result}`)
  return koffi.decode(id, 'uint64_t') as number
}

/** Waits for the end of such a thread; C has the function until then. */
export function* joinThread({ libc }: C, id: number, callback: ForeignCallback<unknown>) {
  const join = libc.func('pthread_join', 'int', ['uint64_t', 'void *'])
  // It takes no callback: it is given so that it is held.
  const holding = Object.assign(() => 0, {
    info: { name: 'pthread_join' },
    async: (thread: number, _held: unknown, done: unknown) => join.async(thread, null, done),
  })
  return yield* foreign<number>(holding, id, callback)
}

/** Calls the function for pairs of so many bytes, on another thread. */
export const sorting = (c: C, count: number, callback: ForeignCallback<unknown>) =>
  foreign(
    qsort(c),
    new Uint8Array(count).map((_zero, i) => i),
    count,
    1,
    callback,
  )

export const qsort = ({ koffi, libc }: C) =>
  libc.func('qsort', 'void', ['void *', 'size_t', 'size_t', koffi.pointer(types({ koffi, libc }).compare)])

/** A function whose calls the test ends, one by one. */
export function controlled() {
  const begun: unknown[][] = []
  const ends: ((result: unknown) => void)[] = []
  const fn: ForeignFunction & (() => number) = Object.assign(() => 0, {
    info: { name: 'controlled' },
    async(...args: unknown[]) {
      const done = args.pop() as (error: unknown, result: unknown) => void
      begun.push(args)
      ends.push((result) => done(null, result))
    },
  })
  return { fn, begun, end: (i: number, result?: unknown) => ends[i]?.(result) }
}
