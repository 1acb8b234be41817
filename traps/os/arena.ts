/**
 * Memory of C's that is freed with a scope.
 *
 * Bytes of the caller's own are enough for most calls, and need no care. This is for what C reads
 * or keeps beside them: structs, strings that it stores, memory that others point to. An arena
 * frees all of its pieces together, so those that point to each other end together.
 */
import { TooLargeError } from '../../kernel/protocol/errors.js'
import { checkBytes, checkCount, checkText } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { namedResource } from '../scope/resource.js'
import { checkKoffi, checkType, type ForeignType, foreignError, type Koffi } from './koffi.js'
import { ForeignArgument, Lifetime } from './lifetime.js'

/**
 * Makes an arena: memory for C, freed when the innermost nursery of the task ends, also by a
 * cancel, or before with `close()`. A call of `foreign` that has a piece of it, one that has begun
 * or waits for its turn, is waited for first, because C cannot be interrupted. From its end on each
 * use of a piece is an error.
 *
 * @param koffi The module: `import koffi from 'koffi'`. It is given, since a type is known to the
 * copy of koffi that made it.
 * @throws TypeError if `koffi` is not that.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { arena, foreign, run, use } from 'drupe'
 * import koffi from 'koffi'
 *
 * const Time = koffi.struct({ seconds: 'int', minutes: 'int', hours: 'int', rest: koffi.array('int', 11) })
 * const libc = koffi.load('libc.so.6')
 * const gmtime = libc.func('gmtime_r', 'void *', ['void *', 'void *'])
 *
 * await run(() => use(arena(koffi), function* (memory) {
 *   const clock = memory.allocate<bigint | number>('int64_t')
 *   const time = memory.allocate<{ hours: number; minutes: number }>(Time)
 *   clock.write(3600 + 120)
 *   yield* foreign(gmtime, clock, time)
 *   const { hours, minutes } = time.read()
 *   console.log(hours, minutes) // => 1 2
 * }))
 * @see https://docs.oracle.com/en/java/javase/22/docs/api/java.base/java/lang/foreign/Arena.html
 */
export function arena(koffi: Koffi): Operation<Arena> {
  checkKoffi('make an arena', koffi)
  return namedResource<Arena>('arena', function* (provide) {
    const made = new Arena(koffi)
    try {
      yield* provide(made)
    } finally {
      yield* made.close()
    }
  })
}

/** Memory that is freed together; `arena(koffi)` makes one. */
export class Arena {
  private pointers: unknown[] = []
  private readonly lifetime: Lifetime

  /** @internal */
  constructor(private readonly koffi: Koffi) {
    this.lifetime = new Lifetime('its arena is closed', (done) => {
      for (const pointer of this.pointers) koffi.free(pointer)
      this.pointers = []
      done()
    })
  }

  /**
   * Allocates memory for a value of a type, all zeros. It is read and written as koffi has the
   * values of that type: a number, an object for a struct.
   *
   * @param type Of koffi's: `'int'`, `koffi.struct({ … })`.
   * @throws ClosedError if the arena is closed.
   * @throws TypeError if there is no such type.
   * @throws Error if there is not so much memory.
   */
  allocate<T = unknown>(type: ForeignType): ForeignMemory<T>
  /**
   * The same for so many values, one behind the other. They are read and written as a list; one
   * that is written may be shorter.
   *
   * @param type Of koffi's.
   * @param count How many, 1 or more.
   */
  allocate<T = unknown>(type: ForeignType, count: number): ForeignMemory<ArrayLike<T> & Iterable<T>>
  allocate(type: ForeignType, count?: number): ForeignMemory<unknown> {
    const { koffi } = this
    checkType('allocate memory', type)
    if (count !== undefined) checkCount('allocate memory', 'count', count, 1)
    const pointer = this.take(type, count ?? 1)
    const bytes = koffi.sizeof(type) * (count ?? 1)
    if (count === undefined) {
      return new ForeignMemory(this.lifetime, pointer, bytes, {
        read: () => koffi.decode(pointer, type),
        write: (value) => koffi.encode(pointer, type, value),
      })
    }
    return new ForeignMemory<unknown>(this.lifetime, pointer, bytes, {
      read: () => koffi.decode(pointer, type, count),
      write(value) {
        const { length = count } = Object(value) as Partial<ArrayLike<unknown>>
        if (length > count) throw new RangeError(`${CANNOT_WRITE}: there is room for ${count} items, not ${length}`)
        if (length > 0) koffi.encode(pointer, type, value, length)
      },
    })
  }

  /**
   * Allocates bytes: so many zeros, or a copy. They are read as a copy; what is written may be
   * shorter.
   *
   * @param bytes How many, or which.
   * @throws ClosedError if the arena is closed.
   * @throws Error if there is not so much memory.
   */
  bytes(bytes: number | Uint8Array): ForeignMemory<Uint8Array> {
    const content = typeof bytes === 'number' ? null : checkBytes('allocate memory', 'bytes', bytes, COUNT_OR_BYTES)
    const length = content === null ? checkCount('allocate memory', 'bytes', bytes as number, 0) : content.length
    const memory: ForeignMemory<Uint8Array> = new ForeignMemory(
      this.lifetime,
      this.take('uint8_t', Math.max(length, 1)),
      length,
      {
        read: () => this.read(memory),
        write: (value) => this.write(memory, checkBytes('write the memory', 'value', value)),
      },
    )
    if (content !== null) memory.write(content)
    return memory
  }

  /**
   * Allocates a string as C has them: UTF-8 with a NUL at its end. It is read up to the first NUL,
   * or to the end of the memory; a string that is written may be shorter.
   *
   * @param text Without NUL.
   * @throws ClosedError if the arena is closed.
   * @throws Error if there is not so much memory.
   */
  string(text: string): ForeignMemory<string> {
    const content = terminated('allocate memory', 'text', text)
    const memory = new ForeignMemory<string>(this.lifetime, this.take('uint8_t', content.length), content.length, {
      read: () => {
        const bytes = this.read(memory)
        const end = bytes.indexOf(0)
        return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end))
      },
      write: (value) => this.write(memory, terminated('write the memory', 'value', value)),
    })
    this.write(memory, content)
    return memory
  }

  /**
   * Frees the memory, after the calls that have it. A second call frees nothing. If the task is
   * cancelled while it waits, it goes on waiting.
   */
  close(): Operation<void> {
    return this.lifetime.end()
  }

  private take(type: ForeignType, count: number): unknown {
    this.lifetime.check('allocate memory')
    try {
      const pointer = this.koffi.alloc(type, count)
      this.pointers.push(pointer)
      return pointer
    } catch (error) {
      throw foreignError('allocate memory', error)
    }
  }

  private read({ pointer, bytes }: ForeignMemory<unknown>): Uint8Array {
    return bytes === 0 ? new Uint8Array(0) : (this.koffi.decode(pointer, 'uint8_t', bytes) as Uint8Array)
  }

  private write({ pointer, bytes }: ForeignMemory<unknown>, content: Uint8Array): void {
    if (content.length > bytes) throw new TooLargeError('write the memory', bytes)
    if (content.length > 0) this.koffi.encode(pointer, 'uint8_t', content, content.length)
  }
}

const CANNOT_WRITE = 'Cannot write the memory'
const COUNT_OR_BYTES = 'a number of bytes, or a Uint8Array'

function terminated(action: string, name: string, text: string): Uint8Array {
  return new TextEncoder().encode(`${checkText(action, name, text)}\0`)
}

/** How a piece is read and written. */
interface Codec<T> {
  read(): T
  write(value: T): void
}

/** A piece of memory in an arena; `foreign` takes it where C wants a pointer. */
export class ForeignMemory<T> extends ForeignArgument {
  /** Its size. */
  readonly bytes: number
  private readonly codec: Codec<T>

  /** @internal */
  constructor(lifetime: Lifetime, pointer: unknown, bytes: number, codec: Codec<T>) {
    super(lifetime, pointer)
    this.bytes = bytes
    this.codec = codec
  }

  /**
   * Reads what is in it now.
   *
   * @throws ClosedError if its arena is closed.
   */
  read(): T {
    this.lifetime.check('read the memory')
    return this.codec.read()
  }

  /**
   * Writes to it. A call that runs may read it at the same time.
   *
   * @param value Of its type.
   * @throws ClosedError if its arena is closed.
   * @throws TypeError if the value is of another type.
   * @throws TooLargeError if it is longer than the memory; RangeError for a list that is.
   */
  write(value: T): void {
    this.lifetime.check('write the memory')
    try {
      this.codec.write(value)
    } catch (error) {
      if (error instanceof Error && error.message.startsWith(CANNOT_WRITE)) throw error
      throw foreignError('write the memory', error)
    }
  }
}
